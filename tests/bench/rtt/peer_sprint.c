/*
 * peer_sprint.c - libsprint, loaded as a trading engine would load it. Two peers share
 * a pool, each on a lease of its own: write + read_exact, and request.
 */
#include <stdio.h>

#include "peer.h"
#include "sprint_dl.h"

/* No operation of the benchmark takes long; a hang must end it. */
enum { DEADLINE_MS = 5000 };

static struct sprint_dl lib;
static sprint_pool pool;
static sprint_conn exact_conn, request_conn;

static int explain(struct peer *self, const char *step, sprint_status status) {
    char text[160];

    lib.sprint_last_error(text, sizeof text);
    snprintf(self->why, sizeof self->why, "%s: %s: %s", step, lib.sprint_errname(status), text);
    return -1;
}

static int make_pool(struct peer *self, const struct target *target) {
    sprint_config config = 0;
    const char *step = "sprint_config_new";
    sprint_status status = lib.sprint_config_new(target->tls_address, &config);

    if (status == SPRINT_OK) {
        step = "CA_FILE";
        status = lib.sprint_config_set_str(config, SPRINT_OPT_CA_FILE, target->ca_file);
    }
    if (status == SPRINT_OK) {
        step = "sprint_pool_new";
        status = lib.sprint_pool_new(config, &pool);
    }
    if (status != SPRINT_OK)
        explain(self, step, status);
    lib.sprint_config_free(config);
    return status == SPRINT_OK ? 0 : -1;
}

static int lease(struct peer *self, const struct target *target, sprint_conn *conn) {
    sprint_status status;

    if (lib.sprint_init == NULL &&
        sprint_dl_load(target->sprint_lib, &lib, self->why, sizeof self->why) != SPRINT_OK)
        return -1;
    if (pool == 0 && make_pool(self, target) != 0)
        return -1;
    if ((status = lib.sprint_pool_acquire(pool, DEADLINE_MS, conn)) != SPRINT_OK)
        return explain(self, "sprint_pool_acquire", status);
    status = lib.sprint_conn_write(*conn, ECHO_LINE, sizeof ECHO_LINE - 1, DEADLINE_MS);
    return status == SPRINT_OK ? 0 : explain(self, "sprint_conn_write", status);
}

/* The pool goes with its last lease. */
static void give_up(sprint_conn *conn) {
    if (*conn != 0)
        lib.sprint_conn_discard(*conn);
    *conn = 0;
    if (pool != 0 && exact_conn == 0 && request_conn == 0) {
        lib.sprint_pool_free(pool);
        pool = 0;
    }
}

static int exact_open(struct peer *self, const struct target *target) {
    return lease(self, target, &exact_conn);
}

static int exact_roundtrip(struct peer *self, const void *out, void *in, size_t len) {
    sprint_status status = lib.sprint_conn_write(exact_conn, out, len, DEADLINE_MS);

    if (status != SPRINT_OK)
        return explain(self, "sprint_conn_write", status);
    status = lib.sprint_conn_read_exact(exact_conn, in, len, DEADLINE_MS, NULL);
    return status == SPRINT_OK ? 0 : explain(self, "sprint_conn_read_exact", status);
}

static void exact_close(struct peer *self) {
    (void)self;
    give_up(&exact_conn);
}

static int request_open(struct peer *self, const struct target *target) {
    return lease(self, target, &request_conn);
}

/* request() reads once; a long echo may come in several records. */
static int request_roundtrip(struct peer *self, const void *out, void *in, size_t len) {
    size_t n = 0;
    sprint_status status =
        lib.sprint_conn_request(request_conn, out, len, in, len, 0, DEADLINE_MS, &n);

    if (status != SPRINT_OK)
        return explain(self, "sprint_conn_request", status);
    if (n == 0) {
        snprintf(self->why, sizeof self->why, "sprint_conn_request: peer ended the stream");
        return -1;
    }
    if (n == len)
        return 0;
    status = lib.sprint_conn_read_exact(request_conn, (char *)in + n, len - n, DEADLINE_MS, NULL);
    return status == SPRINT_OK ? 0 : explain(self, "sprint_conn_read_exact", status);
}

static void request_close(struct peer *self) {
    (void)self;
    give_up(&request_conn);
}

static const char *sprint_peer_version(void) {
    return lib.sprint_version();
}

struct peer peer_sprint = {
    .name = "sprint",
    .open = exact_open,
    .roundtrip = exact_roundtrip,
    .close = exact_close,
    .version = sprint_peer_version,
};

struct peer peer_sprint_request = {
    .name = "sprint_request",
    .open = request_open,
    .roundtrip = request_roundtrip,
    .close = request_close,
    .version = sprint_peer_version,
};
