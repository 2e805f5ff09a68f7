/*
 * hostile.c - eight threads that respect nothing: they free what others use, free it
 * again, pass handles of the wrong kind and numbers from thin air. The library may
 * refuse; it may not crash, hang, or answer with a code that is not documented.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "rules.h"
#include "support.h"

enum { THREADS = 8, PLACES = 4 };

/* Handles that all threads share: live, being freed, or freed a moment ago. */
static _Atomic uint64_t places[KINDS][PLACES];
static atomic_int stop;
static atomic_long answers[KINDS], undocumented;

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t any_place(enum kind kind, uint64_t random) {
    return atomic_load(&places[kind][random % PLACES]);
}

/* Put a new object where an old handle was. The old object is freed by whoever gets to
 * it; this thread frees it too. */
static void renew(enum kind kind, uint64_t random) {
    _Atomic uint64_t *place = &places[kind][random % PLACES];
    uint64_t fresh = 0, old;
    sprint_status status = SPRINT_OK;

    switch (kind) {
    case KIND_CONFIG:
        status = sprint_config_new(settings.address, &fresh);
        break;
    case KIND_POOL:
        fresh = pool_make((struct pool_options){.max_connections = 3});
        break;
    case KIND_CONN:
        status = sprint_pool_acquire(any_place(KIND_POOL, random >> 8), 20, &fresh);
        break;
    default:
        status = sprint_buffer_random(1 + random % 5000, 0, &fresh);
    }
    if (status != SPRINT_OK)
        return;
    old = atomic_exchange(place, fresh);
    switch (kind) {
    case KIND_CONFIG:
        sprint_config_free(old);
        break;
    case KIND_POOL:
        sprint_pool_free(old);
        break;
    case KIND_CONN:
        sprint_conn_release(old);
        break;
    default:
        sprint_buffer_free(old);
        while (sprint_buffer_close(old) == SPRINT_OK)
            continue; /* somebody may have left it borrowed */
    }
}

/* Mostly a shared handle of the right kind, else of another one, else a forgery. */
static uint64_t any_handle(enum kind kind, uint64_t random) {
    switch (random >> 48 & 15) {
    case 0:
        return random;
    case 1:
        return any_place(KIND_CONFIG + random % (KINDS - 1), random >> 8);
    case 2:
        return any_place(kind, random) ^ (UINT64_C(1) << (random >> 8 & 63));
    case 3: /* the generation that this object's successor may have */
        return any_place(kind, random) ^ (UINT64_C(1) << 32);
    default:
        return any_place(kind, random);
    }
}

static void judge(const struct call *call, sprint_status status) {
    char text[256];

    atomic_fetch_add(&answers[call->kind], status == SPRINT_OK);
    if (call_allows(call, status) && status != SPRINT_E_FORKED)
        return;
    if (atomic_fetch_add(&undocumented, 1) < 10) {
        sprint_last_error(text, sizeof text);
        printf("     %s: %s (last error: %s)\n", call->name, sprint_errname(status), text);
    }
}

/* Costs far more than other calls; the end of a pool leaves nothing to attack, too. */
static int is_rare(const struct call *call) {
    if (call->kind == KIND_POOL)
        return call->is_void || strcmp(call->name, "sprint_pool_close") == 0;
    return strcmp(call->name, "sprint_buffer_pbkdf2") == 0 ||
           strcmp(call->name, "sprint_memory_self_check") == 0;
}

static void *attack(void *arg) {
    uint64_t state = 0x9e3779b97f4a7c15u * ((uint64_t)(uintptr_t)arg + 1), random;
    const struct call *call;

    while (!atomic_load(&stop)) {
        random = next_random(&state);
        if (random % 16 == 0) {
            renew(KIND_CONFIG + (random >> 8) % (KINDS - 1), random >> 16);
            continue;
        }
        call = &calls[(random >> 8) % (unsigned)call_count];
        if (is_rare(call) && (random >> 32 & 63) != 0)
            continue;
        judge(call, call->run(any_handle(call->kind, random >> 3)));
    }
    return NULL;
}

static void hostile_threads_get_documented_codes_and_no_crash(void) {
    pthread_t threads[THREADS];
    enum kind k;
    uint64_t i;

    atomic_store(&stop, 0);
    for (k = KIND_CONFIG; k < KINDS; k++)
        for (i = 0; i < PLACES; i++)
            renew(k, i);
    calls_config = any_place(KIND_CONFIG, 0);
    calls_conn = any_place(KIND_CONN, 0);
    calls_buffer = any_place(KIND_BUFFER, 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, attack, (void *)(uintptr_t)i) == 0);
    sleep_ms(settings.seconds * 1000); /* the length of the run */
    atomic_store(&stop, 1);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(undocumented == 0);
    for (k = KIND_CONFIG; k < KINDS; k++) /* the attack did meet living objects */
        CHECK(answers[k] > 0);

    for (i = 0; i < PLACES; i++) {
        sprint_conn_discard(any_place(KIND_CONN, i));
        sprint_pool_free(any_place(KIND_POOL, i));
        sprint_config_free(any_place(KIND_CONFIG, i));
        sprint_buffer_free(any_place(KIND_BUFFER, i));
        while (sprint_buffer_close(any_place(KIND_BUFFER, i)) == SPRINT_OK)
            continue;
    }
}

/* The next rule finds the library in good health. */
static void after_an_attack_all_is_well(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease_echo(pool);
    char buf[8];
    size_t n = 0;

    CHECK_IS(SPRINT_OK, sprint_conn_request(conn, "well", 4, buf, sizeof buf, 0, 5000, &n));
    CHECK(n == 4);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

const struct rule hostile_rules[] = {
    RULE(hostile_threads_get_documented_codes_and_no_crash),
    RULE(after_an_attack_all_is_well),
    NO_MORE_RULES,
};
