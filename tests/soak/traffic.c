/* traffic.c - callers that lease, ask, check the echo and give back, all the time. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "soak.h"
#include "support.h"

enum { GO_ON, PARK, END };
enum { HEAD = 5, LONGEST = 8192, PACE_MS = 25 };

static atomic_int phase, parked;
static pthread_t threads[POOLS * THREADS_PER_POOL];

/* Every request begins with "ECHO\n": a fresh connection takes it as the command, a used one as
 * bytes to echo. So a request may be sent once more on a fresh one as it is. */
static sprint_status ask(sprint_conn conn, const unsigned char *request, size_t len,
                         unsigned char *answer, unsigned turn, int32_t budget, int *garbled) {
    uint64_t uses = 0;
    size_t got = 0, rest = 0, want;
    sprint_status status;

    if (turn % 2 == 0)
        status = sprint_conn_request(conn, request, len, answer, len - HEAD,
                                     turn % 4 == 0 ? SPRINT_REQUEST_IDEMPOTENT : 0, budget, &got);
    else
        status = sprint_conn_write(conn, request, len, budget);
    if (status != SPRINT_OK)
        return status;
    if (turn % 2 == 0 && got == 0)
        return SPRINT_E_EOF; /* close_notify instead of an answer */
    if ((status = sprint_conn_uses(conn, &uses)) != SPRINT_OK)
        return status;
    want = uses == 0 ? len - HEAD : len;
    if (got < want)
        status = sprint_conn_read_exact(conn, answer + got, want - got, budget, &rest);
    *garbled = status == SPRINT_OK && memcmp(answer, request + (len - want), want) != 0;
    return status;
}

static void took_no_longer(struct group *g, int64_t began) {
    long ms = (long)(now_ms() - began), most = atomic_load(&g->slowest_ms);

    while (ms > most && !atomic_compare_exchange_weak(&g->slowest_ms, &most, ms))
        ;
    if (ms > STUCK_MS)
        wrong("a lease and its request took %ld ms", ms);
}

/* The caller holds g->asking. */
static void one_request(struct group *g, unsigned turn) {
    unsigned char request[HEAD + LONGEST], answer[HEAD + LONGEST];
    size_t len = HEAD + 1 + turn * 7919 % (turn % 32 == 0 ? LONGEST : 1000);
    int64_t began = now_ms();
    int32_t budget = began <= atomic_load(&g->hurry_until) ? BUDGET_MS : CALM_MS;
    int fault = atomic_load(&g->fault);
    sprint_conn conn = 0;
    sprint_status status = sprint_pool_acquire(g->pool, budget, &conn);
    int garbled = 0;

    if (status != SPRINT_OK) {
        fault_error(g, fault, -status, "acquire", began);
        took_no_longer(g, began);
        return;
    }
    atomic_fetch_add(&g->leases, 1);
    memcpy(request, "ECHO\n", HEAD);
    fill_pattern(request + HEAD, len - HEAD, turn);
    status = ask(conn, request, len, answer, turn, budget, &garbled);
    if (status == SPRINT_OK && !garbled) {
        atomic_fetch_add(&g->good, 1);
        if (turn % 61 == 0)
            sprint_conn_discard(conn);
        else
            sprint_conn_release(conn);
    } else {
        fault_error(g, fault, garbled ? GARBLED : -status, "request", began);
        sprint_conn_discard(conn);
    }
    took_no_longer(g, began);
}

/* No fault concerns secrets: any failure is wrong. */
static void one_secret(unsigned turn) {
    unsigned char mac[2][32];
    sprint_buffer key = 0;
    int i, ok = sprint_buffer_random(32 + turn % 64, SPRINT_BUFFER_DEFAULT, &key) == SPRINT_OK;

    for (i = 0; ok && i < 2; i++) {
        ok = sprint_buffer_hmac(key, SPRINT_HASH_SHA256, "soak", 4, mac[i], sizeof mac[i], NULL) ==
             SPRINT_OK;
        if (ok && i == 0 && turn % 3 == 0)
            ok = sprint_buffer_seal(key) == SPRINT_OK;
    }
    if (!ok || memcmp(mac[0], mac[1], sizeof mac[0]) != 0) {
        char text[256];

        sprint_last_error(text, sizeof text);
        wrong("a secret: %s", text);
    }
    sprint_buffer_free(key);
}

static void *caller(void *arg) {
    unsigned number = (unsigned)(uintptr_t)arg, turn = number * 97;
    struct group *g = &groups[number % POOLS];
    int now;

    while ((now = atomic_load(&phase)) != END) {
        if (now == PARK) {
            atomic_fetch_add(&parked, 1);
            while (atomic_load(&phase) == PARK)
                sleep_ms(5);
            atomic_fetch_sub(&parked, 1);
            continue;
        }
        pthread_rwlock_rdlock(&g->asking);
        one_request(g, ++turn);
        pthread_rwlock_unlock(&g->asking);
        if (turn % 8 == 0)
            one_secret(turn);
        sleep_ms(PACE_MS); /* a caller's own work, and the bound of the load */
    }
    return NULL;
}

int traffic_start(void) {
    size_t i;

    for (i = 0; i < sizeof threads / sizeof *threads; i++)
        if (pthread_create(&threads[i], NULL, caller, (void *)(uintptr_t)i) != 0)
            return 0;
    return 1;
}

static int all_parked(void *arg) {
    (void)arg;
    return atomic_load(&parked) == POOLS * THREADS_PER_POOL;
}

void traffic_park(void) {
    atomic_store(&phase, PARK);
    if (!eventually(all_parked, NULL) && !eventually(all_parked, NULL)) /* more than STUCK_MS */
        wrong("a caller is stuck");
}

void traffic_go_on(void) {
    atomic_store(&phase, GO_ON);
}

void traffic_end(void) {
    size_t i;

    atomic_store(&phase, END);
    for (i = 0; i < sizeof threads / sizeof *threads; i++)
        pthread_join(threads[i], NULL);
}
