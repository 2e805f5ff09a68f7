/* identity.c - rules about the certificate that a client shows, and its key in a buffer. */
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static const char *in_relay(const char *name, char path[512]) {
    snprintf(path, 512, "%s/%s", settings.dir, name);
    return path;
}

/* A private key of the relay's files in a buffer, or 0 with a failed check. */
static sprint_buffer key_from(const char *name) {
    char path[512];
    unsigned char text[4096];
    FILE *f = fopen(in_relay(name, path), "rb");
    size_t n;
    sprint_buffer key = 0;

    if (!CHECK(f != NULL))
        return 0;
    n = fread(text, 1, sizeof text, f);
    fclose(f);
    CHECK_IS(SPRINT_OK, sprint_buffer_from(text, n, SPRINT_BUFFER_DEFAULT, &key));
    return key;
}

/* Settings of a pool whose client shows CERT; the key's own handle is freed. */
static sprint_config config_with(const char *cert, sprint_buffer key) {
    char path[512];
    sprint_config config = 0;

    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &config));
    CHECK_IS(SPRINT_OK,
             sprint_config_set_str(config, SPRINT_OPT_CA_FILE, in_relay("ca.pem", path)));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_CERT_FILE, in_relay(cert, path)));
    CHECK_IS(SPRINT_OK, sprint_config_set_buffer(config, SPRINT_OPT_KEY, key));
    return config;
}

static void echoes(sprint_conn conn) {
    char answer[4];
    size_t n = 0;

    CHECK_IS(SPRINT_OK, sprint_conn_write(conn, "ECHO\nhere", 9, 5000));
    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(conn, answer, 4, 5000, &n));
    CHECK(n == 4 && memcmp(answer, "here", 4) == 0);
}

static void a_client_key_signs_in_its_buffer(void) {
    static const char *const kinds[][2] = {{"client.pem", "client-key.pem"},
                                           {"client-ecdsa.pem", "client-ecdsa-key.pem"}};
    size_t i;

    relay_set("client_auth=1");
    for (i = 0; i < 2; i++) {
        sprint_buffer key = key_from(kinds[i][1]);
        sprint_config config = config_with(kinds[i][0], key);
        sprint_pool pool = 0;
        sprint_conn conn;

        sprint_buffer_free(key); /* the pool has its own reference */
        CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
        sprint_config_free(config);
        conn = lease(pool);
        echoes(conn);
        sprint_conn_release(conn);
        sprint_pool_free(pool);
    }
    {
        sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
        sprint_conn conn = 1;
        char byte;
        size_t n;
        sprint_status status = sprint_pool_acquire(pool, 5000, &conn);

        /* In TLS 1.3 the refusal comes after the client's side of the handshake. */
        if (status == SPRINT_OK)
            status = sprint_conn_read(conn, &byte, 1, 5000, &n);
        CHECK_IS(SPRINT_E_TLS, status);
        CHECK_SAYS("certificate");
        sprint_conn_discard(conn);
        sprint_pool_free(pool);
    }
}

static void a_key_that_is_not_the_certificates_is_refused(void) {
    sprint_buffer key = key_from("client-ecdsa-key.pem"), none = buffer_of("no key", 6);
    sprint_config config = config_with("client.pem", key);
    sprint_pool pool = 1;

    CHECK_IS(SPRINT_E_CERT, sprint_pool_new(config, &pool));
    CHECK(pool == 0);
    CHECK_SAYS("key is not its private key");
    CHECK_IS(SPRINT_OK, sprint_config_set_buffer(config, SPRINT_OPT_KEY, none));
    CHECK_IS(SPRINT_E_CRYPTO, sprint_pool_new(config, &pool));
    CHECK_SAYS("key:");
    CHECK_IS(SPRINT_E_ARG, sprint_config_set_str(config, SPRINT_OPT_KEY, "a string"));
    CHECK_SAYS("key");
    sprint_buffer_free(key);
    sprint_buffer_free(none);
    sprint_config_free(config);
}

static void a_dial_whose_key_has_expired_says_so(void) {
    sprint_buffer key = key_from("client-key.pem");
    sprint_config config = config_with("client.pem", key);
    sprint_pool pool = 0;
    sprint_conn conn = 1;

    relay_set("client_auth=1");
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(key, 1));
    CHECK(eventually(has_expired, &key));
    CHECK_IS(SPRINT_E_EXPIRED, sprint_pool_acquire(pool, 5000, &conn));
    CHECK(conn == 0);
    CHECK_SAYS("the client's key cannot sign");
    CHECK_SAYS(settings.address);
    CHECK_IS(SPRINT_E_EXPIRED, sprint_pool_warm_up(pool, 1, 5000));
    CHECK_IS(SPRINT_E_EXPIRED, sprint_pool_rotate(pool));
    CHECK(stats_of(pool).breaker_state != SPRINT_BREAKER_CLOSED); /* half-open after a second */
    sprint_buffer_free(key);
    sprint_config_free(config);
    sprint_pool_free(pool);
}

static void rotate_reads_the_key_anew(void) {
    static const char wrong[8] = "!!!!!!!";
    sprint_buffer key = key_from("client-key.pem");
    sprint_config config = config_with("client.pem", key);
    sprint_pool pool = 0;
    char kept[8];

    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    CHECK_IS(SPRINT_OK, sprint_pool_rotate(pool));
    CHECK_IS(SPRINT_OK, sprint_buffer_read(key, 40, kept, sizeof kept));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(key, 40, wrong, sizeof kept));
    CHECK_IS(SPRINT_E_CRYPTO, sprint_pool_rotate(pool));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(key, 40, kept, sizeof kept));
    CHECK_IS(SPRINT_OK, sprint_pool_rotate(pool));
    sprint_buffer_free(key);
    sprint_config_free(config);
    sprint_pool_free(pool);
}

const struct rule identity_rules[] = {
    RULE(a_client_key_signs_in_its_buffer),
    RULE(a_key_that_is_not_the_certificates_is_refused),
    RULE(a_dial_whose_key_has_expired_says_so),
    RULE(rotate_reads_the_key_anew),
    NO_MORE_RULES,
};
