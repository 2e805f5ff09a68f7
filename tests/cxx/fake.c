/* Libraries that sprint_dl_load() must refuse: OLDER answers SPRINT_E_ABI, the other lacks most. */
#include <stdio.h>

#include <sprint.h>

sprint_status sprint_init(uint32_t abi) {
    (void)abi;
#ifdef OLDER
    return SPRINT_E_ABI;
#else
    return SPRINT_OK;
#endif
}

size_t sprint_last_error(char *text, size_t cap) {
    return (size_t)snprintf(text, cap, "this library is older than its host") + 1;
}

const char *sprint_version(void) {
    return "0.9.0";
}

#ifndef OLDER
const char *sprint_strerror(sprint_status status) {
    (void)status;
    return "";
}

const char *sprint_errname(sprint_status status) {
    (void)status;
    return "";
}

sprint_status sprint_log_to_fd(int32_t fd, int32_t level) {
    (void)fd;
    (void)level;
    return SPRINT_OK;
}
#endif
