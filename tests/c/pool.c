/* pool.c - rules about leasing: waits, bounds, counters, status. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

static void a_new_pool_opens_and_starts_nothing(void) {
    long before = relay_stat("accepted");
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 4});
    sprint_pool_stats s = stats_of(pool);
    sprint_conn conn = 1;

    CHECK(s.max_connections == 4 && s.idle == 0 && s.lent == 0 && s.dialing == 0);
    CHECK(s.dials == 0 && s.healthy == 1 && s.breaker_state == SPRINT_BREAKER_CLOSED);
    CHECK_IS(SPRINT_E_EXHAUSTED, sprint_pool_acquire(pool, 0, &conn));
    CHECK(conn == 0);
    CHECK(relay_stat("accepted") == before);
    sprint_pool_free(pool);
}

static void a_released_connection_is_leased_again(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 4});
    sprint_conn first = lease(pool), second;
    uint64_t id = 0, uses = 9, again = 0;
    sprint_pool_stats s;

    CHECK_IS(SPRINT_OK, sprint_conn_id(first, &id));
    CHECK_IS(SPRINT_OK, sprint_conn_uses(first, &uses));
    CHECK(id == 1 && uses == 0);
    CHECK(stats_of(pool).lent == 1);
    sprint_conn_release(first);
    CHECK(stats_of(pool).idle == 1);
    CHECK_IS(SPRINT_OK, sprint_pool_acquire(pool, 0, &second));
    CHECK_IS(SPRINT_OK, sprint_conn_id(second, &again));
    CHECK_IS(SPRINT_OK, sprint_conn_uses(second, &uses));
    CHECK(again == id && uses == 1 && second != first);
    sprint_conn_discard(second);
    s = stats_of(pool);
    CHECK(s.idle == 0 && s.lent == 0 && s.discards == 1 && s.acquires == 2 && s.dials == 1);
    second = lease(pool);
    CHECK_IS(SPRINT_OK, sprint_conn_id(second, &again));
    CHECK_IS(SPRINT_OK, sprint_conn_uses(second, &uses));
    CHECK(again > id && uses == 0);
    sprint_conn_release(second);
    sprint_pool_free(pool);
}

static void null_results_are_refused(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);

    CHECK_IS(SPRINT_E_ARG, sprint_pool_acquire(pool, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_pool_stats_get(pool, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_pool_status_json(pool, NULL, 100, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_id(conn, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_uses(conn, NULL));
    sprint_conn_release(conn);
    CHECK(stats_of(pool).idle == 1);
    sprint_pool_free(pool);
}

struct wait {
    sprint_pool pool;
    int64_t timeout_ms, least;
    sprint_status status; /* that it ends with */
};

/* An acquire that gets no lease. */
static int64_t wait_once(void *arg) {
    const struct wait *w = arg;
    int64_t started = now_ms();
    sprint_conn conn = 1;

    CHECK_IS(w->status, sprint_pool_acquire(w->pool, w->timeout_ms, &conn));
    CHECK(conn == 0 && took(started, w->least));
    return now_ms() - started;
}

/* Neither the pool's own limit of 120 ms nor the default of 5 s is the other one. */
static void at_the_bound_acquire_waits_as_long_as_it_was_told(void) {
    sprint_pool pool =
        pool_make((struct pool_options){.max_connections = 1, .acquire_timeout_ms = 120});
    struct wait waits[] = {{pool, 0, 0, SPRINT_E_EXHAUSTED},
                           {pool, 50, 49, SPRINT_E_TIMEOUT},
                           {pool, 300, 299, SPRINT_E_TIMEOUT},
                           {pool, -1, 119, SPRINT_E_TIMEOUT},
                           {pool, INT64_MIN, 119, SPRINT_E_TIMEOUT}};
    sprint_conn held = lease(pool), conn;
    size_t i;

    for (i = 0; i < sizeof waits / sizeof *waits; i++) {
        int64_t enough = waits[i].least + 50 * settings.slow;

        CHECK(quickest(wait_once, &waits[i], enough) <= enough);
    }
    CHECK(stats_of(pool).timeouts >= 4);
    sprint_conn_release(held);
    CHECK_IS(SPRINT_OK, sprint_pool_acquire(pool, INT64_MAX, &conn));
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

struct waiter {
    pthread_t thread;
    sprint_pool pool;
    int *order; /**< next place in the queue that was served */
    int place;
    sprint_status status;
};

static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_a_lease(void *arg) {
    struct waiter *w = arg;
    sprint_conn conn = 0;

    w->status = sprint_pool_acquire(w->pool, LONG_MS, &conn);
    pthread_mutex_lock(&order_lock);
    w->place = (*w->order)++;
    pthread_mutex_unlock(&order_lock);
    sprint_conn_release(conn);
    return NULL;
}

struct waiting {
    sprint_pool pool;
    uint32_t count;
};

static int are_waiting(void *arg) {
    struct waiting *w = arg;

    return stats_of(w->pool).waiting == w->count;
}

static void waiters_are_served_in_their_order(void) {
    enum { WAITERS = 6 };
    sprint_pool pool =
        pool_make((struct pool_options){.max_connections = 1, .max_waiters = WAITERS});
    sprint_conn held = lease(pool);
    struct waiter waiters[WAITERS];
    int order = 0, i;

    for (i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){.pool = pool, .order = &order};
        CHECK(pthread_create(&waiters[i].thread, NULL, wait_for_a_lease, &waiters[i]) == 0);
        CHECK(eventually(are_waiting, &(struct waiting){pool, (uint32_t)i + 1}));
    }
    sprint_conn_release(held);
    for (i = 0; i < WAITERS; i++) {
        pthread_join(waiters[i].thread, NULL);
        CHECK(waiters[i].status == SPRINT_OK);
        CHECK(waiters[i].place == i);
    }
    CHECK(stats_of(pool).dials == 1);
    sprint_pool_free(pool);
}

static void too_many_waiters_are_turned_away_at_once(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1, .max_waiters = 1});
    sprint_conn held = lease(pool), conn = 1;
    int order = 0;
    struct waiter w = {.pool = pool, .order = &order};
    int64_t started;

    CHECK(pthread_create(&w.thread, NULL, wait_for_a_lease, &w) == 0);
    CHECK(eventually(are_waiting, &(struct waiting){pool, 1}));
    started = now_ms();
    CHECK_IS(SPRINT_E_EXHAUSTED, sprint_pool_acquire(pool, LONG_MS, &conn));
    CHECK(took(started, 0));
    CHECK(conn == 0);
    CHECK_SAYS("max_waiters");
    sprint_conn_release(held);
    pthread_join(w.thread, NULL);
    CHECK(w.status == SPRINT_OK);
    sprint_pool_free(pool);
}

static void warm_up_opens_up_to_the_bound(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 3});
    sprint_conn conn;

    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, 0, 1000));
    CHECK_IS(SPRINT_E_TIMEOUT, sprint_pool_warm_up(pool, 1, 0));
    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, 2, PROMPT_MS * settings.slow));
    CHECK(stats_of(pool).idle == 2);
    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, UINT32_MAX, PROMPT_MS * settings.slow));
    CHECK(stats_of(pool).idle == 3);
    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, 3, 0));
    CHECK_IS(SPRINT_OK, sprint_pool_acquire(pool, 0, &conn));
    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, 3, 0)); /* lent ones count */
    CHECK(stats_of(pool).dials == 3);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void stats_respect_struct_size(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 7});
    struct {
        sprint_pool_stats stats;
        unsigned char later[64];
    } wide;
    const unsigned char *bytes = (const unsigned char *)&wide;
    uint32_t sizes[] = {4, 8, 12, 36, sizeof wide.stats};
    size_t i, b;

    memset(&wide, 0xee, sizeof wide);
    wide.stats.struct_size = sizeof wide;
    CHECK_IS(SPRINT_OK, sprint_pool_stats_get(pool, &wide.stats));
    CHECK(wide.stats.struct_size == sizeof wide.stats);
    for (b = 0; b < sizeof wide.later; b++)
        CHECK(wide.later[b] == 0xee);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(&wide, 0xee, sizeof wide);
        wide.stats.struct_size = sizes[i];
        CHECK_IS(SPRINT_OK, sprint_pool_stats_get(pool, &wide.stats));
        CHECK(wide.stats.struct_size == sizes[i]);
        for (b = sizes[i]; b < sizeof wide; b++)
            if (!CHECK(bytes[b] == 0xee))
                break;
        if (sizes[i] >= 8)
            CHECK(wide.stats.max_connections == 7);
    }
    wide.stats.struct_size = 3;
    CHECK_IS(SPRINT_E_ARG, sprint_pool_stats_get(pool, &wide.stats));
    CHECK_SAYS("struct_size");
    wide.stats.struct_size = UINT32_MAX;
    CHECK_IS(SPRINT_OK, sprint_pool_stats_get(pool, &wide.stats));
    CHECK(wide.stats.struct_size == sizeof wide.stats);
    sprint_pool_free(pool);
}

static void stats_count_bytes_and_leases(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease_echo(pool);
    char buf[100];
    sprint_pool_stats s;

    CHECK_IS(SPRINT_OK, sprint_conn_write(conn, memset(buf, 'x', 100), 100, 1000));
    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(conn, buf, 100, 5000, NULL));
    s = stats_of(pool);
    CHECK(s.bytes_sent == 105 && s.bytes_received == 100 && s.acquires == 1);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void status_json_fits_any_buffer(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    size_t needed = 0, exact;
    char *text, small[16];

    CHECK_IS(SPRINT_E_RANGE, sprint_pool_status_json(pool, NULL, 0, &needed));
    CHECK(needed > 1);
    exact = needed;
    memset(small, '#', sizeof small);
    CHECK_IS(SPRINT_E_RANGE, sprint_pool_status_json(pool, small, 8, NULL));
    CHECK(memchr(small, '\0', 8) != NULL && small[8] == '#');
    text = malloc(exact + 64);
    CHECK_IS(SPRINT_OK, sprint_pool_status_json(pool, text, exact + 64, &needed));
    CHECK(needed == strlen(text) + 1);
    CHECK(strstr(text, settings.address) != NULL);
    CHECK(strstr(text, "\"active_connections\":1") != NULL);
    CHECK(strstr(text, "\"connection_id\":1") != NULL);
    free(text);
    sprint_conn_release(conn);
    sprint_pool_free(pool);
}

static void a_dead_idle_connection_is_replaced_before_it_is_leased(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    uint64_t first = 0, second = 0;
    long open = relay_stat("open");

    CHECK_IS(SPRINT_OK, sprint_conn_id(conn, &first));
    sprint_conn_release(conn);
    relay_set("drop_idle=1");
    CHECK(open >= 1);
    conn = lease_echo(pool);
    CHECK_IS(SPRINT_OK, sprint_conn_id(conn, &second));
    CHECK(second > first);
    CHECK(stats_of(pool).reconnects == 1);
    sprint_conn_discard(conn);
    sprint_pool_free(pool);
}

static int fds_are(void *arg) {
    return count_fds() == *(int *)arg;
}

static void nothing_is_left_behind(void) {
    int fds, round, i;
    uint64_t locked = 0;
    sprint_memory_stats memory = {.struct_size = sizeof memory};
    sprint_pool pool;
    sprint_conn conns[4], none;

    for (round = 0; round < 2; round++) { /* the first opens what the library keeps */
        pool = pool_make((struct pool_options){.max_connections = 4});
        CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, NULL));
        for (i = 0; i < 4; i++)
            conns[i] = lease_echo(pool);
        CHECK_IS(SPRINT_E_EXHAUSTED, sprint_pool_acquire(pool, 0, &none));
        sprint_conn_discard(conns[0]);
        sprint_conn_release(conns[1]);
        sprint_pool_free(pool); /* two leases out */
        sprint_conn_release(conns[2]);
        sprint_conn_discard(conns[3]);
        relay_set("cert=untrusted");
        pool = pool_make((struct pool_options){.max_connections = 1});
        CHECK_IS(SPRINT_E_CERT, sprint_pool_acquire(pool, 5000, &none));
        sprint_pool_free(pool);
        relay_set("cert=good");
        CHECK_IS(SPRINT_OK, sprint_memory_stats_get(&memory));
        if (round == 0) {
            fds = count_fds();
            locked = memory.locked_bytes;
        } else {
            CHECK(eventually(fds_are, &fds));
            CHECK(memory.locked_bytes == locked);
        }
    }
}

const struct rule pool_rules[] = {
    RULE(a_new_pool_opens_and_starts_nothing),
    RULE(a_released_connection_is_leased_again),
    RULE(null_results_are_refused),
    RULE(at_the_bound_acquire_waits_as_long_as_it_was_told),
    RULE(waiters_are_served_in_their_order),
    RULE(too_many_waiters_are_turned_away_at_once),
    RULE(warm_up_opens_up_to_the_bound),
    RULE(stats_respect_struct_size),
    RULE(stats_count_bytes_and_leases),
    RULE(status_json_fits_any_buffer),
    RULE(a_dead_idle_connection_is_replaced_before_it_is_leased),
    RULE(nothing_is_left_behind),
    NO_MORE_RULES,
};
