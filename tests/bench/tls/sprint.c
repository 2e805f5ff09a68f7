/*
 * sprint.c - libsprint, loaded as a trading engine would load it. All sessions are leases
 * of one pool. Two stacks: write + read_exact, and request.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sprint_dl.h"
#include "stack.h"

/* No operation of the benchmarks takes long; a hang must end it. */
enum { DEADLINE_MS = 30000 };

static struct sprint_dl lib;
static sprint_pool pool;

static _Thread_local char failure[256];

static const char *explain(const char *step, sprint_status status) {
    char text[160];

    if (status == SPRINT_OK)
        return NULL;
    lib.sprint_last_error(text, sizeof text);
    snprintf(failure, sizeof failure, "%s: %s: %s", step, lib.sprint_errname(status), text);
    return failure;
}

static const char *make_pool(const struct surroundings *at) {
    sprint_config config = 0;
    const char *why;

    if (pool != 0)
        return NULL;
    if (lib.sprint_init == NULL &&
        sprint_dl_load(at->sprint_lib, &lib, failure, sizeof failure) != SPRINT_OK)
        return failure;
    why = explain("sprint_config_new", lib.sprint_config_new(at->tls_address, &config));
    if (why == NULL)
        why =
            explain("CA_FILE", lib.sprint_config_set_str(config, SPRINT_OPT_CA_FILE, at->ca_file));
    if (why == NULL)
        why = explain("sprint_pool_new", lib.sprint_pool_new(config, &pool));
    lib.sprint_config_free(config);
    return why;
}

static sprint_conn conn_of(void *session) {
    return (sprint_conn)(uintptr_t)session;
}

/* Nothing is ever idle, so that each lease is a new connection. */
static const char *sprint_connect(const struct surroundings *at, void **session) {
    sprint_conn conn = 0;
    const char *why = make_pool(at);

    if (why == NULL)
        why = explain("sprint_pool_acquire", lib.sprint_pool_acquire(pool, DEADLINE_MS, &conn));
    *session = (void *)(uintptr_t)conn;
    return why;
}

static const char *sprint_write(void *session, const void *data, size_t len) {
    return explain("sprint_conn_write",
                   lib.sprint_conn_write(conn_of(session), data, len, DEADLINE_MS));
}

static const char *sprint_read(void *session, void *data, size_t len) {
    return explain("sprint_conn_read_exact",
                   lib.sprint_conn_read_exact(conn_of(session), data, len, DEADLINE_MS, NULL));
}

/* request() reads once; a long echo may come in several records. */
static const char *sprint_roundtrip(void *session, const void *out, void *in, size_t len) {
    size_t n = 0;
    const char *why =
        explain("sprint_conn_request",
                lib.sprint_conn_request(conn_of(session), out, len, in, len, 0, DEADLINE_MS, &n));

    if (why != NULL || n == len)
        return why;
    if (n == 0)
        return "sprint_conn_request: peer ended the stream";
    return sprint_read(session, (char *)in + n, len - n);
}

static int sprint_resumed(void *session) {
    char info[1024];

    return lib.sprint_conn_info_json(conn_of(session), info, sizeof info, NULL) == SPRINT_OK &&
           strstr(info, "\"resumed\":true") != NULL;
}

static void sprint_close(void *session) {
    lib.sprint_conn_discard(conn_of(session));
}

static const char *sprint_stack_version(void) {
    return lib.sprint_version();
}

const struct stack stack_sprint = {
    .name = "sprint",
    .connect = sprint_connect,
    .write = sprint_write,
    .read = sprint_read,
    .resumed = sprint_resumed,
    .close = sprint_close,
    .version = sprint_stack_version,
};

const struct stack stack_sprint_request = {
    .name = "sprint_request",
    .connect = sprint_connect,
    .write = sprint_write,
    .read = sprint_read,
    .roundtrip = sprint_roundtrip,
    .resumed = sprint_resumed,
    .close = sprint_close,
    .version = sprint_stack_version,
};
