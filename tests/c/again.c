/* again.c - rules about a request that is sent once more. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>

#include "rules.h"
#include "support.h"

/* A lease that was used before, whose peer is gone. */
static sprint_conn stale_lease(sprint_pool pool) {
    sprint_conn conn = lease(pool);
    uint64_t uses = 0;

    sprint_conn_release(conn);
    conn = lease(pool);
    CHECK_IS(SPRINT_OK, sprint_conn_uses(conn, &uses));
    CHECK(uses == 1);
    relay_set("drop_idle=1");
    return conn;
}

static sprint_status ask(sprint_conn conn, uint32_t flags, int64_t timeout_ms) {
    char buf[128];
    size_t n = 0;
    sprint_status status =
        sprint_conn_request(conn, "NONCE\n", 6, buf, sizeof buf, flags, timeout_ms, &n);

    CHECK(status != SPRINT_OK || (n > 6 && memcmp(buf, "NONCE ", 6) == 0));
    return status;
}

static long retries(sprint_pool pool, const char *outcome) {
    char text[8192];

    CHECK_IS(SPRINT_OK, sprint_pool_status_json(pool, text, sizeof text, NULL));
    return json_number(strstr(text, "\"retries\":"), outcome);
}

static void an_idempotent_request_goes_on_with_a_fresh_connection(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = stale_lease(pool);
    uint64_t before = 0, after = 0, uses = 77;

    CHECK_IS(SPRINT_OK, sprint_conn_id(conn, &before));
    CHECK_IS(SPRINT_OK, ask(conn, SPRINT_REQUEST_IDEMPOTENT, 5000));
    CHECK_IS(SPRINT_OK, sprint_conn_id(conn, &after));
    CHECK(after != before);
    CHECK_IS(SPRINT_OK, sprint_conn_uses(conn, &uses));
    CHECK(uses == 0);
    CHECK_IS(SPRINT_OK, ask(conn, 0, 5000));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 1 && stats_of(pool).lent == 0 && stats_of(pool).acquires == 2);
    CHECK(stats_of(pool).reconnects == 1 && stats_of(pool).dials == 2);
    CHECK(retries(pool, "success") == 1 && retries(pool, "failure") == 0);
    sprint_pool_free(pool);
}

static void the_fresh_connection_has_its_own_descriptor(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = stale_lease(pool);
    int32_t fd = -1;
    uint32_t want;

    CHECK_IS(SPRINT_OK, ask(conn, SPRINT_REQUEST_IDEMPOTENT, 5000));
    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(conn, &fd, &want));
    CHECK(is_open(fd));
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void without_the_flag_it_says_how_far_it_came(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = stale_lease(pool);
    char text[1024];

    CHECK_IS(SPRINT_E_STALE, ask(conn, 0, 5000));
    CHECK_SAYS("6 bytes written, 0 read");
    CHECK_IS(SPRINT_OK, sprint_conn_info_json(conn, text, sizeof text, NULL));
    CHECK(json_number(text, "bytes_written") == 6 && json_number(text, "bytes_read") == 0);
    CHECK_IS(SPRINT_E_STATE, sprint_conn_write(conn, "x", 1, 1000));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).dials == 1);
    sprint_pool_free(pool);
}

/* Whatever was called before: that the peer has seen nothing of it is not known. */
static void only_the_first_call_of_a_lease_is_sent_again(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char byte;
    size_t n;

    sprint_conn_release(conn);
    conn = lease(pool);
    CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_read(conn, &byte, 1, 0, &n));
    relay_set("drop_idle=1");
    CHECK_IS(SPRINT_E_STALE, ask(conn, SPRINT_REQUEST_IDEMPOTENT, 5000));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).dials == 1 && retries(pool, "failure") == 0);
    sprint_pool_free(pool);
}

static void one_deadline_covers_both_attempts(void) {
    sprint_pool pool =
        pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = LONG_MS});
    sprint_conn conn = stale_lease(pool);
    int64_t started = now_ms();

    relay_set("stall_handshake=1");
    CHECK_IS(SPRINT_E_TIMEOUT, ask(conn, SPRINT_REQUEST_IDEMPOTENT, 300));
    CHECK(took(started, 299));
    CHECK_SAYS("1 dialing");
    CHECK_IS(SPRINT_E_STATE, sprint_conn_write(conn, "x", 1, 1000));
    CHECK(retries(pool, "failure") == 1);
    sprint_conn_release(conn);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void with_no_time_left_nothing_is_dialled(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = stale_lease(pool);
    sprint_status status;

    status = ask(conn, SPRINT_REQUEST_IDEMPOTENT, 0);
    CHECK(status == SPRINT_E_STALE || status == SPRINT_E_TIMEOUT); /* whether FIN is there yet */
    sprint_conn_release(conn);
    CHECK(stats_of(pool).dials == 1);
    sprint_pool_free(pool);
}

struct waiter {
    pthread_t thread;
    sprint_pool pool;
    sprint_conn conn;
    sprint_status status;
};

static void *ask_for_long(void *arg) {
    struct waiter *w = arg;

    w->status = ask(w->conn, SPRINT_REQUEST_IDEMPOTENT, LONG_MS);
    return NULL;
}

static int is_dialing(void *arg) {
    return stats_of(((struct waiter *)arg)->pool).dialing == 1;
}

/* Waits for a fresh connection when end() is called. */
static void closed_by(void (*end)(struct waiter *w)) {
    struct waiter w = {
        .pool =
            pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = LONG_MS}),
    };
    int64_t started;

    w.conn = stale_lease(w.pool);
    relay_set("stall_handshake=1");
    CHECK(pthread_create(&w.thread, NULL, ask_for_long, &w) == 0);
    CHECK(eventually(is_dialing, &w));
    started = now_ms();
    end(&w);
    pthread_join(w.thread, NULL);
    CHECK(took(started, 0));
    CHECK(w.status == SPRINT_E_CLOSED);
    sprint_conn_release(w.conn);
    CHECK(stats_of(w.pool).lent == 0);
    sprint_pool_free(w.pool);
}

static void end_lease(struct waiter *w) {
    sprint_conn_release(w->conn);
}

static void end_pool(struct waiter *w) {
    CHECK_IS(SPRINT_OK, sprint_pool_close(w->pool, LONG_MS, NULL));
}

static void the_end_of_the_lease_ends_the_wait(void) {
    closed_by(end_lease);
}

static void the_end_of_the_pool_ends_the_wait(void) {
    closed_by(end_pool);
}

const struct rule again_rules[] = {
    RULE(an_idempotent_request_goes_on_with_a_fresh_connection),
    RULE(the_fresh_connection_has_its_own_descriptor),
    RULE(without_the_flag_it_says_how_far_it_came),
    RULE(only_the_first_call_of_a_lease_is_sent_again),
    RULE(one_deadline_covers_both_attempts),
    RULE(with_no_time_left_nothing_is_dialled),
    RULE(the_end_of_the_lease_ends_the_wait),
    RULE(the_end_of_the_pool_ends_the_wait),
    NO_MORE_RULES,
};
