/* go.c - pools used by goroutines; golease/main.go is the other side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lender.h"
#include "symbol.h"

static struct {
    int (*open)(const char *kind, int callers, int connections, const char *tls_address,
                const char *tcp_address, const char *ca_file, char *why, size_t room);
    int (*block)(int handle, int ops, char *why, size_t room);
    int (*collect)(int handle, double *samples, int count, int hold_us, char *why, size_t room);
    double (*allocations)(int handle);
    void (*version)(const char *module, char *text, size_t room);
} lib;

enum { MAX_LENDERS = 32 };

static struct go_lender {
    int handle, ops;
    const struct contest_case *in;
    const struct contender *contender;
    char why[256];
} lenders[MAX_LENDERS];
static int count;

static int load_library(char *why, size_t room) {
    void *library;

    if (lib.open != NULL)
        return 0;
    library = dlopen(surroundings.go_lib, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !resolve(library, "golease_block", &lib.block) ||
        !resolve(library, "golease_collect", &lib.collect) ||
        !resolve(library, "golease_allocations", &lib.allocations) ||
        !resolve(library, "golease_version", &lib.version) ||
        !resolve(library, "golease_open", &lib.open)) {
        snprintf(why, room, "%s", dlerror());
        return -1;
    }
    return 0;
}

static const char *block(void *state) {
    struct go_lender *l = state;

    return lib.block(l->handle, l->ops, l->why, sizeof l->why) == 0 ? NULL : l->why;
}

static const char *collect(void *state, double *samples, int room) {
    struct go_lender *l = state;

    return lib.collect(l->handle, samples, room, HOLD_US, l->why, sizeof l->why) == 0 ? NULL
                                                                                      : l->why;
}

void enter_go(struct contest_case *k, const struct load *load, const char *kind,
              const char *variant) {
    struct go_lender *l = &lenders[count++];
    struct contender *e;

    if (count > MAX_LENDERS)
        abort();
    l->ops = load->ops;
    l->in = k;
    if (load_library(l->why, sizeof l->why) == 0)
        l->handle = lib.open(kind, load->callers, load->connections, surroundings.tls_address,
                             surroundings.tcp_address, surroundings.ca_file, l->why, sizeof l->why);
    e = contest_enter(k, variant != NULL ? "sprint" : kind, variant, block, l, l->why);
    e->collect = collect;
    e->ops = load->callers * load->ops;
    l->contender = e;
}

void note_allocations(struct contest *c) {
    struct go_lender *l;
    char *name;
    int ours;

    for (l = lenders; l < lenders + count; l++) {
        if (l->in->crowd > 0 || !contest_measured(l->contender))
            continue;
        ours = l->contender->variant != NULL;
        if (asprintf(&name, "%s: %s%s%s: allocations", l->in->name, l->contender->name,
                     ours ? ", " : "", ours ? l->contender->variant : "") < 0)
            abort();
        /* Blocks start goroutines, which is less than a hundredth of an object each. */
        contest_fact(c, name, "per operation", floor(lib.allocations(l->handle) * 100) / 100,
                     ours ? 0 : NAN);
    }
}

void note_versions(struct contest *c) {
    static char puddle[64], redis[64];

    if (lib.version == NULL)
        return;
    lib.version("github.com/jackc/puddle/v2", puddle, sizeof puddle);
    lib.version("github.com/redis/go-redis/v9", redis, sizeof redis);
    contest_version(c, "puddle", puddle);
    contest_version(c, "goredis", redis);
}
