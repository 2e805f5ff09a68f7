/* endpoint.c - rules about what a pool dials, and about the port that it serves. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules.h"
#include "support.h"

/* A port of loopback that refuses: bound, so nobody else takes it, and not listening. */
static int refusing_socket(char *address, size_t cap) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&any, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&any, &len) == 0);
    snprintf(address, cap, "127.0.0.1:%d", ntohs(any.sin_port));
    return fd;
}

/* Each kind of bad endpoint has its own status, and the text names endpoint and cause. */
static void a_dead_endpoint_opens_the_breaker_and_is_named(void) {
    char address[64];
    int fd = refusing_socket(address, sizeof address);
    sprint_pool pool = pool_make((struct pool_options){.endpoint = address});
    sprint_conn conn = 1;

    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(pool, 3000, &conn));
    CHECK(conn == 0);
    CHECK_SAYS(address);
    CHECK_SAYS("refused");
    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_warm_up(pool, 1, 3000));
    CHECK(stats_of(pool).breaker_state == SPRINT_BREAKER_OPEN);
    CHECK(stats_of(pool).dial_errors >= 2 && stats_of(pool).healthy == 0);
    sprint_pool_free(pool);
    close(fd);
}

static void an_unknown_host_opens_the_breaker_and_is_named(void) {
    sprint_pool pool = pool_make((struct pool_options){.endpoint = "unknown-host.invalid:443"});
    sprint_conn conn = 1;

    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(pool, 20000, &conn));
    CHECK(conn == 0);
    CHECK_SAYS("unknown-host.invalid");
    sprint_pool_free(pool);
}

static void a_bad_certificate_is_cert_and_named(void) {
    static const struct {
        const char *query, *word;
    } bad[] = {
        {"cert=expired", "expired"},
        {"cert=wrongname", "127.0.0.1"},
        {"cert=untrusted", "unknown authority"},
    };
    sprint_pool pool;
    sprint_conn conn;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        relay_set(bad[i].query);
        pool = pool_make((struct pool_options){.max_connections = 1});
        conn = 1;
        CHECK_IS(SPRINT_E_CERT, sprint_pool_acquire(pool, 5000, &conn));
        CHECK(conn == 0);
        CHECK_SAYS(bad[i].word);
        CHECK_SAYS(settings.address);
        relay_set("cert=good");
        CHECK_IS(SPRINT_OK, sprint_pool_reset(pool)); /* or the breaker stays open for 1 s */
        sprint_conn_release(lease(pool));
        sprint_pool_free(pool);
    }
}

static void a_server_without_tls_is_named(void) {
    sprint_pool pool = pool_make((struct pool_options){.endpoint = settings.control});
    sprint_conn conn = 1;

    CHECK_IS(SPRINT_E_TLS, sprint_pool_acquire(pool, 5000, &conn));
    CHECK(conn == 0);
    CHECK_SAYS(settings.control);
    sprint_pool_free(pool);
}

static void a_stalled_handshake_ends_with_the_callers_deadline(void) {
    sprint_pool pool =
        pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = 60000});
    sprint_conn conn = 1;
    int64_t started;

    relay_set("stall_handshake=1");
    started = now_ms();
    CHECK_IS(SPRINT_E_TIMEOUT, sprint_pool_acquire(pool, 80, &conn));
    CHECK(took(started, 79, 200));
    CHECK(conn == 0);
    started = now_ms();
    sprint_pool_free(pool); /* does not wait for the dial */
    CHECK(took(started, 0, 1100));
}

static void the_connect_timeout_bounds_a_dial(void) {
    sprint_pool pool =
        pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = 100});
    sprint_conn conn = 1;
    int64_t started;

    relay_set("stall_handshake=1");
    started = now_ms();
    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(pool, 20000, &conn));
    CHECK(took(started, 99, 3000));
    CHECK_SAYS(settings.address);
    CHECK_SAYS("timed out");
    CHECK(stats_of(pool).dial_errors >= 1);
    sprint_pool_free(pool);
}

static void metrics_start_once_and_free_their_port(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1}), second = 0;
    uint16_t port = 0, again = 0;
    char address[64], answer[16384], digits[8];
    sprint_config config = 0;

    CHECK_IS(SPRINT_OK, sprint_pool_stop_metrics(pool)); /* never started */
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, &port));
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, &again));
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, NULL));
    CHECK(port != 0 && again == port);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CHECK(http("GET", address, "/healthz", answer, sizeof answer) == 200);
    CHECK(http("GET", address, "/metrics", answer, sizeof answer) == 200);
    CHECK(http("GET", address, "/status/connections", answer, sizeof answer) == 200);
    CHECK(http("GET", address, "/nothing", answer, sizeof answer) == 404);

    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &config));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, port));
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &second));
    again = 0;
    CHECK_IS(SPRINT_E_IO, sprint_pool_start_metrics(second, &again));
    CHECK(again == 0);
    snprintf(digits, sizeof digits, "%u", port);
    CHECK_SAYS(digits);
    CHECK_IS(SPRINT_OK, sprint_pool_stop_metrics(pool));
    CHECK_IS(SPRINT_OK, sprint_pool_stop_metrics(pool));
    CHECK(http("GET", address, "/healthz", answer, sizeof answer) == -1);
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(second, &again));
    CHECK(again == port);
    sprint_config_free(config);
    sprint_pool_free(second);
    CHECK(http("GET", address, "/healthz", answer, sizeof answer) == -1);
    sprint_pool_free(pool);
}

static void the_metrics_token_stays_in_its_buffer(void) {
    static const char token[] = "correct horse battery staple";
    sprint_config config = 0;
    sprint_buffer secret = 0;
    sprint_pool pool = 0;
    uint16_t port = 0;
    char address[64], answer[4096];

    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(sizeof token - 1, 0, &secret));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(secret, 0, token, sizeof token - 1));
    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &config));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, 0));
    CHECK_IS(SPRINT_OK, sprint_config_set_buffer(config, SPRINT_OPT_METRICS_AUTH_TOKEN, secret));
    sprint_buffer_free(secret); /* the settings keep a reference */
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    sprint_config_free(config);
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, &port));
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CHECK(http("GET", address, "/metrics", answer, sizeof answer) == 401);
    CHECK(http("GET", address, "/healthz", answer, sizeof answer) == 200);
    CHECK(http("GET", address,
               "/metrics HTTP/1.0\r\nX-Auth-Token: correct horse battery staple\r\n"
               "X-Rest:",
               answer, sizeof answer) == 200);
    sprint_pool_free(pool);
}

const struct rule endpoint_rules[] = {
    RULE(a_dead_endpoint_opens_the_breaker_and_is_named),
    RULE(an_unknown_host_opens_the_breaker_and_is_named),
    RULE(a_bad_certificate_is_cert_and_named),
    RULE(a_server_without_tls_is_named),
    RULE(a_stalled_handshake_ends_with_the_callers_deadline),
    RULE(the_connect_timeout_bounds_a_dial),
    RULE(metrics_start_once_and_free_their_port),
    RULE(the_metrics_token_stays_in_its_buffer),
    NO_MORE_RULES,
};
