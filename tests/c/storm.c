/*
 * storm.c - eight threads of random calls on secrets. Each thread has secrets of its own,
 * on which every call succeeds and every byte is known; all of them share others, which
 * anybody frees, seals, lets expire and borrows at any time. There a call may be refused,
 * with a code that fits, but what it reads is never torn and never somebody else's.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "support.h"

enum { THREADS = 8, SHARED = 6, LARGEST = 6000, SIZE = 2000 };

static _Atomic sprint_buffer shared[SHARED];
static atomic_int stop, failed;
static atomic_long turns;

struct own {
    uint64_t random;
    unsigned char bytes[LARGEST], copy[LARGEST + 28];
};

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The first few failures are told; the rule counts all. */
static int expect(int holds, const char *what, sprint_status status) {
    char text[256];

    if (!holds && atomic_fetch_add(&failed, 1) < 10) {
        sprint_last_error(text, sizeof text);
        printf("     %s: %s (last error: %s)\n", what, sprint_errname(status), text);
    }
    return holds;
}

#define EXPECT_OK(call)                                                                            \
    do {                                                                                           \
        sprint_status got = (call);                                                                \
        expect(got == SPRINT_OK, #call, got);                                                      \
    } while (0)

/* One life of a secret that no other thread knows. */
static void live_alone(struct own *own) {
    uint64_t r = next_random(&own->random);
    static const uint32_t flags[] = {0, SPRINT_BUFFER_FAST, SPRINT_BUFFER_NOACCESS, 0};
    size_t len = 1 + (r >> 16) % LARGEST, n = 0;
    sprint_buffer buffer = 0, other = 0;
    void *data = NULL;
    int32_t equal = 0;

    fill_pattern(own->bytes, len, (unsigned)r);
    memcpy(own->copy, own->bytes, len);
    EXPECT_OK(sprint_buffer_from(own->copy, len, flags[r % 4], &buffer));
    expect(all_bytes(own->copy, len, 0), "from wipes its source", 0);
    switch (r >> 8 & 7) {
    case 0:
        EXPECT_OK(sprint_buffer_seal(buffer));
        break;
    case 1:
        EXPECT_OK(sprint_buffer_open(buffer, SPRINT_WRITE, &data, &n));
        expect(n == len && memcmp(data, own->bytes, len) == 0, "open for writing", 0);
        *(unsigned char *)data ^= 1;
        own->bytes[0] ^= 1;
        EXPECT_OK(sprint_buffer_close(buffer));
        break;
    case 2:
        EXPECT_OK(sprint_buffer_hkdf(buffer, SPRINT_HASH_SHA256, NULL, 0, "i", 1, 32, 0, &other));
        EXPECT_OK(sprint_buffer_encrypt(other, "a", 1, own->bytes, len, own->copy, len + 28, &n));
        sprint_buffer_free(buffer);
        buffer = 0;
        EXPECT_OK(sprint_buffer_decrypt(other, "a", 1, own->copy, n, 0, &buffer));
        break;
    case 3:
        EXPECT_OK(sprint_buffer_alloc(len, 0, &other));
        EXPECT_OK(sprint_buffer_write(other, 0, own->bytes, len));
        EXPECT_OK(sprint_buffer_equal(buffer, other, &equal));
        expect(equal == 1, "equal", 0);
        break;
    case 4:
        EXPECT_OK(sprint_buffer_read(buffer, 0, own->copy, len));
        EXPECT_OK(sprint_buffer_write(buffer, 0, own->copy, len));
        EXPECT_OK(sprint_buffer_expire_after(buffer, 600000));
        break;
    case 5:
        EXPECT_OK(sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
        sprint_buffer_free(buffer);
        expect(memcmp(data, own->bytes, len) == 0, "freed while open", 0);
        EXPECT_OK(sprint_buffer_close(buffer));
        return;
    default:
        break;
    }
    sprint_buffer_free(other);
    EXPECT_OK(sprint_buffer_read(buffer, 0, own->copy, len));
    expect(memcmp(own->copy, own->bytes, len) == 0, "read", 0);
    sprint_buffer_free(buffer);
}

/* SIZE bytes that are all the same: what is torn shows. */
static sprint_buffer uniform(struct own *own) {
    sprint_buffer buffer = 0;

    memset(own->copy, (int)(own->random & 0xff), SIZE);
    EXPECT_OK(sprint_buffer_from(own->copy, SIZE, (uint32_t)(own->random >> 8 & 3), &buffer));
    return buffer;
}

/* Freed or expired by somebody, or borrowed or used in a way that excludes this. */
static int is_a_refusal(sprint_status status) {
    return status == SPRINT_E_HANDLE || status == SPRINT_E_EXPIRED || status == SPRINT_E_STATE;
}

static void borrow_shared(struct own *own, sprint_buffer buffer, int32_t mode) {
    void *data = NULL;
    size_t n = 0;
    sprint_status status = sprint_buffer_open(buffer, mode, &data, &n);

    expect(status == SPRINT_OK || is_a_refusal(status), "open", status);
    if (status != SPRINT_OK)
        return;
    expect(n == SIZE && all_bytes(data, SIZE, *(unsigned char *)data), "borrowed", 0);
    if (mode == SPRINT_WRITE)
        memset(data, (int)(own->random & 0xff), SIZE);
    EXPECT_OK(sprint_buffer_close(buffer));
}

static void live_together(struct own *own) {
    uint64_t r = next_random(&own->random);
    _Atomic sprint_buffer *place = &shared[r % SHARED];
    sprint_buffer buffer = atomic_load(place), other = 0;
    sprint_status status = SPRINT_OK;
    int32_t equal = 1;

    switch (r >> 8 & 15) {
    case 0:
        sprint_buffer_free(atomic_exchange(place, uniform(own)));
        break;
    case 1: /* whoever put it there frees it too */
        sprint_buffer_free(buffer);
        break;
    case 2:
        status = sprint_buffer_expire_after(buffer, 1 + (int64_t)(r >> 16 & 7));
        break;
    case 3:
    case 4:
        status = sprint_buffer_seal(buffer);
        break;
    case 5:
    case 6:
        borrow_shared(own, buffer, SPRINT_READ);
        break;
    case 7:
        borrow_shared(own, buffer, SPRINT_WRITE);
        break;
    case 8:
    case 9:
        memset(own->copy, (int)(r >> 16 & 0xff), SIZE);
        status = sprint_buffer_write(buffer, 0, own->copy, SIZE);
        break;
    case 10:
        status = sprint_buffer_equal(buffer, buffer, &equal);
        expect(equal == 1, "equal to itself", status);
        break;
    case 11:
        status = sprint_buffer_equal(buffer, atomic_load(&shared[r >> 16 & 3]), &equal);
        break;
    case 12:
        status = sprint_buffer_hkdf(buffer, SPRINT_HASH_SHA512, "s", 1, NULL, 0, 64, 0, &other);
        sprint_buffer_free(other);
        break;
    default:
        status = sprint_buffer_read(buffer, 0, own->copy, SIZE);
        if (status == SPRINT_OK)
            expect(all_bytes(own->copy, SIZE, own->copy[0]), "torn read", 0);
    }
    expect(status == SPRINT_OK || is_a_refusal(status), "shared", status);
}

static void *weather(void *arg) {
    struct own own = {.random = 0x9e3779b97f4a7c15u * ((uint64_t)(uintptr_t)arg + 1)};

    while (!atomic_load(&stop)) {
        if (next_random(&own.random) % 4 == 0)
            live_alone(&own);
        else
            live_together(&own);
        atomic_fetch_add(&turns, 1);
    }
    return NULL;
}

static void a_storm_of_calls_tears_nothing_and_leaves_nothing(void) {
    uint64_t locked = memory_trimmed();
    sprint_memory_stats before = memory_now(), after;
    struct own own = {.random = 1};
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < SHARED; i++)
        atomic_store(&shared[i], uniform(&own));
    atomic_store(&stop, 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, weather, (void *)(uintptr_t)i) == 0);
    sleep_ms(settings.seconds * 1000);         /* the length of the run */
    for (i = 0; turns <= 100 && i < 6000; i++) /* under Valgrind it takes longer to storm */
        sleep_ms(10);
    atomic_store(&stop, 1);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < SHARED; i++)
        sprint_buffer_free(atomic_load(&shared[i]));
    CHECK(failed == 0);
    CHECK(turns > 100);

    after = memory_now();
    CHECK(after.buffers == before.buffers && after.sealed == before.sealed);
    CHECK(after.canary_failures == before.canary_failures && after.refused == before.refused);
    CHECK(memory_trimmed() == locked);
}

const struct rule storm_rules[] = {
    RULE(a_storm_of_calls_tears_nothing_and_leaves_nothing),
    NO_MORE_RULES,
};
