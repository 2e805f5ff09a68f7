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

/* The call that was under way has ended, in time and as it should. */
static void leave(const struct doing *doing, struct caller *c, int64_t started) {
    if (doing->call != NULL) {
        pthread_join(c->thread, NULL);
        CHECK_IS(SPRINT_E_CLOSED, c->status);
    }
    if (!CHECK(took(started, 0)))
        printf("     while %s\n", doing->name);
    sprint_conn_release(c->conn);
    relay_reset();
}

/* The grace is for leases: without one there is nothing to wait for. */
static void close_is_bounded_whatever_the_pool_is_doing(void) {
    static const int64_t graces[] = {0, 200};
    int64_t started, least;
    uint32_t forced;
    size_t i, k;

    for (i = 0; i < sizeof doings / sizeof *doings; i++) {
        for (k = 0; k < sizeof graces / sizeof *graces; k++) {
            struct caller c = {.conn = 0};

            enter(&doings[i], &c);
            least = doings[i].lent > 0 && graces[k] > 0 ? graces[k] - 1 : 0;
            forced = 77;
            started = now_ms();
            CHECK_IS(SPRINT_OK, sprint_pool_close(c.pool, graces[k], &forced));
            if (!CHECK(took(started, least)) || !CHECK(forced == doings[i].lent))
                printf("     while %s, grace %lld ms: %u cut off\n", doings[i].name,
                       (long long)graces[k], (unsigned)forced);
            leave(&doings[i], &c, started);
            CHECK(stats_of(c.pool).lent == 0 && stats_of(c.pool).dialing == 0);
            sprint_pool_free(c.pool);
        }
    }
}

static void free_is_bounded_whatever_the_pool_is_doing(void) {
    int64_t started;
    size_t i;

    for (i = 0; i < sizeof doings / sizeof *doings; i++) {
        struct caller c = {.conn = 0};

        enter(&doings[i], &c);
        started = now_ms();
        sprint_pool_free(c.pool);
        leave(&doings[i], &c, started);
    }
}

const struct rule closing_rules[] = {
    RULE(close_is_bounded_whatever_the_pool_is_doing),
    RULE(free_is_bounded_whatever_the_pool_is_doing),
    NO_MORE_RULES,
};
