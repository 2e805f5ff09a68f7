/* keys.c - rules about secrets as keys: published answers, and what is refused. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static sprint_buffer buffer_of_hex(const char *hex) {
    unsigned char bytes[128];

    return buffer_of(bytes, unhex(hex, bytes));
}

/* Whether buffer holds what hex stands for; frees it. */
static int turned_out_as(sprint_buffer buffer, const char *hex) {
    unsigned char wanted[128];
    int same = buffer_holds(buffer, wanted, unhex(hex, wanted));

    sprint_buffer_free(buffer);
    return same;
}

static void ed25519_gives_the_keys_and_signatures_of_rfc_8032(void) {
    static const struct {
        const char *seed, *key, *msg, *signature;
    } known[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
         "1cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
         "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };
    unsigned char key[32], signature[64], wanted[64];
    sprint_buffer seed;
    size_t i, len;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        seed = buffer_of_hex(known[i].seed);
        len = strlen(known[i].msg);
        CHECK_IS(SPRINT_OK, sprint_buffer_public_ed25519(seed, key));
        CHECK(unhex(known[i].key, wanted) == 32 && memcmp(key, wanted, 32) == 0);
        CHECK_IS(SPRINT_OK,
                 sprint_buffer_sign_ed25519(seed, len > 0 ? known[i].msg : NULL, len, signature));
        CHECK(unhex(known[i].signature, wanted) == 64 && memcmp(signature, wanted, 64) == 0);
        sprint_buffer_free(seed);
    }
}

/* What was kept of a seed must not outlive it. */
static void a_seed_that_was_changed_has_another_public_key(void) {
    sprint_buffer seed =
        buffer_of_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    unsigned char first[32], key[32], wanted[32], fresh[32];
    void *data = NULL;

    CHECK_IS(SPRINT_OK, sprint_buffer_public_ed25519(seed, first));
    unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", fresh);
    unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", wanted);
    CHECK_IS(SPRINT_OK, sprint_buffer_write(seed, 0, fresh, 32));
    CHECK_IS(SPRINT_OK, sprint_buffer_public_ed25519(seed, key));
    CHECK(memcmp(key, wanted, 32) == 0);
    unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", fresh);
    CHECK_IS(SPRINT_OK, sprint_buffer_open(seed, SPRINT_WRITE, &data, NULL));
    memcpy(data, fresh, 32);
    CHECK_IS(SPRINT_OK, sprint_buffer_close(seed));
    CHECK_IS(SPRINT_OK, sprint_buffer_public_ed25519(seed, key));
    CHECK(memcmp(key, first, 32) == 0);
    sprint_buffer_free(seed);
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 16. */
static void decrypt_opens_the_published_message(void) {
    sprint_buffer key = buffer_of_hex(
                      "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
                  opened = 0;
    unsigned char aad[20], sealed[128];
    size_t len = unhex("cafebabefacedbaddecaf888" /* the nonce */
                       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                       "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                       "76fc6ece0f4e1768cddf8853bb2d551b",
                       sealed);

    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    CHECK_IS(SPRINT_OK, sprint_buffer_decrypt(key, aad, sizeof aad, sealed, len, 0, &opened));
    CHECK(turned_out_as(opened, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
    sprint_buffer_free(key);
}

static void what_is_encrypted_is_decrypted(void) {
    static const size_t sizes[] = {1, 15, 16, 17, 1000, 5000};
    unsigned char plain[5000], sealed[5028], again[5028];
    sprint_buffer key = 0, opened;
    size_t i, n;

    fill_pattern(plain, sizeof plain, 1);
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &key));
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        n = 0;
        opened = 0;
        CHECK_IS(SPRINT_OK,
                 sprint_buffer_encrypt(key, "to", 2, plain, sizes[i], sealed, sizes[i] + 28, &n));
        CHECK(n == sizes[i] + 28);
        CHECK_IS(SPRINT_OK,
                 sprint_buffer_encrypt(key, "to", 2, plain, sizes[i], again, sizeof again, NULL));
        CHECK(memcmp(sealed, again, 12) != 0); /* a nonce is used once */
        CHECK_IS(SPRINT_OK, sprint_buffer_decrypt(key, "to", 2, sealed, n, 0, &opened));
        CHECK(buffer_holds(opened, plain, sizes[i]));
        sprint_buffer_free(opened);
    }
    sprint_buffer_free(key);
}

static void encrypt_says_how_much_room_it_needs(void) {
    sprint_buffer key = 0;
    unsigned char out[64];
    size_t n = 0;

    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &key));
    memset(out, 0xee, sizeof out);
    CHECK_IS(SPRINT_E_RANGE, sprint_buffer_encrypt(key, NULL, 0, "message", 7, out, 34, &n));
    CHECK(n == 35 && all_bytes(out, sizeof out, 0xee));
    n = 0;
    CHECK_IS(SPRINT_E_RANGE, sprint_buffer_encrypt(key, NULL, 0, "message", 7, NULL, 0, &n));
    CHECK(n == 35);
    CHECK_IS(SPRINT_OK, sprint_buffer_encrypt(key, NULL, 0, "message", 7, out, 64, &n));
    CHECK(n == 35 && all_bytes(out + 35, 64 - 35, 0xee));
    CHECK_IS(SPRINT_OK, sprint_buffer_encrypt(key, NULL, 0, NULL, 0, out, 28, &n));
    CHECK(n == 28);
    n = 77;
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, NULL, 1, "m", 1, out, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, NULL, 0, NULL, 1, out, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, NULL, 0, "m", 1, NULL, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, NULL, 0, "m", SIZE_MAX, out, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, "a", SIZE_MAX, "m", 1, out, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, NULL, 0, "m", 1, out, SIZE_MAX, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_encrypt(key, NULL, 0, out + 8, 8, out, 64, &n));
    CHECK(n == 77);
    sprint_buffer_free(key);
}

static void what_was_changed_is_not_decrypted(void) {
    uint64_t alive = memory_now().buffers;
    sprint_buffer key = 0, other = 0, opened = 1;
    unsigned char sealed[35];
    size_t i, n = 0;

    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &key));
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &other));
    CHECK_IS(SPRINT_OK, sprint_buffer_encrypt(key, "to", 2, "message", 7, sealed, 35, &n));
    for (i = 0; i < n; i++) {
        sealed[i] ^= (unsigned char)(1u << i % 8);
        CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_decrypt(key, "to", 2, sealed, n, 0, &opened));
        sealed[i] ^= (unsigned char)(1u << i % 8);
    }
    for (i = 0; i < n; i++) /* 28 and less: not even an empty message */
        CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_decrypt(key, "to", 2, sealed, i, 0, &opened));
    CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_decrypt(key, "from", 4, sealed, n, 0, &opened));
    CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_decrypt(key, NULL, 0, sealed, n, 0, &opened));
    CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_decrypt(other, "to", 2, sealed, n, 0, &opened));
    CHECK(opened == 0);
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_decrypt(key, "to", 2, NULL, n, 0, &opened));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_decrypt(key, NULL, 2, sealed, n, 0, &opened));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_decrypt(key, "to", 2, sealed, SIZE_MAX, 0, &opened));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_decrypt(key, "to", 2, sealed, n, 0, NULL));
    CHECK_IS(SPRINT_E_UNSUPPORTED,
             sprint_buffer_decrypt(key, "to", 2, sealed, n, 1u << 31, &opened));
    CHECK(opened == 0 && memory_now().buffers == alive + 2);
    sprint_buffer_free(key);
    sprint_buffer_free(other);
}

static void keys_of_a_wrong_size_are_refused(void) {
    static const size_t sizes[] = {1, 16, 24, 31, 33, 64};
    unsigned char out[64];
    sprint_buffer key, opened = 1;
    size_t i, n;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK_IS(SPRINT_OK, sprint_buffer_random(sizes[i], 0, &key));
        CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_encrypt(key, NULL, 0, "m", 1, out, 64, &n));
        CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_decrypt(key, NULL, 0, out, 64, 0, &opened));
        CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_public_ed25519(key, out));
        CHECK_IS(SPRINT_E_CRYPTO, sprint_buffer_sign_ed25519(key, "m", 1, out));
        CHECK(opened == 0);
        sprint_buffer_free(key);
    }
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &key));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_public_ed25519(key, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_sign_ed25519(key, "m", 1, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_sign_ed25519(key, NULL, 1, out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_sign_ed25519(key, "m", SIZE_MAX, out));
    sprint_buffer_free(key);
}

/* RFC 5869, test cases 1 and 3. */
static void hkdf_gives_the_keys_of_rfc_5869(void) {
    sprint_buffer key = buffer_of_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), out = 0;
    unsigned char salt[13], info[10];

    unhex("000102030405060708090a0b0c", salt);
    unhex("f0f1f2f3f4f5f6f7f8f9", info);
    CHECK_IS(SPRINT_OK, sprint_buffer_hkdf(key, SPRINT_HASH_SHA256, salt, sizeof salt, info,
                                           sizeof info, 42, 0, &out));
    CHECK(turned_out_as(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34"
                             "007208d5b887185865"));
    CHECK_IS(SPRINT_OK, sprint_buffer_hkdf(key, SPRINT_HASH_SHA256, NULL, 0, NULL, 0, 42, 0, &out));
    CHECK(turned_out_as(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d"
                             "201395faa4b61a96c8"));
    sprint_buffer_free(key);
}

static void hkdf_derives_up_to_255_digests(void) {
    static const size_t digest[] = {
        [SPRINT_HASH_SHA256] = 32, [SPRINT_HASH_SHA384] = 48, [SPRINT_HASH_SHA512] = 64};
    sprint_buffer key = 0, out = 0;
    int32_t hash;
    size_t len;

    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &key));
    for (hash = SPRINT_HASH_SHA256; hash <= SPRINT_HASH_SHA512; hash++) {
        CHECK_IS(SPRINT_OK,
                 sprint_buffer_hkdf(key, hash, "s", 1, "i", 1, 255 * digest[hash], 0, &out));
        CHECK_IS(SPRINT_OK, sprint_buffer_len(out, &len));
        CHECK(len == 255 * digest[hash]);
        sprint_buffer_free(out);
        CHECK_IS(SPRINT_E_ARG,
                 sprint_buffer_hkdf(key, hash, "s", 1, "i", 1, 255 * digest[hash] + 1, 0, &out));
        CHECK(out == 0);
    }
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hkdf(key, 1, NULL, 0, NULL, 0, 0, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hkdf(key, 1, NULL, 0, NULL, 0, SIZE_MAX, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hkdf(key, 1, NULL, 1, NULL, 0, 32, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hkdf(key, 1, NULL, 0, NULL, 1, 32, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hkdf(key, 1, NULL, 0, NULL, 0, 32, 0, NULL));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_hkdf(key, 0, NULL, 0, NULL, 0, 32, 0, &out));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_hkdf(key, 4, NULL, 0, NULL, 0, 32, 0, &out));
    CHECK_IS(SPRINT_E_UNSUPPORTED,
             sprint_buffer_hkdf(key, 1, NULL, 0, NULL, 0, 32, 1u << 31, &out));
    CHECK(out == 0);
    sprint_buffer_free(key);
}

/* The published vectors stay below the floors; these are what OpenSSL 3 says:
 *   openssl kdf -keylen LEN -kdfopt digest:HASH -kdfopt pass:password
 *     -kdfopt salt:sixteen-byte-salt -kdfopt iter:100000 PBKDF2 */
static void pbkdf2_gives_the_keys_that_openssl_does(void) {
    static const struct {
        int32_t hash;
        size_t len;
        const char *key;
    } known[] = {
        {SPRINT_HASH_SHA256, 40,
         "4f4150f34db8355c5f874a2596bee114cdf4b93ff5d90dc9fce0095106c139104b47de514939569f"},
        {SPRINT_HASH_SHA384, 48,
         "ba1d28ce714ebb023a04a8d030577ab411e25ac15c0c72b7ad97694ee27cc2b8c4e89efdb610183762fd4732"
         "2627f801"},
        {SPRINT_HASH_SHA512, 64,
         "9164feedb1ff0373236fd81cb8c365d86dae1b2e625df8f5ca8e8cd0404e173081aa0a32e060e0eedae66bf3"
         "4023bb1c058726acf8cd6799a26722a0e10a0ce6"},
    };
    sprint_buffer password = buffer_of("password", 8), out;
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        out = 0;
        CHECK_IS(SPRINT_OK, sprint_buffer_pbkdf2(password, known[i].hash, "sixteen-byte-salt", 17,
                                                 100000, known[i].len, 0, &out));
        CHECK(turned_out_as(out, known[i].key));
    }
    sprint_buffer_free(password);
}

static void pbkdf2_has_floors(void) {
    static const char salt[] = "sixteen-byte-salt";
    sprint_buffer password = buffer_of("password", 8), out = 1;

    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, salt, 15, 100000, 32, 0, &out));
    CHECK_SAYS("salt");
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, salt, 17, 99999, 32, 0, &out));
    CHECK_SAYS("iterations");
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, NULL, 0, 100000, 32, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, NULL, 17, 100000, 32, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, salt, 17, 0, 32, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, salt, 17, 100000, 0, 0, &out));
    CHECK_IS(SPRINT_E_ARG,
             sprint_buffer_pbkdf2(password, 1, salt, 17, 100000, (1u << 20) + 1, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, salt, 17, 100000, SIZE_MAX, 0, &out));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_pbkdf2(password, 1, salt, 17, 100000, 32, 0, NULL));
    CHECK_IS(SPRINT_E_UNSUPPORTED,
             sprint_buffer_pbkdf2(password, 0, salt, 17, 100000, 32, 0, &out));
    CHECK_IS(SPRINT_E_UNSUPPORTED,
             sprint_buffer_pbkdf2(password, 1, salt, 17, 100000, 32, 1u << 31, &out));
    CHECK(out == 0);
    sprint_buffer_free(password);
}

const struct rule key_rules[] = {
    RULE(ed25519_gives_the_keys_and_signatures_of_rfc_8032),
    RULE(a_seed_that_was_changed_has_another_public_key),
    RULE(decrypt_opens_the_published_message),
    RULE(what_is_encrypted_is_decrypted),
    RULE(encrypt_says_how_much_room_it_needs),
    RULE(what_was_changed_is_not_decrypted),
    RULE(keys_of_a_wrong_size_are_refused),
    RULE(hkdf_gives_the_keys_of_rfc_5869),
    RULE(hkdf_derives_up_to_255_digests),
    RULE(pbkdf2_gives_the_keys_that_openssl_does),
    RULE(pbkdf2_has_floors),
    NO_MORE_RULES,
};
