/* closing.c - rules about the time that closing a pool takes, whatever it is doing. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

#include "inside.h"
#include "rules.h"
#include "support.h"

/* What a pool is doing when it is closed. */
struct doing {
    const char *name;
    const char *relay;                      /**< the switch before, NULL: none */
    void (*prepare)(struct caller *);       /**< NULL: nothing to do */
    sprint_status (*call)(struct caller *); /**< on another thread, NULL: none */
    int (*inside)(void *caller);            /**< whether that thread is inside its call */
    uint32_t lent;                          /**< leases that only the end of the grace ends */
};

static void take_the_lease(struct caller *c) {
    c->conn = lease_echo(c->pool);
}

static void pause_with_one_idle(struct caller *c) {
    sprint_conn_release(lease(c->pool));
    CHECK_IS(SPRINT_OK, sprint_pool_pause(c->pool));
}

static void open_the_breaker(struct caller *c) {
    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(c->pool, LONG_MS, &c->conn));
    CHECK(stats_of(c->pool).breaker_state == SPRINT_BREAKER_OPEN);
}

static sprint_status warm_up_for_long(struct caller *c) {
    return sprint_pool_warm_up(c->pool, 1, LONG_MS);
}

static const struct doing doings[] = {
    {"nothing", NULL, NULL, NULL, NULL, 0},
    {"dialing for a caller", "stall_handshake=1", NULL, acquire_for_long, is_dialing, 0},
    {"dialing to warm up", "stall_handshake=1", NULL, warm_up_for_long, is_dialing, 0},
    {"waiting", NULL, take_the_lease, acquire_for_long, is_waiting, 1},
    {"reading", NULL, take_the_lease, read_for_long, is_reading, 1},
    {"writing", NULL, take_the_lease, write_for_long, is_writing, 1},
    {"paused", NULL, pause_with_one_idle, acquire_for_long, is_waiting, 0},
    {"shut out by its breaker", "refuse=1", open_the_breaker, NULL, NULL, 0},
};

static void enter(const struct doing *doing, struct caller *c) {
    if (doing->relay != NULL)
        relay_set(doing->relay);
    c->pool = pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = LONG_MS});
    if (doing->prepare != NULL)
        doing->prepare(c);
    if (doing->call != NULL)
        caller_start(c, doing->call, doing->inside);
}

/* A pool that is ended while it is doing something, with a grace or by free. */
struct ending {
    const struct doing *doing;
    int64_t grace_ms; /* FREE: not closed before it is freed */
};

enum { FREE = -1, BOUND_MS = 1000 /* beyond the grace: sprint.h */ };

static void end_by_close(const struct ending *e, sprint_pool pool, int64_t started) {
    /* The grace is for leases: without one there is nothing to wait for. */
    int64_t least = e->doing->lent > 0 && e->grace_ms > 0 ? e->grace_ms - 1 : 0;
    uint32_t forced = 77;

    CHECK_IS(SPRINT_OK, sprint_pool_close(pool, e->grace_ms, &forced));
    if (!CHECK(took(started, least)) || !CHECK(forced == e->doing->lent))
        printf("     while %s, grace %lld ms: %u cut off\n", e->doing->name, (long long)e->grace_ms,
               (unsigned)forced);
}

/* How long it took, the end of the call that was under way included. */
static int64_t end_once(void *arg) {
    const struct ending *e = arg;
    struct caller c = {.conn = 0};
    int64_t started, ms;

    enter(e->doing, &c);
    started = now_ms();
    if (e->grace_ms == FREE)
        sprint_pool_free(c.pool);
    else
        end_by_close(e, c.pool, started);
    if (e->doing->call != NULL) {
        pthread_join(c.thread, NULL);
        CHECK_IS(SPRINT_E_CLOSED, c.status);
    }
    ms = now_ms() - started;
    sprint_conn_release(c.conn);
    relay_reset();
    if (e->grace_ms != FREE) {
        CHECK(stats_of(c.pool).lent == 0 && stats_of(c.pool).dialing == 0);
        sprint_pool_free(c.pool);
    }
    return ms;
}

static void ends_in_time_whatever_it_is_doing(int64_t grace_ms) {
    int64_t most = (grace_ms == FREE ? 0 : grace_ms) + BOUND_MS * settings.slow;
    size_t i;

    for (i = 0; i < sizeof doings / sizeof *doings; i++)
        if (!CHECK(quickest(end_once, &(struct ending){&doings[i], grace_ms}, most) <= most))
            printf("     while %s\n", doings[i].name);
}

static void close_is_bounded_whatever_the_pool_is_doing(void) {
    ends_in_time_whatever_it_is_doing(0);
    ends_in_time_whatever_it_is_doing(200);
}

static void free_is_bounded_whatever_the_pool_is_doing(void) {
    ends_in_time_whatever_it_is_doing(FREE);
}

const struct rule closing_rules[] = {
    RULE(close_is_bounded_whatever_the_pool_is_doing),
    RULE(free_is_bounded_whatever_the_pool_is_doing),
    NO_MORE_RULES,
};
