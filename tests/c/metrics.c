/* metrics.c - rules about the port that a pool serves. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "support.h"

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
    CHECK(get_is(200, address, "/healthz", answer, sizeof answer));
    CHECK(get_is(200, address, "/metrics", answer, sizeof answer));
    CHECK(get_is(200, address, "/status/connections", answer, sizeof answer));
    CHECK(get_is(404, address, "/nothing", answer, sizeof answer));

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
    CHECK(get_is(-1, address, "/healthz", answer, sizeof answer));
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(second, &again));
    CHECK(again == port);
    sprint_config_free(config);
    sprint_pool_free(second);
    CHECK(get_is(-1, address, "/healthz", answer, sizeof answer));
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
    CHECK(get_is(401, address, "/metrics", answer, sizeof answer));
    CHECK(get_is(200, address, "/healthz", answer, sizeof answer));
    CHECK(get_is(200, address,
                 "/metrics HTTP/1.0\r\nX-Auth-Token: correct horse battery staple\r\n"
                 "X-Rest:",
                 answer, sizeof answer));
    sprint_pool_free(pool);
}

/* A pool with a name, a port, and a token and a certificate unless NULL. */
static sprint_pool named(const char *name, uint16_t port, const char *token, const char *cert,
                         const char *key) {
    sprint_config config = 0;
    sprint_pool pool = 0;

    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &config));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_NAME, name));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, port));
    if (token != NULL)
        CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_METRICS_AUTH_TOKEN, token));
    if (cert != NULL)
        CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_METRICS_TLS_CERT_FILE, cert));
    if (key != NULL)
        CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_METRICS_TLS_KEY_FILE, key));
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    sprint_config_free(config);
    return pool;
}

static void pools_with_names_share_a_metrics_port(void) {
    char address[64], answer[65536];
    uint16_t port = 0, same = 0;
    sprint_pool first = named("orders", 0, "s3same", NULL, NULL), second, other;

    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(first, &port));
    second = named("prices", port, "s3same", NULL, NULL);
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(second, &same));
    CHECK(same == port);
    other = named("other", port, "another", NULL, NULL);
    CHECK_IS(SPRINT_E_ARG, sprint_pool_start_metrics(other, &same));
    CHECK_SAYS("metrics_auth_token");
    sprint_pool_free(other);
    other = named("prices", port, "s3same", NULL, NULL);
    CHECK_IS(SPRINT_E_ARG, sprint_pool_start_metrics(other, &same));
    CHECK_SAYS("name");
    sprint_pool_free(other);

    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CHECK(get_is(200, address, "/metrics HTTP/1.0\r\nX-Auth-Token: s3same\r\nX-Rest:", answer,
                 sizeof answer));
    CHECK(strstr(answer, "pool=\"orders\"") != NULL && strstr(answer, "pool=\"prices\"") != NULL);
    CHECK(strstr(answer, "\nsprint_memory_buffers ") != NULL);
    sprint_pool_free(first); /* its token goes with it, and the other one's still counts */
    CHECK(get_is(200, address,
                 "/status/connections?pool=prices HTTP/1.0\r\nX-Auth-Token: s3same\r\nX-Rest:",
                 answer, sizeof answer));
    CHECK(strstr(answer, "\"name\":\"prices\"") != NULL);
    sprint_pool_free(second);
    CHECK(get_is(-1, address, "/healthz", answer, sizeof answer));
}

static void the_metrics_port_speaks_https_with_the_files_given(void) {
    char cert[512], key[512], missing[512], address[64], answer[4096];
    uint16_t port = 0;
    sprint_pool pool;

    snprintf(cert, sizeof cert, "%s/server.pem", settings.dir);
    snprintf(key, sizeof key, "%s/server-key.pem", settings.dir);
    snprintf(missing, sizeof missing, "%s/no-such-key.pem", settings.dir);

    pool = named("", 0, NULL, cert, missing);
    CHECK_IS(SPRINT_E_ARG, sprint_pool_start_metrics(pool, &port));
    CHECK_SAYS("no-such-key.pem");
    CHECK(port == 0);
    sprint_pool_free(pool);

    pool = named("", 0, NULL, cert, cert);
    CHECK_IS(SPRINT_E_CERT, sprint_pool_start_metrics(pool, &port));
    CHECK_SAYS("server.pem");
    sprint_pool_free(pool);

    pool = named("", 0, NULL, cert, key);
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, &port));
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CHECK(get_is(400, address, "/healthz", answer, sizeof answer));
    CHECK(strstr(answer, "HTTPS") != NULL);
    sprint_pool_free(pool);
}

/* 503 until a self check has passed. */
static void the_status_of_memory_is_served(void) {
    char address[64], answer[8192];
    uint16_t port = 0;
    sprint_pool pool = named("", 0, NULL, NULL, NULL);

    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, &port));
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CHECK(get_is(memory_now().self_check == SPRINT_SELF_CHECK_PASSED ? 200 : 503, address,
                 "/status/memory", answer, sizeof answer));
    CHECK(strstr(answer, "\"self_check\":") != NULL);
    CHECK_IS(SPRINT_OK, sprint_memory_self_check());
    CHECK(get_is(200, address, "/status/memory", answer, sizeof answer));
    sprint_pool_free(pool);
}

const struct rule metrics_rules[] = {
    RULE(metrics_start_once_and_free_their_port),
    RULE(the_metrics_token_stays_in_its_buffer),
    RULE(pools_with_names_share_a_metrics_port),
    RULE(the_metrics_port_speaks_https_with_the_files_given),
    RULE(the_status_of_memory_is_served),
    NO_MORE_RULES,
};
