/* stream.c - rules about how a stream ends: well, cut short, reset, or already dead. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static void close_notify_is_zero_bytes(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char buf[16];
    size_t n = 77;
    int i;

    CHECK_IS(SPRINT_OK, sprint_conn_write(conn, "QUIT\n", 5, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(conn, buf, 4, 5000, &n));
    CHECK(memcmp(buf, "BYE\n", 4) == 0);
    for (i = 0; i < 3; i++) { /* and it stays so */
        n = 77;
        CHECK_IS(SPRINT_OK, sprint_conn_read(conn, buf, sizeof buf, 5000, &n));
        CHECK(n == 0);
    }
    CHECK_IS(SPRINT_E_EOF, sprint_conn_read_exact(conn, buf, 4, 5000, &n));
    CHECK(n == 0);
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0);
    sprint_pool_free(pool);
}

static void read_exact_tells_how_far_it_came(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char buf[16];
    size_t n = 77;

    CHECK_IS(SPRINT_OK, sprint_conn_write(conn, "QUIT\n", 5, 1000));
    CHECK_IS(SPRINT_E_EOF, sprint_conn_read_exact(conn, buf, sizeof buf, 5000, &n));
    CHECK(n == 4 && memcmp(buf, "BYE\n", 4) == 0);
    CHECK_SAYS(settings.address);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

/* 10 of 100 bytes come back, then the stream ends in the given way. */
static sprint_status end_after_ten(const char *query, sprint_conn *conn, sprint_pool *pool) {
    char buf[100];
    size_t n = 0, have = 0;
    sprint_status status;

    *pool = pool_make((struct pool_options){.max_connections = 1});
    *conn = lease_echo(*pool);
    relay_set(query);
    CHECK_IS(SPRINT_OK, sprint_conn_write(*conn, memset(buf, 'x', 100), 100, 1000));
    while ((status = sprint_conn_read(*conn, buf, sizeof buf, 5000, &n)) == SPRINT_OK && n > 0)
        have += n;
    CHECK(have == 10);
    return status;
}

static void a_truncated_stream_is_eof_and_stays_so(void) {
    sprint_pool pool;
    sprint_conn conn;
    char buf[16];
    size_t n = 77;
    uint64_t id;

    CHECK_IS(SPRINT_E_EOF, end_after_ten("truncate_after=10", &conn, &pool));
    CHECK_SAYS(settings.address);
    CHECK_IS(SPRINT_E_EOF, sprint_conn_read(conn, buf, sizeof buf, 5000, &n));
    CHECK_IS(SPRINT_E_EOF, sprint_conn_read_exact(conn, buf, sizeof buf, 5000, NULL));
    CHECK(n == 77);
    CHECK_IS(SPRINT_OK, sprint_conn_id(conn, &id)); /* the lease lives on */
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0 && stats_of(pool).errors >= 1);
    sprint_pool_free(pool);
}

static void a_read_that_does_not_wait_sees_the_end_too(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char buf[16];
    size_t n = 77;

    CHECK_IS(SPRINT_OK, sprint_conn_request(conn, "QUIT\n", 5, buf, 4, 0, 5000, &n));
    CHECK_IS(SPRINT_OK, sprint_conn_read(conn, buf, sizeof buf, 5000, &n));
    CHECK(n == 0);
    n = 77;
    CHECK_IS(SPRINT_OK, sprint_conn_try_read(conn, buf, sizeof buf, &n));
    CHECK(n == 0);
    sprint_conn_release(conn);
    sprint_pool_free(pool);

    CHECK_IS(SPRINT_E_EOF, end_after_ten("truncate_after=10", &conn, &pool));
    CHECK_IS(SPRINT_E_EOF, sprint_conn_try_read(conn, buf, sizeof buf, &n));
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void a_reset_stream_is_io_and_named(void) {
    sprint_pool pool;
    sprint_conn conn;

    CHECK_IS(SPRINT_E_IO, end_after_ten("reset_after=10", &conn, &pool));
    CHECK_SAYS(settings.address);
    CHECK_SAYS("reset");
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0);
    sprint_pool_free(pool);
}

static void close_notify_in_the_middle_is_zero_bytes(void) {
    sprint_pool pool;
    sprint_conn conn;

    CHECK_IS(SPRINT_OK, end_after_ten("close_after=10", &conn, &pool));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0);
    sprint_pool_free(pool);
}

/* Dies between the check at hand-out and the first answer. */
static void a_reused_connection_that_died_unanswered_is_stale(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char buf[16];
    size_t n;
    uint64_t uses = 0;

    sprint_conn_release(conn);
    conn = lease(pool);
    CHECK_IS(SPRINT_OK, sprint_conn_uses(conn, &uses));
    CHECK(uses == 1);
    relay_set("drop_idle=1");
    CHECK_IS(SPRINT_E_STALE, sprint_conn_request(conn, "NONCE\n", 6, buf, sizeof buf, 0, 5000, &n));
    CHECK_SAYS(settings.address);
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0);
    sprint_pool_free(pool);
}

static void a_fresh_connection_that_died_unanswered_is_not_stale(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char buf[16];
    size_t n;

    relay_set("drop_idle=1");
    CHECK_IS(SPRINT_E_EOF, sprint_conn_read(conn, buf, sizeof buf, 5000, &n));
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static sprint_status write_until_it_fails(sprint_conn conn) {
    sprint_status status = SPRINT_OK;
    int64_t started = now_ms();

    while (status == SPRINT_OK && now_ms() - started < PROMPT_MS * settings.slow)
        status = sprint_conn_write(conn, "x", 1, 1000);
    return status;
}

static void writing_to_a_peer_that_left_is_an_error_without_a_signal(void) {
    sprint_pool pool;
    sprint_conn conn;

    sigpipe_kills(1);
    end_after_ten("reset_after=10", &conn, &pool);
    CHECK(write_until_it_fails(conn) != SPRINT_OK);
    sigpipe_kills(0);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void other_connections_go_on(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 2});
    sprint_conn dead = lease(pool), alive = lease_echo(pool);
    char buf[8];
    size_t n;

    CHECK_IS(SPRINT_OK, sprint_conn_write(dead, "QUIT\n", 5, 1000));
    CHECK_IS(SPRINT_E_EOF, sprint_conn_read_exact(dead, buf, 8, 5000, &n));
    CHECK_IS(SPRINT_OK, sprint_conn_request(alive, "on", 2, buf, sizeof buf, 0, 5000, &n));
    CHECK(n == 2);
    sprint_conn_release(dead);
    sprint_conn_release(alive);
    CHECK(stats_of(pool).idle == 1);
    sprint_pool_free(pool);
}

const struct rule stream_rules[] = {
    RULE(close_notify_is_zero_bytes),
    RULE(read_exact_tells_how_far_it_came),
    RULE(a_truncated_stream_is_eof_and_stays_so),
    RULE(a_read_that_does_not_wait_sees_the_end_too),
    RULE(a_reset_stream_is_io_and_named),
    RULE(close_notify_in_the_middle_is_zero_bytes),
    RULE(a_reused_connection_that_died_unanswered_is_stale),
    RULE(a_fresh_connection_that_died_unanswered_is_not_stale),
    RULE(writing_to_a_peer_that_left_is_an_error_without_a_signal),
    RULE(other_connections_go_on),
    NO_MORE_RULES,
};
