/* config.c - rules about settings: what is refused, by whom, and how it is named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static sprint_config config_make(void) {
    sprint_config config = 0;

    CHECK_IS(SPRINT_OK, sprint_config_new("relay.test:443", &config));
    return config;
}

static void bad_endpoints_are_refused_by_name(void) {
    static const char *const bad[] = {
        "relay.test",      "relay.test:",        ":443",
        "relay.test:0",    "relay.test:65536",   "relay.test:-1",
        "relay.test:http", "relay.test:4 43",    "::1:443",
        "[::1]",           "[::1:443",           "relay.test:443,",
        ",relay.test:443", "a.test:1,,b.test:2", "relay test:443",
        "[::g]:443",
    };
    sprint_config config;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        config = 1;
        if (!CHECK_IS(SPRINT_E_ARG, sprint_config_new(bad[i], &config)))
            printf("     endpoint: %s\n", bad[i]);
        CHECK(config == 0);
    }
    CHECK_IS(SPRINT_E_ARG, sprint_config_new("relay.test:65536", &config));
    CHECK_SAYS("relay.test:65536");
    CHECK_IS(SPRINT_E_ARG, sprint_config_new("", &config));
    CHECK_IS(SPRINT_E_ARG, sprint_config_new(NULL, &config));
    CHECK_SAYS("endpoints");
    CHECK(config == 0);
    CHECK_IS(SPRINT_E_ARG, sprint_config_new("relay.test:443", NULL));
    CHECK_SAYS("out");
}

static void good_endpoints_are_taken(void) {
    static const char *const good[] = {"relay.test:1", "127.0.0.1:65535", "[::1]:443",
                                       "a.test:443,b.test:443,[::1]:8443"};
    sprint_config config;
    size_t i;

    for (i = 0; i < sizeof good / sizeof *good; i++) {
        config = 0;
        if (!CHECK_IS(SPRINT_OK, sprint_config_new(good[i], &config)))
            printf("     endpoint: %s\n", good[i]);
        CHECK(config != 0);
        sprint_config_free(config);
    }
}

static void endless_endpoints_are_refused(void) {
    size_t len = 4u << 20;
    char *text = malloc(len + 1);
    sprint_config config = 1;

    memset(text, 'a', len);
    memcpy(text + len - 4, ":443", 5);
    CHECK_IS(SPRINT_E_ARG, sprint_config_new(text, &config));
    CHECK(config == 0);
    CHECK(sprint_last_error(NULL, 0) < 4096);
    free(text);
}

static void unknown_options_are_unsupported(void) {
    const int32_t unknown[] = {0, -1, 14, 999, INT32_MIN, INT32_MAX};
    sprint_config config = config_make();
    sprint_buffer secret = 0;
    size_t i;

    CHECK_IS(SPRINT_OK, sprint_buffer_random(16, 0, &secret));
    for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_config_set_int(config, unknown[i], 1));
        CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_config_set_str(config, unknown[i], "x"));
        CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_config_set_bytes(config, unknown[i], "x", 1));
        CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_config_set_buffer(config, unknown[i], secret));
    }
    sprint_buffer_free(secret);
    sprint_config_free(config);
}

static void options_of_another_type_are_refused_by_name(void) {
    sprint_config config = config_make();
    sprint_buffer secret = 0;

    CHECK_IS(SPRINT_OK, sprint_buffer_random(16, 0, &secret));
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_str(config, SPRINT_OPT_MAX_CONNECTIONS, "8"));
    CHECK_SAYS("max_connections");
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_int(config, SPRINT_OPT_CA_FILE, 1));
    CHECK_SAYS("ca_file");
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, SPRINT_OPT_NAMESPACE, "x", 1));
    CHECK_SAYS("namespace");
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_str(config, SPRINT_OPT_CA_PEM, "x"));
    CHECK_SAYS("ca_pem");
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_buffer(config, SPRINT_OPT_SERVER_NAME, secret));
    CHECK_SAYS("server_name");
    sprint_buffer_free(secret);
    sprint_config_free(config);
}

static void null_and_unfit_sizes_are_refused(void) {
    sprint_config config = config_make();

    CHECK_IS(SPRINT_E_ARG, sprint_config_set_str(config, SPRINT_OPT_NAMESPACE, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, NULL, 1));
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, NULL, 0));
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, "x", 0));
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, "x", (4u << 20) + 1));
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, "x", SIZE_MAX));
    CHECK_IS(SPRINT_E_HANDLE, sprint_config_set_buffer(config, SPRINT_OPT_METRICS_AUTH_TOKEN, 0));
    sprint_config_free(config);
}

/* Each value alone makes the pool impossible: the setter or sprint_pool_new() names it. */
static void bad_numbers_never_make_a_pool_and_are_named(void) {
    static const struct {
        int32_t option;
        int64_t value;
        const char *name;
    } bad[] = {
        {SPRINT_OPT_MAX_CONNECTIONS, 0, "max_connections"},
        {SPRINT_OPT_MAX_CONNECTIONS, -1, "max_connections"},
        {SPRINT_OPT_MAX_CONNECTIONS, 65537, "max_connections"},
        {SPRINT_OPT_MAX_CONNECTIONS, INT64_MAX, "max_connections"},
        {SPRINT_OPT_MAX_CONNECTIONS, (INT64_C(1) << 32) + 1, "max_connections"},
        {SPRINT_OPT_MIN_IDLE, -1, "min_idle"},
        {SPRINT_OPT_MIN_IDLE, 101, "min_idle"},
        {SPRINT_OPT_MIN_IDLE, INT64_MIN, "min_idle"},
        {SPRINT_OPT_MAX_WAITERS, 0, "max_waiters"},
        {SPRINT_OPT_MAX_WAITERS, 1048577, "max_waiters"},
        {SPRINT_OPT_CONNECT_TIMEOUT_MS, 0, "connect_timeout"},
        {SPRINT_OPT_CONNECT_TIMEOUT_MS, -5, "connect_timeout"},
        {SPRINT_OPT_CONNECT_TIMEOUT_MS, INT64_MAX, "connect_timeout"},
        {SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS, 0, "histogram_rotation_interval"},
        {SPRINT_OPT_METRICS_PORT, -1, "metrics_port"},
        {SPRINT_OPT_METRICS_PORT, 65536, "metrics_port"},
        {SPRINT_OPT_MIN_TLS_VERSION, 11, "min_tls_version"},
        {SPRINT_OPT_MIN_TLS_VERSION, 0x0304, "min_tls_version"},
        {SPRINT_OPT_BUSY_POLL_US, -1, "busy_poll"},
        {SPRINT_OPT_BUSY_POLL_US, INT64_MAX, "busy_poll"},
        {SPRINT_OPT_MAX_DIALS, 0, "max_dials"},
        {SPRINT_OPT_MAX_DIALS, 1025, "max_dials"},
        {SPRINT_OPT_ACQUIRE_TIMEOUT_MS, 0, "acquire_timeout"},
        {SPRINT_OPT_ACQUIRE_TIMEOUT_MS, INT64_MIN, "acquire_timeout"},
    };
    sprint_status status;
    sprint_config config;
    sprint_pool pool;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        config = config_make();
        pool = 0;
        status = sprint_config_set_int(config, bad[i].option, bad[i].value);
        if (status == SPRINT_OK)
            status = sprint_pool_new(config, &pool);
        if (!CHECK_IS(SPRINT_E_ARG, status) || !CHECK_SAYS(bad[i].name))
            printf("     %s = %lld\n", bad[i].name, (long long)bad[i].value);
        CHECK(pool == 0);
        sprint_pool_free(pool);
        sprint_config_free(config);
    }
}

#define TEN_YEARS (INT64_C(10) * 365 * 24 * 3600 * 1000)

/* The pauses of the cleanup task: 0 is never, ten years are the most, and nothing wraps. */
static void how_often_the_cleanup_task_looks_is_set_turned_off_and_bounded(void) {
    static const struct {
        int32_t option;
        const char *name;
    } options[] = {
        {SPRINT_OPT_PROBE_SWEEP_MS, "probe_sweep"},
        {SPRINT_OPT_DNS_REFRESH_MS, "dns_refresh"},
    };
    static const int64_t good[] = {1, 0, 250, TEN_YEARS};
    static const int64_t bad[] = {-1, TEN_YEARS + 1, INT64_MAX, INT64_MIN, INT64_MIN / 1000000 - 1};
    sprint_status status;
    sprint_config config;
    sprint_pool pool;
    size_t i, k;

    CHECK(SPRINT_OPT_PROBE_SWEEP_MS == 43 && SPRINT_OPT_DNS_REFRESH_MS == 44);
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        config = config_make();
        for (k = 0; k < sizeof good / sizeof *good; k++) { /* the last one counts */
            CHECK_IS(SPRINT_OK, sprint_config_set_int(config, options[i].option, good[k]));
            CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
            CHECK_IS(SPRINT_OK, sprint_pool_start_cleanup(pool));
            sprint_pool_free(pool);
        }
        sprint_config_free(config);
        for (k = 0; k < sizeof bad / sizeof *bad; k++) {
            config = config_make();
            pool = 0;
            status = sprint_config_set_int(config, options[i].option, bad[k]);
            if (status == SPRINT_OK)
                status = sprint_pool_new(config, &pool);
            if (!CHECK_IS(SPRINT_E_ARG, status) || !CHECK_SAYS(options[i].name))
                printf("     %s = %lld\n", options[i].name, (long long)bad[k]);
            CHECK(pool == 0);
            sprint_pool_free(pool);
            sprint_config_free(config);
        }
        config = config_make();
        CHECK_IS(SPRINT_E_ARG, sprint_config_set_str(config, options[i].option, "250"));
        CHECK_SAYS(options[i].name);
        CHECK_IS(SPRINT_E_ARG, sprint_config_set_bytes(config, options[i].option, "x", 1));
        CHECK_SAYS(options[i].name);
        sprint_config_free(config);
    }
}

static void pool_new_names_every_wrong_option_at_once(void) {
    sprint_config config = config_make();
    sprint_pool pool = 1;

    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_MAX_CONNECTIONS, 4));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_MIN_IDLE, 5));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_NAMESPACE, "1-wrong"));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_METRICS_HOST, "0.0.0.0"));
    CHECK_IS(SPRINT_E_ARG, sprint_pool_new(config, &pool));
    CHECK(pool == 0);
    CHECK_SAYS("min_idle");
    CHECK_SAYS("namespace");
    CHECK_SAYS("metrics_host");
    CHECK_IS(SPRINT_E_ARG, sprint_pool_new(config, NULL));
    CHECK_SAYS("out");
    sprint_config_free(config);
}

static void roots_without_a_certificate_are_refused_by_name(void) {
    sprint_config config = config_make();
    sprint_pool pool = 1;

    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_CA_FILE, "/nonexistent/ca.pem"));
    CHECK_IS(SPRINT_E_ARG, sprint_pool_new(config, &pool));
    CHECK(pool == 0);
    CHECK_SAYS("ca_file");
    CHECK_SAYS("/nonexistent/ca.pem");
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_CA_FILE, "/dev/null"));
    CHECK_IS(SPRINT_E_CERT, sprint_pool_new(config, &pool));
    CHECK_SAYS("ca_file");
    sprint_config_free(config);

    config = config_make();
    CHECK_IS(SPRINT_OK, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, "not PEM", 7));
    CHECK_IS(SPRINT_E_CERT, sprint_pool_new(config, &pool));
    CHECK_SAYS("ca_pem");
    sprint_config_free(config);
}

static void roots_can_be_given_as_bytes(void) {
    char path[4096], pem[8192];
    sprint_config config = 0;
    sprint_pool pool = 0;
    FILE *f;
    size_t n = 0;

    snprintf(path, sizeof path, "%s/ca.pem", settings.dir);
    if (CHECK((f = fopen(path, "r")) != NULL)) {
        n = fread(pem, 1, sizeof pem, f);
        fclose(f);
    }
    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &config));
    CHECK_IS(SPRINT_OK, sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, pem, n));
    memset(pem, 0, sizeof pem); /* it was copied */
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    sprint_config_free(config);
    sprint_conn_release(lease(pool));
    sprint_pool_free(pool);
}

static void pools_outlive_their_settings_and_share_them(void) {
    char ca[4096];
    sprint_config config = 0;
    sprint_pool first = 0, second = 0;

    snprintf(ca, sizeof ca, "%s/ca.pem", settings.dir);
    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &config));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca));
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &first));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_MAX_CONNECTIONS, 3));
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &second));
    sprint_config_free(config);
    CHECK_IS(SPRINT_E_HANDLE, sprint_config_set_int(config, SPRINT_OPT_MIN_IDLE, 1));
    sprint_config_free(config);
    CHECK(first != second);
    CHECK(stats_of(first).max_connections == 100);
    CHECK(stats_of(second).max_connections == 3);
    sprint_conn_release(lease(first));
    sprint_pool_free(first);
    sprint_conn_release(lease(second));
    sprint_pool_free(second);
}

const struct rule config_rules[] = {
    RULE(bad_endpoints_are_refused_by_name),
    RULE(good_endpoints_are_taken),
    RULE(endless_endpoints_are_refused),
    RULE(unknown_options_are_unsupported),
    RULE(options_of_another_type_are_refused_by_name),
    RULE(null_and_unfit_sizes_are_refused),
    RULE(bad_numbers_never_make_a_pool_and_are_named),
    RULE(how_often_the_cleanup_task_looks_is_set_turned_off_and_bounded),
    RULE(pool_new_names_every_wrong_option_at_once),
    RULE(roots_without_a_certificate_are_refused_by_name),
    RULE(roots_can_be_given_as_bytes),
    RULE(pools_outlive_their_settings_and_share_them),
    NO_MORE_RULES,
};
