/* close.c - rules about closing pools and giving leases up while others use them. */
#define _GNU_SOURCE
#include <pthread.h>

#include "inside.h"
#include "rules.h"
#include "support.h"

static void closed_soon(struct caller *c, int64_t started) {
    pthread_join(c->thread, NULL);
    CHECK(took(started, 0));
    CHECK(c->status == SPRINT_E_CLOSED);
}

static void release_on_another_thread_ends_a_read(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 1})};
    int64_t started;
    uint64_t id;

    c.conn = lease_echo(c.pool);
    caller_start(&c, read_for_long, is_reading);
    started = now_ms();
    sprint_conn_release(c.conn);
    CHECK_IS(SPRINT_E_HANDLE, sprint_conn_id(c.conn, &id)); /* the handle died at once */
    closed_soon(&c, started);
    CHECK(stats_of(c.pool).idle == 0 && stats_of(c.pool).lent == 0);
    sprint_pool_free(c.pool);
}

static void discard_on_another_thread_ends_a_write(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 1})};
    int64_t started;

    c.conn = lease_echo(c.pool);
    caller_start(&c, write_for_long, is_writing);
    started = now_ms();
    sprint_conn_discard(c.conn);
    closed_soon(&c, started);
    CHECK(stats_of(c.pool).lent == 0);
    sprint_pool_free(c.pool);
}

static void a_closed_pool_answers_as_documented(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 2});
    uint32_t forced = 77;
    sprint_conn conn = 1;
    char text[4096];

    sprint_conn_release(lease(pool));
    CHECK_IS(SPRINT_E_ARG, sprint_pool_close(pool, -1, &forced));
    CHECK_IS(SPRINT_E_ARG, sprint_pool_close(pool, INT64_MIN, &forced));
    CHECK(forced == 77 && stats_of(pool).idle == 1);
    CHECK_IS(SPRINT_OK, sprint_pool_close(pool, 1000, &forced));
    CHECK(forced == 0);
    forced = 77;
    CHECK_IS(SPRINT_OK, sprint_pool_close(pool, 0, &forced));
    CHECK(forced == 0);
    CHECK_IS(SPRINT_OK, sprint_pool_close(pool, INT64_MAX, NULL));
    CHECK_IS(SPRINT_E_CLOSED, sprint_pool_acquire(pool, 1000, &conn));
    CHECK(conn == 0);
    CHECK_IS(SPRINT_E_CLOSED, sprint_pool_acquire(pool, 0, &conn));
    CHECK_IS(SPRINT_E_CLOSED, sprint_pool_warm_up(pool, 1, 1000));
    CHECK_IS(SPRINT_E_CLOSED, sprint_pool_start_metrics(pool, NULL));
    CHECK_IS(SPRINT_OK, sprint_pool_stop_metrics(pool));
    CHECK(stats_of(pool).idle == 0 && stats_of(pool).healthy == 0);
    CHECK_IS(SPRINT_OK, sprint_pool_status_json(pool, text, sizeof text, NULL));
    sprint_pool_free(pool);
    CHECK_IS(SPRINT_E_HANDLE, sprint_pool_close(pool, 0, NULL));
}

static void close_wakes_those_who_wait_for_a_lease(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 1})};
    sprint_conn held = lease(c.pool);
    int64_t started;

    caller_start(&c, acquire_for_long, is_waiting);
    started = now_ms();
    CHECK_IS(SPRINT_OK, sprint_pool_close(c.pool, 0, NULL));
    closed_soon(&c, started);
    sprint_conn_release(held);
    sprint_pool_free(c.pool);
}

static void without_grace_a_blocked_reader_is_cut_off(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 2})};
    sprint_conn quiet;
    uint32_t forced = 0;
    int64_t started;
    char buf[8];
    size_t n;

    c.conn = lease_echo(c.pool);
    quiet = lease_echo(c.pool);
    caller_start(&c, read_for_long, is_reading);
    started = now_ms();
    CHECK_IS(SPRINT_OK, sprint_pool_close(c.pool, 0, &forced));
    CHECK(took(started, 0));
    CHECK(forced == 2);
    closed_soon(&c, started);
    CHECK_IS(SPRINT_E_CLOSED, sprint_conn_write(quiet, "x", 1, 1000));
    CHECK_IS(SPRINT_E_CLOSED, sprint_conn_read(quiet, buf, sizeof buf, 1000, &n));
    CHECK_IS(SPRINT_E_CLOSED, sprint_conn_read(c.conn, buf, sizeof buf, 1000, &n));
    sprint_conn_release(quiet);
    sprint_conn_release(c.conn);
    CHECK(stats_of(c.pool).lent == 0);
    sprint_pool_free(c.pool);
}

static void a_grace_lets_leases_finish_and_then_cuts_them_off(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 1})};
    uint32_t forced = 0;
    int64_t started;

    c.conn = lease_echo(c.pool);
    caller_start(&c, read_for_long, is_reading);
    started = now_ms();
    CHECK_IS(SPRINT_OK, sprint_pool_close(c.pool, 250, &forced));
    CHECK(took(started, 249));
    CHECK(forced == 1);
    pthread_join(c.thread, NULL);
    CHECK(c.status == SPRINT_E_CLOSED);
    sprint_conn_release(c.conn);
    sprint_pool_free(c.pool);
}

static sprint_status work_and_release(struct caller *c) {
    char buf[8];
    size_t n;
    sprint_status status;

    sleep_ms(100); /* the work; the pool is closing meanwhile */
    status = sprint_conn_request(c->conn, "bye", 3, buf, sizeof buf, 0, 5000, &n);
    sprint_conn_release(c->conn);
    return status;
}

static int at_once(void *arg) {
    (void)arg;
    return 1;
}

static void close_ends_with_the_last_lease(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 1})};
    uint32_t forced = 77;
    int64_t started;

    c.conn = lease_echo(c.pool);
    started = now_ms();
    caller_start(&c, work_and_release, at_once);
    CHECK_IS(SPRINT_OK, sprint_pool_close(c.pool, LONG_MS, &forced));
    CHECK(took(started, 99));
    CHECK(forced == 0);
    pthread_join(c.thread, NULL);
    CHECK(c.status == SPRINT_OK);
    sprint_pool_free(c.pool);
}

static void a_freed_pool_leaves_leases_closed_but_valid(void) {
    struct caller c = {.pool = pool_make((struct pool_options){.max_connections = 2})};
    sprint_conn quiet;
    sprint_pool_stats s = {.struct_size = sizeof s};
    int64_t started;
    uint64_t id = 0;
    int32_t fd;
    uint32_t want;
    char byte;
    size_t n;

    c.conn = lease_echo(c.pool);
    quiet = lease(c.pool);
    caller_start(&c, read_for_long, is_reading);
    started = now_ms();
    sprint_pool_free(c.pool);
    CHECK(took(started, 0));
    closed_soon(&c, started);
    CHECK_IS(SPRINT_E_HANDLE, sprint_pool_stats_get(c.pool, &s));
    CHECK_IS(SPRINT_E_CLOSED, sprint_conn_write(quiet, "x", 1, 1000));
    /* An event loop still polls it, is woken by the cut socket, and is told by the read. */
    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(quiet, &fd, &want));
    CHECK_IS(SPRINT_E_CLOSED, sprint_conn_try_read(quiet, &byte, 1, &n));
    CHECK_IS(SPRINT_OK, sprint_conn_id(quiet, &id));
    CHECK(id == 2);
    sprint_conn_release(quiet);
    CHECK_IS(SPRINT_E_HANDLE, sprint_conn_write(quiet, "x", 1, 1000));
    sprint_conn_discard(c.conn);
    sprint_pool_free(c.pool);
}

const struct rule close_rules[] = {
    RULE(release_on_another_thread_ends_a_read),
    RULE(discard_on_another_thread_ends_a_write),
    RULE(a_closed_pool_answers_as_documented),
    RULE(close_wakes_those_who_wait_for_a_lease),
    RULE(without_grace_a_blocked_reader_is_cut_off),
    RULE(a_grace_lets_leases_finish_and_then_cuts_them_off),
    RULE(close_ends_with_the_last_lease),
    RULE(a_freed_pool_leaves_leases_closed_but_valid),
    NO_MORE_RULES,
};
