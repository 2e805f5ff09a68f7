/* threads.c - pools used by threads of C: libsprint and r2d2; and bb8 and deadpool, whose
 * callers are tasks of a runtime in rustpools. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crowd.h"
#include "lender.h"
#include "rounds.h"
#include "sprint_dl.h"
#include "symbol.h"

/* No caller of the benchmark is to give up. */
enum { PATIENCE_MS = 60000 };

struct lender {
    const char *(*cycle)(const struct lender *l); /* one acquire and release */
    const char *(*acquire)(const struct lender *l, uint64_t *lease);
    void (*release)(uint64_t lease);
    struct load load;
    uint64_t pool;
    struct crowd *crowd;
    double *samples; /* of the turn under way */
    int each;
    char why[256];
};

/* ----------------------------------------------------------------- by threads */

static const char *cycles(void *state, int thread) {
    const struct lender *l = state;
    const char *failure = NULL;
    int i;

    (void)thread;
    for (i = 0; i < l->load.ops && failure == NULL; i++)
        failure = l->cycle(l);
    return failure;
}

static const char *block(void *state) {
    struct lender *l = state;

    return l->crowd != NULL ? crowd_run(l->crowd, cycles, l) : cycles(l, 0);
}

/* The first wait is left out: it meets a queue that is still growing. */
static const char *waits(void *state, int thread) {
    const struct lender *l = state;
    double *mine = l->samples + thread * l->each;
    const char *failure;
    uint64_t lease, asked;
    int i;

    for (i = -1; i < l->each; i++) {
        asked = now_ns();
        if ((failure = l->acquire(l, &lease)) != NULL)
            return failure;
        if (i >= 0)
            mine[i] = (double)(now_ns() - asked);
        silence(HOLD_US);
        l->release(lease);
    }
    return NULL;
}

static const char *collect(void *state, double *samples, int room) {
    struct lender *l = state;

    l->samples = samples;
    l->each = room / l->load.callers;
    return crowd_run(l->crowd, waits, l);
}

static const char *gather(void *state) {
    struct lender *l = state;

    if (l->load.callers > 1)
        l->crowd = crowd_start(l->load.callers);
    return NULL;
}

static const char *disperse(void *state) {
    struct lender *l = state;

    if (l->crowd != NULL)
        crowd_stop(l->crowd);
    l->crowd = NULL;
    return NULL;
}

static void enter_threads(struct contest_case *k, struct lender *l, const char *name,
                          const char *variant) {
    struct contender *e = contest_enter(k, name, variant, block, l, l->why);

    e->collect = collect;
    e->begin = gather;
    e->end = disperse;
    e->ops = l->load.callers * l->load.ops;
}

static struct lender *new_lender(const struct load *load) {
    struct lender *l = calloc(1, sizeof *l);

    if (l == NULL)
        abort();
    l->load = *load;
    return l;
}

/* ------------------------------------------------------------------ libsprint */

static struct sprint_dl lib;

static const char *explain(const char *step, sprint_status status) {
    static _Thread_local char text[256];
    char cause[160];

    lib.sprint_last_error(cause, sizeof cause);
    snprintf(text, sizeof text, "%s: %s: %s", step, lib.sprint_errname(status), cause);
    return text;
}

static const char *sprint_acquire(const struct lender *l, uint64_t *lease) {
    sprint_status status = lib.sprint_pool_acquire(l->pool, PATIENCE_MS, lease);

    return status == SPRINT_OK ? NULL : explain("sprint_pool_acquire", status);
}

static void sprint_release(uint64_t lease) {
    lib.sprint_conn_release(lease);
}

static const char *sprint_cycle(const struct lender *l) {
    sprint_conn conn;
    const char *failure = sprint_acquire(l, &conn);

    if (failure == NULL)
        lib.sprint_conn_release(conn);
    return failure;
}

static const char *open_pool(struct lender *l) {
    sprint_config config = 0;
    sprint_status status;
    const char *failure = NULL;

    if (lib.sprint_init == NULL &&
        sprint_dl_load(surroundings.sprint_lib, &lib, l->why, sizeof l->why) != SPRINT_OK)
        return l->why;
    if ((status = lib.sprint_config_new(surroundings.tls_address, &config)) != SPRINT_OK ||
        (status = lib.sprint_config_set_str(config, SPRINT_OPT_CA_FILE, surroundings.ca_file)) !=
            SPRINT_OK ||
        (status = lib.sprint_config_set_int(config, SPRINT_OPT_MAX_CONNECTIONS,
                                            l->load.connections)) != SPRINT_OK ||
        (status = lib.sprint_config_set_int(config, SPRINT_OPT_MAX_WAITERS, l->load.callers)) !=
            SPRINT_OK ||
        (status = lib.sprint_config_set_int(config, SPRINT_OPT_MIN_IDLE, 0)) != SPRINT_OK ||
        (status = lib.sprint_pool_new(config, &l->pool)) != SPRINT_OK ||
        (status = lib.sprint_pool_warm_up(l->pool, (uint32_t)l->load.connections, PATIENCE_MS)) !=
            SPRINT_OK)
        failure = explain("making a pool", status);
    lib.sprint_config_free(config);
    return failure;
}

void enter_sprint(struct contest_case *k, const struct load *load) {
    struct lender *l = new_lender(load);
    const char *failure = open_pool(l);

    l->cycle = sprint_cycle;
    l->acquire = sprint_acquire;
    l->release = sprint_release;
    if (failure != NULL && failure != l->why)
        snprintf(l->why, sizeof l->why, "%s", failure);
    enter_threads(k, l, "sprint", "");
}

/* ----------------------------------------------------------------------- Rust */

static struct {
    void *(*open)(const char *kind, int connections, int check, const char *address, char *why,
                  size_t room);
    int (*cycle)(void *pool);
    void *(*acquire)(void *pool);
    void (*release)(void *lease);
    int (*block)(void *pool, int callers, int ops);
    int (*collect)(void *pool, int callers, double *samples, int count, int hold_us);
} rust;

static int load_rust(char *why, size_t room) {
    void *library;

    if (rust.open != NULL)
        return 0;
    library = dlopen(surroundings.rust_lib, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !resolve(library, "rustpools_cycle", &rust.cycle) ||
        !resolve(library, "rustpools_acquire", &rust.acquire) ||
        !resolve(library, "rustpools_release", &rust.release) ||
        !resolve(library, "rustpools_block", &rust.block) ||
        !resolve(library, "rustpools_collect", &rust.collect) ||
        !resolve(library, "rustpools_open", &rust.open)) {
        snprintf(why, room, "%s", dlerror());
        return -1;
    }
    return 0;
}

static void *pool_of(const struct lender *l) {
    return (void *)(uintptr_t)l->pool;
}

static const char *r2d2_cycle(const struct lender *l) {
    return rust.cycle(pool_of(l)) == 0 ? NULL : "r2d2: no connection";
}

static const char *r2d2_acquire(const struct lender *l, uint64_t *lease) {
    *lease = (uint64_t)(uintptr_t)rust.acquire(pool_of(l));
    return *lease != 0 ? NULL : "r2d2: no connection";
}

static void r2d2_release(uint64_t lease) {
    rust.release((void *)(uintptr_t)lease);
}

static const char *task_block(void *state) {
    const struct lender *l = state;

    return rust.block(pool_of(l), l->load.callers, l->load.ops) == 0 ? NULL : "no connection";
}

static const char *task_collect(void *state, double *samples, int room) {
    const struct lender *l = state;

    return rust.collect(pool_of(l), l->load.callers, samples, room, HOLD_US) == 0 ? NULL
                                                                                  : "no connection";
}

void enter_rust(struct contest_case *k, const struct load *load, const char *kind, int check) {
    struct lender *l = new_lender(load);
    struct contender *e;
    char *name;

    if (load_rust(l->why, sizeof l->why) == 0)
        l->pool = (uintptr_t)rust.open(kind, load->connections, check, surroundings.tcp_address,
                                       l->why, sizeof l->why);
    if (asprintf(&name, "%s%s", kind, check ? "" : "_nocheck") < 0)
        abort();
    if (strcmp(kind, "r2d2") == 0) {
        l->cycle = r2d2_cycle;
        l->acquire = r2d2_acquire;
        l->release = r2d2_release;
        enter_threads(k, l, name, NULL);
        return;
    }
    e = contest_enter(k, name, NULL, task_block, l, l->why);
    e->collect = task_collect;
    e->ops = load->callers * load->ops;
}
