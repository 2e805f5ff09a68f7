/*
 * program.c - a program of the first header (sprint.h beside it, which is never edited): every
 * function that there was, on the library of today.
 *
 *   program HOST:PORT CA_FILE
 *
 * HOST:PORT is the relay of the tests. Prints "N checks, N failed".
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "sprint.h"

static int checks, failed;

static void check(int holds, int line, const char *what) {
    char why[256];

    checks++;
    if (holds)
        return;
    failed++;
    sprint_last_error(why, sizeof why);
    printf("line %d: %s (last error: %s)\n", line, what, why);
}

#define CHECK(cond) check((cond) ? 1 : 0, __LINE__, #cond)
#define OK(call) check((call) == SPRINT_OK, __LINE__, #call)

/* The library fills what the caller has of a struct, says how much that is, and touches
 * nothing behind it; 0xa5 stands there. */
#define SIZED(get, type)                                                                           \
    do {                                                                                           \
        uint32_t sizes[] = {4, 8, 16, 24, 40, sizeof(type) - 8, sizeof(type), sizeof(type) + 64};  \
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {                                \
            union {                                                                                \
                type stats;                                                                        \
                unsigned char bytes[sizeof(type) + 128];                                           \
            } u;                                                                                   \
            memset(&u, 0xa5, sizeof u);                                                            \
            u.stats.struct_size = sizes[s];                                                        \
            OK(get);                                                                               \
            CHECK(u.stats.struct_size <= sizes[s]);                                                \
            CHECK(u.stats.struct_size == sizes[s] || sizes[s] > sizeof(type));                     \
            for (size_t i = sizes[s]; i < sizeof u; i++)                                           \
                if (u.bytes[i] != 0xa5)                                                            \
                    CHECK(!"a byte behind the struct was written");                                \
        }                                                                                          \
        type none = {.struct_size = 3};                                                            \
        CHECK(refuses(&none));                                                                     \
    } while (0)

static sprint_pool pool;

static int refuses_pool(sprint_pool_stats *stats) {
    return sprint_pool_stats_get(pool, stats) == SPRINT_E_ARG;
}

static int refuses_memory(sprint_memory_stats *stats) {
    return sprint_memory_stats_get(stats) == SPRINT_E_ARG;
}

static void library(void) {
    char text[128];

    OK(sprint_init(SPRINT_ABI));
    CHECK(sprint_init(SPRINT_ABI + 0x10000) == SPRINT_E_ABI);
    CHECK(sprint_last_error(text, sizeof text) > 1 && strstr(text, "interface") != NULL);
    CHECK(sprint_version()[0] == '0' + SPRINT_VERSION_MAJOR);
    CHECK(strcmp(sprint_errname(SPRINT_E_WOULD_BLOCK), "SPRINT_E_WOULD_BLOCK") == 0);
    CHECK(strcmp(sprint_strerror(SPRINT_OK), "success") == 0);
    OK(sprint_log_to_fd(-1, SPRINT_LOG_INFO));
}

static void secrets(void) {
    unsigned char from[32] = "thirty-one letters and a NUL...", back[32], mac[32];
    sprint_buffer a, b, c;
    int32_t equal = 0;
    void *data;
    size_t n;

    OK(sprint_buffer_from(from, sizeof from, 0, &a));
    CHECK(from[0] == 0);
    OK(sprint_buffer_alloc(32, 0, &b));
    OK(sprint_buffer_random(32, SPRINT_BUFFER_DEFAULT, &c));
    OK(sprint_buffer_read(a, 0, back, sizeof back));
    OK(sprint_buffer_write(b, 0, back, sizeof back));
    OK(sprint_buffer_equal(a, b, &equal));
    CHECK(equal == 1);
    OK(sprint_buffer_equal(a, c, &equal));
    CHECK(equal == 0);
    OK(sprint_buffer_hmac(a, SPRINT_HASH_SHA256, "message", 7, mac, sizeof mac, &n));
    CHECK(n == 32);
    OK(sprint_buffer_open(a, SPRINT_READ, &data, &n));
    CHECK(n == 32 && memcmp(data, "thirty", 6) == 0);
    OK(sprint_buffer_close(a));
    OK(sprint_buffer_len(a, &n));
    CHECK(n == 32);
    sprint_wipe(back, sizeof back);
    CHECK(back[0] == 0);
    sprint_buffer_free(a);
    sprint_buffer_free(b);
    sprint_buffer_free(c);
    CHECK(sprint_buffer_len(a, &n) == SPRINT_E_HANDLE);
}

static void make_pool(const char *address, const char *ca) {
    sprint_config config;
    sprint_buffer token;

    OK(sprint_config_new(address, &config));
    OK(sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca));
    OK(sprint_config_set_str(config, SPRINT_OPT_NAMESPACE, "old"));
    OK(sprint_config_set_int(config, SPRINT_OPT_MAX_CONNECTIONS, 2));
    OK(sprint_config_set_int(config, SPRINT_OPT_MIN_IDLE, 0));
    OK(sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, 0));
    CHECK(sprint_config_set_bytes(config, SPRINT_OPT_NAMESPACE, "x", 1) == SPRINT_E_ARG);
    OK(sprint_buffer_random(32, 0, &token));
    OK(sprint_config_set_buffer(config, SPRINT_OPT_METRICS_AUTH_TOKEN, token));
    sprint_buffer_free(token);
    OK(sprint_pool_new(config, &pool));
    sprint_config_free(config);
}

static void connection(void) {
    char buf[64];
    struct pollfd socket = {.events = POLLIN};
    sprint_conn conn;
    uint64_t id, uses;
    uint32_t want;
    size_t n = 0;

    OK(sprint_pool_warm_up(pool, 1, 5000));
    OK(sprint_pool_acquire(pool, 5000, &conn));
    OK(sprint_conn_id(conn, &id));
    OK(sprint_conn_uses(conn, &uses));
    OK(sprint_conn_write(conn, "ECHO\n", 5, 5000));
    OK(sprint_conn_request(conn, "one", 3, buf, sizeof buf, 0, 5000, &n));
    CHECK(n > 0 && buf[0] == 'o');
    if (n < 3)
        OK(sprint_conn_read_exact(conn, buf, 3 - n, 5000, &n));
    OK(sprint_conn_write(conn, "two", 3, 5000));
    OK(sprint_conn_read_exact(conn, buf, 3, 5000, &n));
    CHECK(memcmp(buf, "two", 3) == 0);
    OK(sprint_conn_try_write(conn, "tri", 3, &n));
    OK(sprint_conn_flush(conn, 5000));
    OK(sprint_conn_poll_info(conn, &socket.fd, &want));
    CHECK(want & SPRINT_WANT_READ);
    CHECK(poll(&socket, 1, 5000) == 1);
    OK(sprint_conn_try_read(conn, buf, sizeof buf, &n));
    CHECK(sprint_conn_read(conn, buf, sizeof buf, 0, &n) == SPRINT_E_TIMEOUT);
    sprint_conn_release(conn);
    OK(sprint_pool_acquire(pool, 5000, &conn));
    sprint_conn_discard(conn);
}

static void observed(void) {
    char json[8192];
    uint16_t port = 0;
    size_t needed;

    OK(sprint_pool_start_metrics(pool, &port));
    CHECK(port != 0);
    OK(sprint_pool_stop_metrics(pool));
    OK(sprint_pool_status_json(pool, json, sizeof json, &needed));
    CHECK(json[0] == '{' && strlen(json) + 1 == needed);
#define refuses refuses_pool
    SIZED(sprint_pool_stats_get(pool, &u.stats), sprint_pool_stats);
#undef refuses
#define refuses refuses_memory
    SIZED(sprint_memory_stats_get(&u.stats), sprint_memory_stats);
#undef refuses
}

int main(int argc, char **argv) {
    uint32_t forced = 9;

    if (argc != 3)
        return 2;
    library();
    secrets();
    make_pool(argv[1], argv[2]);
    connection();
    observed();
    OK(sprint_pool_close(pool, 1000, &forced));
    CHECK(forced == 0);
    sprint_pool_free(pool);
    printf("%d checks, %d failed\n", checks, failed);
    return failed == 0 ? 0 : 1;
}
