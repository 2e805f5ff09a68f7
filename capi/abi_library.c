#include "abi.h"

#include <string.h>

#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

sprint_status sprint_init(uint32_t abi) {
    ENTER();
    if (abi >> 16 != SPRINT_VERSION_MAJOR || (abi & 0xffff) > SPRINT_VERSION_MINOR)
        return sprint_failf(SPRINT_E_ABI,
                            "sprint: the host was compiled against interface %u.%u, this library "
                            "serves %d.0 to %d.%d",
                            (unsigned)(abi >> 16), (unsigned)(abi & 0xffff), SPRINT_VERSION_MAJOR,
                            SPRINT_VERSION_MAJOR, SPRINT_VERSION_MINOR);
    return SPRINT_OK;
}

const char *sprint_version(void) {
    return VERSION(SPRINT_VERSION_MAJOR, SPRINT_VERSION_MINOR, SPRINT_VERSION_PATCH);
}

static const struct {
    const char *name, *text;
} statuses[] = {
    [-SPRINT_OK] = {"SPRINT_OK", "success"},
    [-SPRINT_E_ARG] = {"SPRINT_E_ARG", "bad argument"},
    [-SPRINT_E_HANDLE] = {"SPRINT_E_HANDLE", "not a live handle of this kind"},
    [-SPRINT_E_CLOSED] = {"SPRINT_E_CLOSED", "closed"},
    [-SPRINT_E_TIMEOUT] = {"SPRINT_E_TIMEOUT", "timed out"},
    [-SPRINT_E_EXHAUSTED] = {"SPRINT_E_EXHAUSTED", "no connection free"},
    [-SPRINT_E_EOF] = {"SPRINT_E_EOF", "truncated: the peer went without close_notify"},
    [-SPRINT_E_IO] = {"SPRINT_E_IO", "network error"},
    [-SPRINT_E_TLS] = {"SPRINT_E_TLS", "TLS error"},
    [-SPRINT_E_CERT] = {"SPRINT_E_CERT", "certificate not accepted"},
    [-SPRINT_E_RANGE] = {"SPRINT_E_RANGE", "the caller's buffer is too small"},
    [-SPRINT_E_NOMEM] = {"SPRINT_E_NOMEM", "out of memory"},
    [-SPRINT_E_MLOCK] = {"SPRINT_E_MLOCK", "locked-memory limit reached"},
    [-SPRINT_E_STATE] = {"SPRINT_E_STATE", "not valid in this state"},
    [-SPRINT_E_UNSUPPORTED] = {"SPRINT_E_UNSUPPORTED", "not known to this build"},
    [-SPRINT_E_FORKED] = {"SPRINT_E_FORKED", "the process was forked after loading"},
    [-SPRINT_E_ABI] = {"SPRINT_E_ABI", "incompatible interface version"},
    [-SPRINT_E_INTERNAL] = {"SPRINT_E_INTERNAL", "internal error"},
    [-SPRINT_E_BREAKER_OPEN] = {"SPRINT_E_BREAKER_OPEN", "every circuit breaker is open"},
    [-SPRINT_E_WOULD_BLOCK] = {"SPRINT_E_WOULD_BLOCK", "nothing to be had now"},
    [-SPRINT_E_EXPIRED] = {"SPRINT_E_EXPIRED", "the secret has expired"},
    [-SPRINT_E_CORRUPT] = {"SPRINT_E_CORRUPT", "memory around the secret was overwritten"},
    [-SPRINT_E_STALE] = {"SPRINT_E_STALE", "the reused connection died before any answer"},
    [-SPRINT_E_CRYPTO] = {"SPRINT_E_CRYPTO", "authentication failed or bad key"},
};

enum { STATUSES = sizeof statuses / sizeof statuses[0] };

const char *sprint_strerror(sprint_status status) {
    return status <= 0 && status > -STATUSES ? statuses[-status].text : "unknown status";
}

const char *sprint_errname(sprint_status status) {
    return status <= 0 && status > -STATUSES ? statuses[-status].name : "SPRINT_E_UNKNOWN";
}

sprint_status sprint_log_to_fd(int32_t fd, int32_t level) {
    ENTER();
    REQUIRE(level >= SPRINT_LOG_TRACE && level <= SPRINT_LOG_ERROR,
            "log: the level must be within SPRINT_LOG_TRACE and SPRINT_LOG_ERROR");
    REQUIRE(fd < 0 || sprint_log_takes(fd), "log: fd is not an open descriptor");
    return sprintgo_log_to(fd < 0 ? -1 : fd, level);
}

void sprint_wipe(void *p, size_t len) {
    if (!p)
        return;
    memset(p, 0, len);
    __asm__ volatile("" : : "r"(p) : "memory"); /* who reads it may come: not removed */
}
