/* closing.c - rules about the time that closing a pool takes, whatever it is doing. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"
#include "support.h"

struct scene;

/* What a pool is doing when it is closed. */
struct doing {
    const char *name;
    const char *relay;                     /**< the switch before, NULL: none */
    void (*prepare)(struct scene *);       /**< NULL: nothing to do */
    sprint_status (*call)(struct scene *); /**< on another thread, NULL: none */
    int (*inside)(void *scene);            /**< whether that thread is inside its call */
    uint32_t lent;                         /**< leases that only the end of the grace ends */
};

struct scene {
    const struct doing *doing;
    pthread_t thread;
    sprint_pool pool;
    sprint_conn conn;
    sprint_status status;
};

static void take_the_lease(struct scene *s) {
    s->conn = lease_echo(s->pool);
}

static void pause_with_one_idle(struct scene *s) {
    sprint_conn_release(lease(s->pool));
    CHECK_IS(SPRINT_OK, sprint_pool_pause(s->pool));
}

static void open_the_breaker(struct scene *s) {
    CHECK_IS(SPRINT_E_BREAKER_OPEN, sprint_pool_acquire(s->pool, 20000, &s->conn));
    CHECK(stats_of(s->pool).breaker_state == SPRINT_BREAKER_OPEN);
}

static sprint_status acquire_for_long(struct scene *s) {
    sprint_conn never = 0;

    return sprint_pool_acquire(s->pool, 60000, &never);
}

static sprint_status warm_up_for_long(struct scene *s) {
    return sprint_pool_warm_up(s->pool, 1, 60000);
}

/* is_reading() and is_writing() look by calling: try again if they were there first. */
static sprint_status read_for_long(struct scene *s) {
    sprint_status status;
    char buf[16];
    size_t n;

    do
        status = sprint_conn_read(s->conn, buf, sizeof buf, 60000, &n);
    while (status == SPRINT_E_STATE);
    return status;
}

static sprint_status write_for_long(struct scene *s) {
    enum { MUCH = 32 << 20 };
    char *out = calloc(MUCH, 1);
    sprint_status status;

    do
        status = sprint_conn_write(s->conn, out, MUCH, 60000);
    while (status == SPRINT_E_STATE);
    free(out);
    return status;
}

static int is_reading(void *arg) {
    struct scene *s = arg;
    char buf[1];
    size_t n;

    return sprint_conn_try_read(s->conn, buf, sizeof buf, &n) == SPRINT_E_STATE;
}

static int is_writing(void *arg) {
    struct scene *s = arg;
    size_t n;

    return sprint_conn_try_write(s->conn, NULL, 0, &n) == SPRINT_E_STATE;
}

static int is_dialing(void *arg) {
    return stats_of(((struct scene *)arg)->pool).dialing == 1;
}

static int is_waiting(void *arg) {
    return stats_of(((struct scene *)arg)->pool).waiting == 1;
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

static void *call_once(void *arg) {
    struct scene *s = arg;

    s->status = s->doing->call(s);
    return NULL;
}

static void enter(struct scene *s) {
    const struct doing *doing = s->doing;

    if (doing->relay != NULL)
        relay_set(doing->relay);
    s->pool = pool_make((struct pool_options){.max_connections = 1, .connect_timeout_ms = 60000});
    if (doing->prepare != NULL)
        doing->prepare(s);
    if (doing->call != NULL) {
        CHECK(pthread_create(&s->thread, NULL, call_once, s) == 0);
        CHECK(eventually(doing->inside, s, 5000));
    }
}

/* The call that was under way has ended, in time and as it should. */
static void leave(struct scene *s, int64_t started, int64_t most) {
    if (s->doing->call != NULL) {
        pthread_join(s->thread, NULL);
        CHECK_IS(SPRINT_E_CLOSED, s->status);
    }
    if (!CHECK(took(started, 0, most)))
        printf("     while %s\n", s->doing->name);
    sprint_conn_release(s->conn);
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
            struct scene s = {.doing = &doings[i]};

            enter(&s);
            least = s.doing->lent > 0 && graces[k] > 0 ? graces[k] - 1 : 0;
            forced = 77;
            started = now_ms();
            CHECK_IS(SPRINT_OK, sprint_pool_close(s.pool, graces[k], &forced));
            if (!CHECK(took(started, least, least + 1000)) || !CHECK(forced == s.doing->lent))
                printf("     while %s, grace %lld ms: %u cut off\n", s.doing->name,
                       (long long)graces[k], (unsigned)forced);
            leave(&s, started, least + 1500);
            CHECK(stats_of(s.pool).lent == 0 && stats_of(s.pool).dialing == 0);
            sprint_pool_free(s.pool);
        }
    }
}

static void free_is_bounded_whatever_the_pool_is_doing(void) {
    int64_t started;
    size_t i;

    for (i = 0; i < sizeof doings / sizeof *doings; i++) {
        struct scene s = {.doing = &doings[i]};

        enter(&s);
        started = now_ms();
        sprint_pool_free(s.pool);
        leave(&s, started, 1500);
    }
}

const struct rule closing_rules[] = {
    RULE(close_is_bounded_whatever_the_pool_is_doing),
    RULE(free_is_bounded_whatever_the_pool_is_doing),
    NO_MORE_RULES,
};
