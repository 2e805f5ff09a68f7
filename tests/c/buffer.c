/* buffer.c - rules about secrets: sizes, copies, comparing, MACs, counting. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static void a_new_buffer_holds_zeros_of_the_asked_size(void) {
    static const size_t sizes[] = {1, 15, 32, 33, 4095, 4096, 4097, 65536, 200000};
    unsigned char *copy = malloc(200000);
    sprint_buffer buffer;
    size_t i, len;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        buffer = len = 0;
        memset(copy, 0xa5, sizes[i]);
        CHECK_IS(SPRINT_OK, sprint_buffer_alloc(sizes[i], 0, &buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_len(buffer, &len));
        CHECK(len == sizes[i]);
        CHECK_IS(SPRINT_OK, sprint_buffer_read(buffer, 0, copy, len));
        CHECK(all_bytes(copy, len, 0));
        CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 0, memset(copy, 0x5a, len), len));
        sprint_buffer_free(buffer);
    }
    free(copy);
}

static void impossible_sizes_and_arguments_are_refused(void) {
    static const size_t sizes[] = {0, ((size_t)1 << 30) + 1, SIZE_MAX / 2, SIZE_MAX};
    unsigned char src[8] = "keep me";
    sprint_buffer b;
    size_t i;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        b = 1;
        CHECK_IS(SPRINT_E_ARG, sprint_buffer_alloc(sizes[i], 0, &b));
        CHECK_IS(SPRINT_E_ARG, sprint_buffer_random(sizes[i], 0, &b));
        CHECK_IS(SPRINT_E_ARG, sprint_buffer_from(src, sizes[i], 0, &b));
        CHECK(b == 0);
    }
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_from(NULL, 8, 0, &b));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_alloc(8, 0, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_random(8, 0, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_from(src, 8, 0, NULL));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_alloc(8, 1u << 31, &b));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_random(8, 1u << 31, &b));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_from(src, 8, 1u << 31, &b));
    CHECK(b == 0);
    CHECK(memcmp(src, "keep me", 8) == 0);
}

static void from_wipes_its_source(void) {
    unsigned char src[48], copy[48], wanted[48];
    sprint_buffer buffer = 0;

    fill_pattern(src, sizeof src, 1);
    fill_pattern(wanted, sizeof wanted, 1);
    CHECK_IS(SPRINT_OK, sprint_buffer_from(src, sizeof src, 0, &buffer));
    CHECK(all_bytes(src, sizeof src, 0));
    CHECK_IS(SPRINT_OK, sprint_buffer_read(buffer, 0, copy, sizeof copy));
    CHECK(memcmp(copy, wanted, sizeof copy) == 0);
    sprint_buffer_free(buffer);
}

/* 1 GiB cannot be locked under any usual limit; where it can, it must work. */
static void a_refused_allocation_is_an_error_and_others_live_on(void) {
    size_t huge = (size_t)1 << 30;
    sprint_buffer small = buffer_of("0123456789abcdef", 16), big = 1;
    uint64_t refused = memory_now().refused;
    unsigned char copy[16], *src;
    sprint_status status = sprint_buffer_alloc(huge, 0, &big);

    if (status == SPRINT_OK) {
        sprint_buffer_free(big);
    } else {
        CHECK(status == SPRINT_E_MLOCK || status == SPRINT_E_NOMEM);
        CHECK(big == 0);
        CHECK(memory_now().refused > refused);
        src = malloc(huge);
        memset(src, 0xa5, 4096);
        src[huge - 1] = 0xa5;
        CHECK_IS(status, sprint_buffer_from(src, huge, 0, &big));
        CHECK(all_bytes(src, 4096, 0) && src[huge - 1] == 0); /* wiped all the same */
        free(src);
    }
    CHECK_IS(SPRINT_OK, sprint_buffer_read(small, 0, copy, 16));
    CHECK(memcmp(copy, "0123456789abcdef", 16) == 0);
    sprint_buffer_free(small);
}

static void random_buffers_differ(void) {
    sprint_buffer a = 0, b = 0;
    unsigned char x[64], y[64];

    CHECK_IS(SPRINT_OK, sprint_buffer_random(64, 0, &a));
    CHECK_IS(SPRINT_OK, sprint_buffer_random(64, 0, &b));
    CHECK_IS(SPRINT_OK, sprint_buffer_read(a, 0, x, 64));
    CHECK_IS(SPRINT_OK, sprint_buffer_read(b, 0, y, 64));
    CHECK(memcmp(x, y, 64) != 0 && !all_bytes(x, 64, 0) && !all_bytes(x + 48, 16, x[48]));
    sprint_buffer_free(a);
    sprint_buffer_free(b);
}

static void copies_stay_within_the_buffer(void) {
    sprint_buffer buffer = buffer_of("0123456789", 10);
    char copy[16] = "";

    CHECK_IS(SPRINT_OK, sprint_buffer_read(buffer, 4, copy, 6));
    CHECK(memcmp(copy, "456789", 6) == 0);
    CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 9, "X", 1));
    CHECK_IS(SPRINT_OK, sprint_buffer_read(buffer, 0, copy, 10));
    CHECK(memcmp(copy, "012345678X", 10) == 0);
    CHECK_IS(SPRINT_OK, sprint_buffer_read(buffer, 0, NULL, 0));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 10, NULL, 0));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_read(buffer, 0, NULL, 1));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_write(buffer, 0, NULL, 1));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_read(buffer, 5, copy, 6));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_write(buffer, 10, copy, 1));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_read(buffer, SIZE_MAX, copy, 2));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_write(buffer, SIZE_MAX, copy, 2));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_read(buffer, 1, copy, SIZE_MAX));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_read(buffer, 11, copy, 0));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_len(buffer, NULL));
    sprint_buffer_free(buffer);
}

static void equal_compares_bytes_and_lengths(void) {
    sprint_buffer a = buffer_of("0123456789", 10), b = buffer_of("0123456789", 10);
    sprint_buffer c = buffer_of("012345678X", 10), d = buffer_of("01234567890", 11);
    int32_t equal = 7;

    CHECK_IS(SPRINT_E_ARG, sprint_buffer_equal(a, b, NULL));
    CHECK_IS(SPRINT_OK, sprint_buffer_equal(a, b, &equal));
    CHECK(equal == 1);
    CHECK_IS(SPRINT_OK, sprint_buffer_equal(a, a, &equal));
    CHECK(equal == 1);
    CHECK_IS(SPRINT_OK, sprint_buffer_equal(a, c, &equal));
    CHECK(equal == 0);
    equal = 7;
    CHECK_IS(SPRINT_OK, sprint_buffer_equal(d, a, &equal));
    CHECK(equal == 0);
    sprint_buffer_free(a);
    sprint_buffer_free(b);
    sprint_buffer_free(c);
    sprint_buffer_free(d);
}

/* RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?". */
static void hmac_gives_the_tags_of_rfc_4231(void) {
    static const struct {
        int32_t hash;
        size_t size;
        const char *hex;
    } known[] = {
        {SPRINT_HASH_SHA256, 32,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {SPRINT_HASH_SHA384, 48,
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
         "8e2240ca5e69e2c78b3239ecfab21649"},
        {SPRINT_HASH_SHA512, 64,
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    };
    static const char msg[] = "what do ya want for nothing?";
    sprint_buffer key = buffer_of("Jefe", 4);
    unsigned char mac[64], wanted[64];
    size_t i, n;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        n = 0;
        memset(mac, 0, sizeof mac);
        CHECK_IS(SPRINT_E_RANGE, sprint_buffer_hmac(key, known[i].hash, msg, sizeof msg - 1, mac,
                                                    known[i].size - 1, &n));
        CHECK(n == known[i].size && all_bytes(mac, sizeof mac, 0));
        n = 0;
        CHECK_IS(SPRINT_OK, sprint_buffer_hmac(key, known[i].hash, msg, sizeof msg - 1, mac,
                                               known[i].size, &n));
        CHECK(n == unhex(known[i].hex, wanted) && memcmp(mac, wanted, n) == 0);
    }
    CHECK_IS(SPRINT_OK, sprint_buffer_hmac(key, SPRINT_HASH_SHA256, NULL, 0, mac, 64, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hmac(key, SPRINT_HASH_SHA256, NULL, 1, mac, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hmac(key, SPRINT_HASH_SHA256, "m", SIZE_MAX, mac, 64, &n));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_hmac(key, SPRINT_HASH_SHA256, "m", 1, NULL, 64, &n));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_hmac(key, 0, "m", 1, mac, 64, &n));
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_buffer_hmac(key, 4, "m", 1, mac, 64, &n));
    sprint_buffer_free(key);
}

static void memory_stats_count_what_lives(void) {
    sprint_memory_stats before = memory_now(), now;
    sprint_buffer buffers[10];
    unsigned char raw[sizeof before + 32];
    int i;

    for (i = 0; i < 10; i++)
        CHECK_IS(SPRINT_OK, sprint_buffer_random(100, 0, &buffers[i]));
    now = memory_now();
    CHECK(now.buffers == before.buffers + 10 && now.enabled == 1 && now.sealed == 0);
    CHECK(now.backend == SPRINT_BACKEND_SECRETMEM || now.backend == SPRINT_BACKEND_MLOCK);
    CHECK(now.locked_bytes >= 1000 && now.lock_limit_bytes >= now.locked_bytes);
    for (i = 0; i < 10; i++)
        sprint_buffer_free(buffers[i]);
    CHECK(memory_now().buffers == before.buffers);

    memset(raw, 0xee, sizeof raw);
    memcpy(raw, &(uint32_t){12}, 4);
    CHECK_IS(SPRINT_OK, sprint_memory_stats_get((sprint_memory_stats *)(void *)raw));
    CHECK(memcmp(raw, &(uint32_t){12}, 4) == 0 && all_bytes(raw + 12, sizeof raw - 12, 0xee));
    memcpy(raw, &(uint32_t){3}, 4);
    CHECK_IS(SPRINT_E_ARG, sprint_memory_stats_get((sprint_memory_stats *)(void *)raw));
    CHECK_IS(SPRINT_E_ARG, sprint_memory_stats_get(NULL));
}

const struct rule buffer_rules[] = {
    RULE(a_new_buffer_holds_zeros_of_the_asked_size),
    RULE(impossible_sizes_and_arguments_are_refused),
    RULE(from_wipes_its_source),
    RULE(a_refused_allocation_is_an_error_and_others_live_on),
    RULE(random_buffers_differ),
    RULE(copies_stay_within_the_buffer),
    RULE(equal_compares_bytes_and_lengths),
    RULE(hmac_gives_the_tags_of_rfc_4231),
    RULE(memory_stats_count_what_lives),
    NO_MORE_RULES,
};
