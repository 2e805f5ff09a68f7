/*
 * sign.c - what it costs to sign with a key in locked memory, against plain keys.
 *
 * All contenders have the same key and message, and each is measured only if it came to
 * the same result as libsodium before.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "contest.h"
#include "sprint_memory.h"

enum { MESSAGE = 256, TAG = 32 };

static struct contest contest = {
    .name = "sign",
    .title = "256 B signed with a key in locked memory, peers with a plain key",
};

static const unsigned char pattern[32] = "a pattern that is not any secret";
static unsigned char message[MESSAGE];
static unsigned char tag[TAG], signature[crypto_sign_BYTES];

/* ---------------------------------------------------------------------- HMAC */

static const char *sprint_hmac(void *state) {
    sprint_status status = sprint.hmac(*(const sprint_buffer *)state, SPRINT_HASH_SHA256, message,
                                       MESSAGE, tag, sizeof tag, NULL);

    return status == SPRINT_OK ? NULL : sprint_failure("sprint_buffer_hmac", status);
}

/* What OpenSSL advises for many messages with one key: the context keeps the key. */
static const char *openssl_mac(void *state) {
    EVP_MAC_CTX *ctx = state;

    return EVP_MAC_init(ctx, NULL, 0, NULL) && EVP_MAC_update(ctx, message, MESSAGE) &&
                   EVP_MAC_final(ctx, tag, NULL, sizeof tag)
               ? NULL
               : "EVP_MAC failed";
}

static const char *openssl_hmac(void *state) {
    (void)state;
    return HMAC(EVP_sha256(), pattern, sizeof pattern, message, MESSAGE, tag, NULL) != NULL
               ? NULL
               : "HMAC failed";
}

static const char *sodium_hmac(void *state) {
    (void)state;
    crypto_auth_hmacsha256(tag, message, MESSAGE, pattern);
    return NULL;
}

static EVP_MAC_CTX *new_openssl_mac(void) {
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

    EVP_MAC_free(mac);
    if (ctx == NULL || !EVP_MAC_init(ctx, pattern, sizeof pattern, digest)) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* ------------------------------------------------------------------- Ed25519 */

static const char *sprint_ed25519(void *state) {
    sprint_status status =
        sprint.sign_ed25519(*(const sprint_buffer *)state, message, MESSAGE, signature);

    return status == SPRINT_OK ? NULL : sprint_failure("sprint_buffer_sign_ed25519", status);
}

static const char *sodium_ed25519(void *state) {
    return crypto_sign_detached(signature, NULL, message, MESSAGE, state) == 0
               ? NULL
               : "crypto_sign_detached failed";
}

/* ------------------------------------------------------------------- entrants */

/* What an operation leaves, and what that must be. */
struct result {
    unsigned char *at;
    size_t size;
    unsigned char want[crypto_sign_BYTES];
};

static void enter(struct contest_case *k, const char *name, const char *variant, operation *operate,
                  void *state, const char *missing, const struct result *result) {
    if (missing == NULL) {
        memset(result->at, 0, result->size);
        missing = operate(state);
        if (missing == NULL && memcmp(result->at, result->want, result->size) != 0)
            missing = "the result differs from libsodium's";
    }
    contest_enter(k, name, variant, operate, state, missing);
}

static void enter_hmac(sprint_buffer *key, const char *no_key) {
    struct contest_case *k = contest_case(&contest, "HMAC-SHA256 of 256 B", 2000, 1);
    struct result result = {tag, sizeof tag, {0}};
    EVP_MAC_CTX *ctx = new_openssl_mac();

    crypto_auth_hmacsha256(result.want, message, MESSAGE, pattern);
    enter(k, "sprint", "", sprint_hmac, key, no_key, &result);
    enter(k, "openssl_evp_mac", NULL, openssl_mac, ctx, ctx != NULL ? NULL : "EVP_MAC: no context",
          &result);
    enter(k, "openssl_hmac", NULL, openssl_hmac, NULL, NULL, &result);
    enter(k, "libsodium", NULL, sodium_hmac, NULL, NULL, &result);
    contest_target(k, "", "openssl_evp_mac", 1.3);
    contest_target(k, "", "openssl_hmac", 1.3);
}

static void enter_ed25519(sprint_buffer *seed, const char *no_seed) {
    static unsigned char public_key[crypto_sign_PUBLICKEYBYTES], key[crypto_sign_SECRETKEYBYTES];
    struct contest_case *k = contest_case(&contest, "Ed25519 of 256 B", 1000, 1);
    struct result result = {signature, sizeof signature, {0}};

    crypto_sign_seed_keypair(public_key, key, pattern);
    crypto_sign_detached(result.want, NULL, message, MESSAGE, key);
    if (no_seed == NULL && sprint.sign_ed25519 == NULL)
        no_seed = "this libsprint has no sprint_buffer_sign_ed25519";
    enter(k, "sprint", "", sprint_ed25519, seed, no_seed, &result);
    enter(k, "libsodium", NULL, sodium_ed25519, key, NULL, &result);
    contest_target(k, "", "libsodium", 1.2);
}

int main(int argc, char **argv) {
    unsigned char moved[sizeof pattern];
    const char *no_key = NULL;
    sprint_buffer key = 0;
    sprint_status status;
    int i, first = contest_options(&contest, argc, argv);

    if (first < 0 || argc - first != 1) {
        fprintf(stderr, "usage: see tests/bench/sign/run\n");
        return 2;
    }
    if (sprint_load(argv[first]) != 0 || sodium_init() < 0)
        return 1;
    for (i = 0; i < MESSAGE; i++)
        message[i] = (unsigned char)i;
    memcpy(moved, pattern, sizeof moved);
    if ((status = sprint.from(moved, sizeof moved, SPRINT_BUFFER_DEFAULT, &key)) != SPRINT_OK)
        no_key = sprint_failure("sprint_buffer_from", status);

    contest_version(&contest, "sprint", sprint.version());
    contest_version(&contest, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
    contest_version(&contest, "libsodium", sodium_version_string());
    enter_hmac(&key, no_key);
    enter_ed25519(&key, no_key);
    return contest_run(&contest);
}
