/* handles.c - rules about handles that are not what they claim to be. */
#include <pthread.h>
#include <stdio.h>

#include "calls.h"
#include "rules.h"
#include "support.h"

struct objects {
    uint64_t live[KINDS];  /**< one of each kind */
    uint64_t stale[KINDS]; /**< one of each kind, freed */
};

static struct objects objects_make(void) {
    struct objects o = {{0}, {0}};
    sprint_pool gone;

    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &o.live[KIND_CONFIG]));
    o.live[KIND_POOL] = pool_make((struct pool_options){.max_connections = 2});
    o.live[KIND_CONN] = lease(o.live[KIND_POOL]);
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &o.live[KIND_BUFFER]));

    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &o.stale[KIND_CONFIG]));
    sprint_config_free(o.stale[KIND_CONFIG]);
    o.stale[KIND_POOL] = gone = pool_make((struct pool_options){.max_connections = 1});
    sprint_pool_free(gone);
    o.stale[KIND_CONN] = lease(o.live[KIND_POOL]);
    sprint_conn_release(o.stale[KIND_CONN]);
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &o.stale[KIND_BUFFER]));
    sprint_buffer_free(o.stale[KIND_BUFFER]);

    calls_config = o.live[KIND_CONFIG];
    calls_conn = o.live[KIND_CONN];
    calls_buffer = o.live[KIND_BUFFER];
    return o;
}

/* Every object still works: no bad call hit it. */
static void objects_free(struct objects *o) {
    size_t n;

    CHECK_IS(SPRINT_OK, sprint_config_set_int(o->live[KIND_CONFIG], SPRINT_OPT_MIN_IDLE, 1));
    CHECK_IS(SPRINT_OK, sprint_conn_write(o->live[KIND_CONN], "NONCE\n", 6, 1000));
    CHECK_IS(SPRINT_OK, sprint_buffer_len(o->live[KIND_BUFFER], &n));
    CHECK(stats_of(o->live[KIND_POOL]).lent == 1);
    sprint_config_free(o->live[KIND_CONFIG]);
    sprint_conn_discard(o->live[KIND_CONN]);
    sprint_pool_free(o->live[KIND_POOL]);
    sprint_buffer_free(o->live[KIND_BUFFER]);
}

/* Every call that takes a handle of this kind refuses h; the void ones do nothing. */
static void refused_by_all(enum kind kind, uint64_t h, const char *what) {
    int i;

    for (i = 0; i < call_count; i++) {
        if (calls[i].kind != kind)
            continue;
        if (calls[i].is_void)
            calls[i].run(h);
        else if (!CHECK_IS(SPRINT_E_HANDLE, calls[i].run(h)))
            printf("     %s(%s %#llx)\n", calls[i].name, what, (unsigned long long)h);
    }
}

static void zero_is_no_handle(void) {
    struct objects o = objects_make();
    enum kind k;

    for (k = KIND_CONFIG; k < KINDS; k++)
        refused_by_all(k, 0, "zero");
    objects_free(&o);
}

static void freed_handles_are_refused_for_ever(void) {
    struct objects o = objects_make();
    enum kind k;

    for (k = KIND_CONFIG; k < KINDS; k++)
        refused_by_all(k, o.stale[k], "stale");
    objects_free(&o);
}

static void handles_of_another_kind_are_refused(void) {
    struct objects o = objects_make();
    enum kind k, other;

    for (k = KIND_CONFIG; k < KINDS; k++)
        for (other = KIND_CONFIG; other < KINDS; other++)
            if (other != k)
                refused_by_all(k, o.live[other], "of another kind");
    objects_free(&o);
}

static void forged_handles_are_refused(void) {
    struct objects o = objects_make();
    enum kind k;
    int bit;

    for (k = KIND_CONFIG; k < KINDS; k++) {
        for (bit = 0; bit < 64; bit++)
            refused_by_all(k, o.live[k] ^ (UINT64_C(1) << bit), "with a flipped bit");
        refused_by_all(k, o.live[k] + 1, "next");
        refused_by_all(k, 1, "small");
        refused_by_all(k, UINT64_MAX, "all ones");
    }
    objects_free(&o);
}

struct waiter {
    pthread_t thread;
    sprint_pool pool;
    sprint_conn conn;
    sprint_status status;
};

static void *wait_for_a_lease(void *arg) {
    struct waiter *w = arg;

    w->status = sprint_pool_acquire(w->pool, LONG_MS, &w->conn);
    return NULL;
}

static int is_waiting(void *pool) {
    return stats_of(*(sprint_pool *)pool).waiting == 1;
}

static int refused(uint64_t guess) {
    uint64_t uses;
    int holds = CHECK_IS(SPRINT_E_HANDLE, sprint_conn_uses(guess, &uses));

    sprint_conn_discard(guess); /* must do nothing */
    return holds;
}

/* An acquire that waits may have a place for its lease already, but no handle to it is
 * out: neither one near a live handle nor a later generation of a stale one may hit. */
static void handles_that_were_not_handed_out_yet_are_refused(void) {
    enum { LEASES = 3000 };
    static sprint_conn stale[LEASES];
    struct waiter w = {.pool = pool_make((struct pool_options){.max_connections = 1})};
    sprint_conn held;
    uint64_t i, bits, uses, guess;
    int ok = 1;

    for (i = 0; i < LEASES; i++)
        sprint_conn_release(stale[i] = lease(w.pool));
    held = lease(w.pool);
    CHECK(pthread_create(&w.thread, NULL, wait_for_a_lease, &w) == 0);
    CHECK(eventually(is_waiting, &w.pool));
    for (i = 1; ok && i < 1 << 16; i++)
        ok = refused(held ^ i);
    for (i = 0; ok && i < LEASES; i++) /* counting up by one flips 1, 3, 7 ... */
        for (bits = 1; ok && bits <= UINT32_MAX; bits = bits << 1 | 1) {
            guess = stale[i] ^ bits << 32;
            ok = guess == held || refused(guess);
        }
    sprint_conn_release(held);
    pthread_join(w.thread, NULL);
    CHECK(w.status == SPRINT_OK);
    CHECK_IS(SPRINT_OK, sprint_conn_uses(w.conn, &uses));
    CHECK(uses == LEASES + 1);
    sprint_conn_release(w.conn);
    sprint_pool_free(w.pool);
}

static void handles_are_not_reused(void) {
    sprint_buffer first = 0, next = 0;
    size_t len;
    int i;

    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(16, 0, &first));
    sprint_buffer_free(first);
    for (i = 0; i < 20000; i++) {
        if (!CHECK_IS(SPRINT_OK, sprint_buffer_alloc(16, 0, &next)) || !CHECK(next != first))
            break;
        sprint_buffer_free(next);
    }
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_len(first, &len));
}

static void a_double_free_harms_nobody(void) {
    struct objects o = objects_make();
    sprint_conn again = lease(o.live[KIND_POOL]);

    /* The slots of the freed ones may have new tenants by now. */
    sprint_conn_release(o.stale[KIND_CONN]);
    sprint_conn_discard(o.stale[KIND_CONN]);
    sprint_buffer_free(o.stale[KIND_BUFFER]);
    sprint_pool_free(o.stale[KIND_POOL]);
    sprint_config_free(o.stale[KIND_CONFIG]);
    CHECK(stats_of(o.live[KIND_POOL]).lent == 2);
    sprint_conn_release(again);
    sprint_conn_release(again);
    CHECK(stats_of(o.live[KIND_POOL]).lent == 1);
    objects_free(&o);
}

const struct rule handle_rules[] = {
    RULE(zero_is_no_handle),
    RULE(freed_handles_are_refused_for_ever),
    RULE(handles_of_another_kind_are_refused),
    RULE(forged_handles_are_refused),
    RULE(handles_that_were_not_handed_out_yet_are_refused),
    RULE(handles_are_not_reused),
    RULE(a_double_free_harms_nobody),
    NO_MORE_RULES,
};
