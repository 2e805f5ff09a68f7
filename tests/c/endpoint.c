/* endpoint.c - rules about what a pool dials. */
#define _GNU_SOURCE
#include <stdio.h>

#include "rules.h"
#include "support.h"

/* Each kind of bad endpoint has its own status, and the text names endpoint and cause. */
static void a_dead_endpoint_opens_the_breaker_and_is_named(void) {
    char address[64];
    intptr_t refusing = refuse(address, sizeof address);
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
    stop_refusing(refusing);
}

/* No label has more than 63 letters (RFC 1035, 2.3.4), so no name server is asked. */
#define UNKNOWN "unknown-host-whose-name-is-of-more-letters-than-a-label-may-have.invalid"

static void an_unknown_host_opens_the_breaker_and_is_named(void) {
    sprint_pool pool = pool_make((struct pool_options){.endpoint = UNKNOWN ":443"});
    sprint_conn conn = 1;

    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(pool, LONG_MS, &conn));
    CHECK(conn == 0);
    CHECK_SAYS(UNKNOWN);
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
    sprint_pool pool = pool_make((struct pool_options){
        .max_connections = 1, .acquire_timeout_ms = LONG_MS, .connect_timeout_ms = LONG_MS});
    sprint_conn conn = 1;
    int64_t started;

    relay_set("stall_handshake=1");
    started = now_ms();
    CHECK_IS(SPRINT_E_TIMEOUT, sprint_pool_acquire(pool, 80, &conn));
    CHECK(took(started, 79));
    CHECK(conn == 0);
    started = now_ms();
    sprint_pool_free(pool); /* does not wait for the dial */
    CHECK(took(started, 0));
}

static void the_connect_timeout_bounds_a_dial(void) {
    sprint_pool pool =
        pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = 100});
    sprint_conn conn = 1;
    int64_t started;

    relay_set("stall_handshake=1");
    started = now_ms();
    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(pool, LONG_MS, &conn));
    CHECK(took(started, 99));
    CHECK_SAYS(settings.address);
    CHECK_SAYS("timed out");
    CHECK(stats_of(pool).dial_errors >= 1);
    sprint_pool_free(pool);
}

const struct rule endpoint_rules[] = {
    RULE(a_dead_endpoint_opens_the_breaker_and_is_named),
    RULE(an_unknown_host_opens_the_breaker_and_is_named),
    RULE(a_bad_certificate_is_cert_and_named),
    RULE(a_server_without_tls_is_named),
    RULE(a_stalled_handshake_ends_with_the_callers_deadline),
    RULE(the_connect_timeout_bounds_a_dial),
    NO_MORE_RULES,
};
