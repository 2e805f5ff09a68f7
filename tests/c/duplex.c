/* duplex.c - rules about both directions at once: event loops, full sockets, two threads. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "inside.h"
#include "rules.h"
#include "support.h"

static int poll_for(sprint_conn conn, int ms) {
    struct pollfd p = {.fd = -1};
    uint32_t want = 0;

    if (!CHECK_IS(SPRINT_OK, sprint_conn_poll_info(conn, &p.fd, &want)) || !CHECK(p.fd >= 0))
        return 0;
    p.events =
        (short)((want & SPRINT_WANT_READ ? POLLIN : 0) | (want & SPRINT_WANT_WRITE ? POLLOUT : 0));
    return poll(&p, 1, ms);
}

static void an_event_loop_polls_where_it_is_told(void) {
    struct line l = line_open();
    unsigned char buf[64];
    uint32_t want = 0;
    int32_t fd = -1;
    size_t n = 77;

    while (sprint_conn_try_read(l.conn, buf, sizeof buf, &n) == SPRINT_OK)
        CHECK(0); /* nothing was asked for */
    CHECK_IS(SPRINT_E_WOULD_BLOCK, sprint_conn_try_read(l.conn, buf, sizeof buf, &n));
    CHECK(n == 77);
    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(l.conn, &fd, &want));
    CHECK(want == SPRINT_WANT_READ);
    CHECK_IS(SPRINT_OK, sprint_conn_try_write(l.conn, "event", 5, &n));
    CHECK(n == 5);
    CHECK_IS(SPRINT_OK, sprint_conn_flush(l.conn, 0));
    CHECK(poll_for(l.conn, 5000) == 1);
    CHECK_IS(SPRINT_OK, sprint_conn_try_read(l.conn, buf, sizeof buf, &n));
    CHECK(n == 5 && memcmp(buf, "event", 5) == 0);
    CHECK_IS(SPRINT_E_WOULD_BLOCK, sprint_conn_try_read(l.conn, buf, sizeof buf, &n));
    line_close(&l);
}

/* Whether the echo server takes more, until its own sockets are full too. A socket may
 * have a little room left before it is writable again as poll(2) sees it. */
static int room_comes(sprint_conn conn) {
    struct pollfd p = {.events = POLLOUT};
    sprint_status status;
    uint32_t want;
    int writable;

    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(conn, &p.fd, &want));
    writable = poll(&p, 1, 500);
    status = sprint_conn_flush(conn, 0);
    return status == SPRINT_OK || (status == SPRINT_E_WOULD_BLOCK && writable == 1);
}

/* Nobody reads, so the sockets fill up; then everything comes out, and in order. */
static void a_full_socket_says_so_and_nothing_is_lost(void) {
    enum { CHUNK = 256 << 10, MOST = 256 << 20 };
    unsigned char *out = malloc(CHUNK), *in = malloc(CHUNK);
    struct line l = line_open();
    size_t sent = 0, received = 0, n = 0, i, wrong = 0;
    sprint_status status = SPRINT_OK;
    uint32_t want = 0;
    int32_t fd;
    int64_t started;

    while (sent < MOST) {
        for (i = 0; i < CHUNK; i++)
            out[i] = (unsigned char)((sent + i) * 31 >> 3);
        status = sprint_conn_try_write(l.conn, out, CHUNK, &n);
        if (status == SPRINT_OK)
            sent += n;
        else if (status != SPRINT_E_WOULD_BLOCK || !room_comes(l.conn))
            break;
    }
    CHECK(status == SPRINT_E_WOULD_BLOCK);
    CHECK(sent > 0 && sent < MOST);
    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(l.conn, &fd, &want));
    CHECK(want == (SPRINT_WANT_READ | SPRINT_WANT_WRITE));
    CHECK_IS(SPRINT_E_WOULD_BLOCK, sprint_conn_try_write(l.conn, out, 1, &n));
    CHECK_IS(SPRINT_E_WOULD_BLOCK, sprint_conn_flush(l.conn, 0));
    while (
        received < sent &&
        CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, in, CHUNK, PROMPT_MS * settings.slow, &n))) {
        for (i = 0; i < n; i++)
            wrong += in[i] != (unsigned char)((received + i) * 31 >> 3);
        received += n;
    }
    CHECK(received == sent && wrong == 0);
    CHECK_IS(SPRINT_OK, sprint_conn_flush(l.conn, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(l.conn, &fd, &want));
    CHECK(want == SPRINT_WANT_READ);
    started = now_ms();
    CHECK_IS(SPRINT_OK, sprint_conn_flush(l.conn, -1)); /* nothing left: no wait */
    CHECK(took(started, 0));
    line_close(&l);
    free(out);
    free(in);
}

static void a_write_that_timed_out_ends_the_stream(void) {
    enum { MUCH = 32 << 20 };
    unsigned char *out = calloc(MUCH, 1);
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease_echo(pool);
    int64_t started = now_ms();
    size_t n;

    CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_write(conn, out, MUCH, 300));
    CHECK(took(started, 299));
    CHECK_IS(SPRINT_E_STATE, sprint_conn_write(conn, out, 1, 300));
    CHECK_IS(SPRINT_E_STATE, sprint_conn_try_write(conn, out, 1, &n));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0 && stats_of(pool).discards == 1);
    sprint_pool_free(pool);
    free(out);
}

struct flood {
    sprint_conn conn;
    size_t total;
    unsigned seed;
    sprint_status status;
};

static void *write_flood(void *arg) {
    struct flood *f = arg;
    unsigned char *out = malloc(f->total);

    fill_pattern(out, f->total, f->seed);
    f->status = sprint_conn_write(f->conn, out, f->total, LONG_MS);
    free(out);
    return NULL;
}

/* poll(2) refuses to wait for more descriptors than may be open: none. */
static void a_write_that_the_kernel_does_not_let_wait_is_an_error(void) {
    enum { MUCH = 32 << 20 };
    unsigned char *out = calloc(MUCH, 1);
    struct line l = line_open();
    struct rlimit before, nothing;
    char why[256];

    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    nothing = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &nothing) == 0);
    CHECK_IS(SPRINT_E_IO, sprint_conn_write(l.conn, out, MUCH, LONG_MS));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    sprint_last_error(why, sizeof why);
    CHECK(strstr(why, "poll") != NULL);
    line_close(&l);
    free(out);
}

static void a_reader_and_a_writer_share_a_connection(void) {
    struct line l = line_open();
    struct flood flood = {.conn = l.conn, .total = 1 << 20, .seed = 5};
    unsigned char *in = malloc(flood.total), *wanted = malloc(flood.total);
    pthread_t writer;
    size_t n = 0;
    int round;

    fill_pattern(wanted, flood.total, flood.seed);
    for (round = 0; round < 4; round++) {
        CHECK(pthread_create(&writer, NULL, write_flood, &flood) == 0);
        CHECK_IS(SPRINT_OK, sprint_conn_read_exact(l.conn, in, flood.total, LONG_MS, &n));
        pthread_join(writer, NULL);
        CHECK(flood.status == SPRINT_OK);
        CHECK(n == flood.total && memcmp(in, wanted, n) == 0);
    }
    line_close(&l);
    free(in);
    free(wanted);
}

static void a_second_reader_is_refused(void) {
    struct line l = line_open();
    struct caller first = {.conn = l.conn};
    char buf[16];
    size_t n;

    caller_start(&first, read_for_long, is_reading);
    CHECK_IS(SPRINT_E_STATE, sprint_conn_read(l.conn, buf, sizeof buf, 1000, &n));
    CHECK_IS(SPRINT_E_STATE, sprint_conn_read_exact(l.conn, buf, 4, 1000, &n));
    CHECK_IS(SPRINT_E_STATE, sprint_conn_request(l.conn, "x", 1, buf, sizeof buf, 0, 1000, &n));
    CHECK_SAYS("read");
    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "go on", 5, 1000));
    pthread_join(first.thread, NULL);
    CHECK(first.status == SPRINT_OK);
    line_close(&l);
}

static void a_second_writer_is_refused(void) {
    struct line l = line_open();
    struct caller first = {.conn = l.conn};
    unsigned char *in = malloc(1 << 20);
    size_t n, have = 0;

    caller_start(&first, write_for_long, is_writing);
    CHECK_IS(SPRINT_E_STATE, sprint_conn_write(l.conn, "x", 1, 1000));
    CHECK_SAYS("writ");
    CHECK_IS(SPRINT_E_STATE, sprint_conn_flush(l.conn, 0));
    while (have < LONG_WRITE &&
           CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, in, 1 << 20, LONG_MS, &n)))
        have += n;
    pthread_join(first.thread, NULL);
    CHECK(first.status == SPRINT_OK && have == LONG_WRITE);
    line_close(&l);
    free(in);
}

const struct rule duplex_rules[] = {
    RULE(an_event_loop_polls_where_it_is_told),
    RULE(a_full_socket_says_so_and_nothing_is_lost),
    RULE(a_write_that_timed_out_ends_the_stream),
    RULE(a_write_that_the_kernel_does_not_let_wait_is_an_error),
    RULE(a_reader_and_a_writer_share_a_connection),
    RULE(a_second_reader_is_refused),
    RULE(a_second_writer_is_refused),
    NO_MORE_RULES,
};
