/* conn.c - rules about reading and writing on a good connection. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static void what_is_written_comes_back(void) {
    static const size_t sizes[] = {1, 64, 1024, 16384, 16385, 65536, 65537, 200000};
    unsigned char *out = malloc(200000), *in = malloc(200000);
    struct line l = line_open();
    size_t i, n;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill_pattern(out, sizes[i], (unsigned)i);
        memset(in, 0, sizes[i]);
        n = 0;
        CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, out, sizes[i], 5000));
        CHECK_IS(SPRINT_OK, sprint_conn_read_exact(l.conn, in, sizes[i], 10000, &n));
        CHECK(n == sizes[i] && memcmp(in, out, n) == 0);
    }
    line_close(&l);
    free(out);
    free(in);
}

static void bad_pointers_and_sizes_are_refused_and_harm_nothing(void) {
    struct line l = line_open();
    char buf[8] = "abcdefg";
    size_t n = 77;
    int32_t fd = -1;
    uint32_t want;

    CHECK_IS(SPRINT_E_ARG, sprint_conn_write(l.conn, NULL, 1, 100));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_write(l.conn, buf, SIZE_MAX, 100));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read(l.conn, NULL, 1, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read(l.conn, buf, 0, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read(l.conn, buf, SIZE_MAX, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read(l.conn, buf, sizeof buf, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read_exact(l.conn, NULL, 1, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read_exact(l.conn, buf, 0, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_read_exact(l.conn, buf, SIZE_MAX, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, NULL, 1, buf, sizeof buf, 0, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, buf, 0, buf, sizeof buf, 0, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, buf, 1, NULL, 1, 0, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, buf, 1, buf, 0, 0, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, buf, 1, buf, sizeof buf, 0, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, buf, 1, buf, sizeof buf, 1u << 31, 100, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_request(l.conn, buf, 1, buf, sizeof buf, 3, 100, &n));
    CHECK_SAYS("flags");
    CHECK_IS(SPRINT_E_ARG, sprint_conn_try_write(l.conn, NULL, 1, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_try_write(l.conn, buf, 1, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_try_read(l.conn, NULL, 1, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_try_read(l.conn, buf, 0, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_try_read(l.conn, buf, sizeof buf, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_poll_info(l.conn, NULL, &want));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_poll_info(l.conn, &fd, NULL));
    CHECK(n == 77 && fd == -1);

    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, NULL, 0, 100));
    CHECK_IS(SPRINT_OK, sprint_conn_try_write(l.conn, NULL, 0, &n));
    CHECK(n == 0);
    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "still ok", 8, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(l.conn, buf, 8, 5000, NULL));
    CHECK(memcmp(buf, "still ok", 8) == 0);
    line_close(&l);
}

struct wait {
    sprint_conn conn;
    int64_t timeout_ms;
};

/* A read that times out. */
static int64_t wait_once(void *arg) {
    const struct wait *w = arg;
    int64_t started = now_ms();
    size_t n = 77;
    char byte;

    CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_read(w->conn, &byte, 1, w->timeout_ms, &n));
    CHECK(n == 77 && took(started, w->timeout_ms - 1));
    return now_ms() - started;
}

static void a_read_waits_as_long_as_it_was_told_and_loses_nothing(void) {
    static const int64_t waits[] = {0, 1, 20, 50, 99, 100, 250};
    struct line l = line_open();
    char buf[16];
    size_t n = 0, i;

    for (i = 0; i < sizeof waits / sizeof *waits; i++) {
        int64_t enough = waits[i] + 20 * settings.slow;

        CHECK(quickest(wait_once, &(struct wait){l.conn, waits[i]}, enough) <= enough);
    }
    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "half", 4, 1000));
    for (i = 0; i < 200 && n == 0; i++) /* the echo may take longer than the limit */
        CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_read_exact(l.conn, buf, 8, 100, &n));
    CHECK(n == 4 && memcmp(buf, "half", 4) == 0);
    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "rest", 4, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(l.conn, buf, 4, 5000, &n));
    CHECK(n == 4 && memcmp(buf, "rest", 4) == 0);
    line_close(&l);
}

static void a_negative_timeout_waits_for_the_answer(void) {
    static const int64_t forever[] = {-1, INT64_MIN, INT64_MAX};
    struct line l = line_open();
    char buf[16];
    size_t n = 0, i;
    int64_t started;

    relay_set("delay_ms=120");
    for (i = 0; i < sizeof forever / sizeof *forever; i++) {
        started = now_ms();
        CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "late", 4, forever[i]));
        CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, buf, sizeof buf, forever[i], &n));
        CHECK(n == 4 && took(started, 119));
    }
    line_close(&l);
}

static void a_request_is_a_write_and_a_read_under_one_deadline(void) {
    struct line l = line_open();
    char buf[16];
    size_t n = 0;
    int64_t started;

    CHECK_IS(SPRINT_OK, sprint_conn_request(l.conn, "abc", 3, buf, sizeof buf, 0, 5000, &n));
    CHECK(n == 3 && memcmp(buf, "abc", 3) == 0);
    relay_set("delay_ms=600");
    started = now_ms();
    CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_request(l.conn, "d", 1, buf, sizeof buf, 0, 60, &n));
    CHECK(took(started, 59));
    CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, buf, sizeof buf, 5000, &n));
    CHECK(n == 1 && buf[0] == 'd');
    line_close(&l);
}

static void a_read_takes_what_fits_and_keeps_the_rest(void) {
    struct line l = line_open();
    char buf[16];
    size_t n = 0, have = 0;

    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "0123456789", 10, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, buf, 4, 5000, &n));
    CHECK(n == 4 && memcmp(buf, "0123", 4) == 0);
    while (have < 6 && CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, buf + have, 6, 0, &n)))
        have += n;
    CHECK(have == 6 && memcmp(buf, "456789", 6) == 0);
    CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_read(l.conn, buf, 4, 0, &n));
    line_close(&l);
}

static void unread_bytes_keep_a_connection_out_of_the_pool(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease_echo(pool);
    char buf[4];
    size_t n;

    CHECK_IS(SPRINT_OK, sprint_conn_write(conn, "0123456789", 10, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read(conn, buf, 4, 5000, &n));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 0 && stats_of(pool).discards == 1);
    sprint_pool_free(pool);
}

static void a_secret_is_sent_from_its_buffer(void) {
    static const size_t sizes[] = {1, 32, 4096, 16385, 100000};
    unsigned char *wanted = malloc(100000), *got = malloc(100000);
    struct line l = line_open();
    sprint_buffer secret;
    size_t i;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill_pattern(wanted, sizes[i], (unsigned)i);
        secret = buffer_of(wanted, sizes[i]);
        if (i % 2 == 1)
            CHECK_IS(SPRINT_OK, sprint_buffer_seal(secret));
        CHECK_IS(SPRINT_OK, sprint_conn_write_secret(l.conn, secret, 5000));
        CHECK_IS(SPRINT_OK, sprint_conn_read_exact(l.conn, got, sizes[i], 10000, NULL));
        CHECK(memcmp(got, wanted, sizes[i]) == 0);
        CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(secret)); /* the call left no borrow */
        sprint_buffer_free(secret);
    }
    line_close(&l);
    free(wanted);
    free(got);
}

/* What is wrong with the secret leaves the connection as it was. */
static void a_secret_that_cannot_be_read_is_not_sent(void) {
    struct line l = line_open();
    sprint_buffer secret = buffer_of("0123456789", 10);
    char buf[16];
    void *data;
    size_t n;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(secret, SPRINT_WRITE, &data, NULL));
    CHECK_IS(SPRINT_E_STATE, sprint_conn_write_secret(l.conn, secret, 1000));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(secret));
    CHECK_IS(SPRINT_E_HANDLE, sprint_conn_write_secret(l.conn, 0, 1000));
    CHECK_IS(SPRINT_E_HANDLE, sprint_conn_write_secret(0, secret, 1000));
    CHECK_IS(SPRINT_OK, sprint_buffer_open(secret, SPRINT_READ, &data, NULL));
    CHECK_IS(SPRINT_OK, sprint_conn_write_secret(l.conn, secret, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(l.conn, buf, 10, 5000, NULL));
    CHECK(memcmp(buf, "0123456789", 10) == 0);
    CHECK_IS(SPRINT_OK, sprint_buffer_close(secret));
    sprint_buffer_free(secret);
    CHECK_IS(SPRINT_E_HANDLE, sprint_conn_write_secret(l.conn, secret, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_request(l.conn, "well", 4, buf, sizeof buf, 0, 5000, &n));
    CHECK(n == 4);
    line_close(&l);
}

const struct rule conn_rules[] = {
    RULE(what_is_written_comes_back),
    RULE(bad_pointers_and_sizes_are_refused_and_harm_nothing),
    RULE(a_read_waits_as_long_as_it_was_told_and_loses_nothing),
    RULE(a_negative_timeout_waits_for_the_answer),
    RULE(a_request_is_a_write_and_a_read_under_one_deadline),
    RULE(a_read_takes_what_fits_and_keeps_the_rest),
    RULE(unread_bytes_keep_a_connection_out_of_the_pool),
    RULE(a_secret_is_sent_from_its_buffer),
    RULE(a_secret_that_cannot_be_read_is_not_sent),
    NO_MORE_RULES,
};
