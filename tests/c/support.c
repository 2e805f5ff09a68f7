/* support.c - the relay's switches, pools with short names, and time. */
#define _GNU_SOURCE
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

struct settings settings = {.slow = 1, .seconds = 3};

int get_is(int code, const char *address, const char *path, char *buf, size_t cap) {
    int64_t started = now_ms();
    int got;

    buf[0] = '\0';
    got = http("GET", address, path, buf, cap);
    if (got != code)
        printf("     GET %s: %d after %lld ms: %.500s\n", path, got,
               (long long)(now_ms() - started), buf);
    return got == code;
}

void relay_set(const char *query) {
    char path[128], answer[1024];
    int code;

    snprintf(path, sizeof path, "/set?%s", query);
    code = http("POST", settings.control, path, answer, sizeof answer);
    if (!CHECK(code >= 200 && code < 300))
        printf("     relay: %s: %s\n", query, answer);
}

void relay_reset(void) {
    char answer[1024];
    int code = http("POST", settings.control, "/reset", answer, sizeof answer);

    CHECK(code >= 200 && code < 300);
}

long relay_stat(const char *name) {
    char answer[4096];

    if (http("GET", settings.control, "/stats", answer, sizeof answer) != 200)
        return -1;
    return json_number(answer, name);
}

long json_number(const char *json, const char *name) {
    char key[64];
    const char *at;

    snprintf(key, sizeof key, "\"%s\":", name);
    at = strstr(json, key);
    return at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
}

static int set_int(sprint_config config, int32_t option, int64_t value) {
    return value == 0 || CHECK_IS(SPRINT_OK, sprint_config_set_int(config, option, value));
}

sprint_pool pool_make(struct pool_options o) {
    sprint_config config;
    sprint_pool pool = 0;
    char ca[4096];

    snprintf(ca, sizeof ca, "%s/ca.pem", settings.dir);
    if (o.connect_timeout_ms == 0) /* the default, and room for a handshake that crawls */
        o.connect_timeout_ms = PROMPT_MS * settings.slow;
    if (!CHECK_IS(SPRINT_OK,
                  sprint_config_new(o.endpoint != NULL ? o.endpoint : settings.address, &config)))
        return 0;
    if (CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_CA_FILE,
                                                  o.ca_file != NULL ? o.ca_file : ca)) &&
        set_int(config, SPRINT_OPT_MAX_CONNECTIONS, o.max_connections) &&
        set_int(config, SPRINT_OPT_MAX_WAITERS, o.max_waiters) &&
        set_int(config, SPRINT_OPT_ACQUIRE_TIMEOUT_MS, o.acquire_timeout_ms) &&
        set_int(config, SPRINT_OPT_CONNECT_TIMEOUT_MS, o.connect_timeout_ms) &&
        CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, 0)))
        CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    sprint_config_free(config);
    return pool;
}

sprint_conn lease(sprint_pool pool) {
    sprint_conn conn = 0;

    CHECK_IS(SPRINT_OK, sprint_pool_acquire(pool, PROMPT_MS * settings.slow, &conn));
    return conn;
}

sprint_conn lease_echo(sprint_pool pool) {
    sprint_conn conn = lease(pool);

    CHECK_IS(SPRINT_OK, sprint_conn_write(conn, "ECHO\n", 5, 5000));
    return conn;
}

sprint_pool_stats stats_of(sprint_pool pool) {
    sprint_pool_stats stats = {.struct_size = sizeof stats};

    CHECK_IS(SPRINT_OK, sprint_pool_stats_get(pool, &stats));
    return stats;
}

struct line line_open(void) {
    struct line l;

    l.pool = pool_make((struct pool_options){.max_connections = 1});
    l.conn = lease_echo(l.pool);
    return l;
}

void line_close(struct line *l) {
    sprint_conn_discard(l->conn);
    sprint_pool_free(l->pool);
}

sprint_buffer buffer_of(const void *bytes, size_t len) {
    sprint_buffer buffer = 0;

    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(len, SPRINT_BUFFER_DEFAULT, &buffer));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 0, bytes, len));
    return buffer;
}

sprint_memory_stats memory_now(void) {
    sprint_memory_stats m = {.struct_size = sizeof m};

    CHECK_IS(SPRINT_OK, sprint_memory_stats_get(&m));
    return m;
}

int buffer_holds(sprint_buffer buffer, const void *bytes, size_t len) {
    unsigned char *copy = malloc(len);
    size_t size = 0;
    int same = sprint_buffer_len(buffer, &size) == SPRINT_OK && size == len &&
               sprint_buffer_read(buffer, 0, copy, len) == SPRINT_OK &&
               memcmp(copy, bytes, len) == 0;

    free(copy);
    return same;
}

int has_expired(void *buffer) {
    unsigned char byte;

    return sprint_buffer_read(*(sprint_buffer *)buffer, 0, &byte, 1) == SPRINT_E_EXPIRED;
}

void memory_defaults(void) {
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_FAIL));
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 0));
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BACKEND, SPRINT_BACKEND_AUTO));
}

uint64_t memory_trimmed(void) {
    uint64_t locked;

    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 1));
    locked = memory_now().locked_bytes;
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 0));
    return locked;
}

int all_bytes(const unsigned char *p, size_t len, unsigned char byte) {
    while (len > 0 && *p == byte)
        p++, len--;
    return len == 0;
}

int64_t now_ms(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int took(int64_t started, int64_t least) {
    int64_t ms = now_ms() - started;

    if (ms >= least && ms <= PROMPT_MS)
        return 1;
    printf("     took %lld ms, not %lld to %d\n", (long long)ms, (long long)least, PROMPT_MS);
    return 0;
}

int64_t quickest(int64_t (*once)(void *arg), void *arg, int64_t enough) {
    int64_t best = INT64_MAX, ms;
    int i;

    for (i = 0; i < 20 && best > enough; i++) {
        ms = once(arg);
        best = ms < best ? ms : best;
    }
    return best;
}

void sleep_ms(int64_t ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

int eventually(int (*cond)(void *arg), void *arg) {
    int64_t started = now_ms();

    while (!cond(arg)) {
        if (now_ms() - started > PROMPT_MS * settings.slow)
            return 0;
        sleep_ms(2);
    }
    return 1;
}

void fill_pattern(unsigned char *buf, size_t len, unsigned seed) {
    size_t i;

    for (i = 0; i < len; i++)
        buf[i] = (unsigned char)((i * 2654435761u >> 13) + i + seed);
}

size_t unhex(const char *hex, unsigned char *bytes) {
    unsigned byte;
    size_t n;

    for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
        bytes[n] = (unsigned char)byte;
    return n;
}
