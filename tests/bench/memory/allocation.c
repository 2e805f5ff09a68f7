/* allocation.c - the cases in which memory is got and given back. */
#include <stdlib.h>

#include "allocator.h"
#include "cases.h"
#include "rounds.h"

void *new_state(size_t size) {
    void *state = calloc(1, size);

    if (state == NULL)
        abort();
    return state;
}

/* ---------------------------------------------------------- allocate and free */

/*
 * A buddy allocator such as OpenSSL's splits its whole arena when that is empty, and has
 * a fitting block at hand when an odd number is alive: its worst case and its best.
 */
enum { HELD = 15 };

struct one_size {
    const struct allocator *from;
    size_t size;
    int others; /* of the same size, that are alive meanwhile */
    uint64_t held[HELD];
};

static const char *hold_others(void *state) {
    struct one_size *s = state;
    const char *why = NULL;
    int i;

    for (i = 0; i < s->others && why == NULL; i++)
        why = s->from->alloc(s->from, s->size, &s->held[i]);
    return why;
}

static const char *free_others(void *state) {
    struct one_size *s = state;
    int i;

    for (i = 0; i < s->others; i++)
        s->from->free(s->held[i], s->size);
    return NULL;
}

static const char *alloc_free(void *state) {
    const struct one_size *s = state;
    uint64_t object;
    const char *why = s->from->alloc(s->from, s->size, &object);

    if (why == NULL)
        s->from->free(object, s->size);
    return why;
}

static struct contest_case *enter_alloc_free(struct contest *c, const char *name, size_t size,
                                             int others, int rounds) {
    struct contest_case *k = contest_case(c, name, rounds, 1);
    struct contender *e;
    struct one_size *s;
    int i;

    for (i = 0; i < ALLOCATORS; i++) {
        if (i == SPRINT_NOACCESS)
            continue; /* strict until it is opened */
        s = new_state(sizeof *s);
        *s = (struct one_size){.from = &allocators[i], .size = size, .others = others};
        e = contest_enter(k, allocators[i].name, allocators[i].variant, alloc_free, s,
                          allocators[i].missing);
        e->begin = hold_others;
        e->end = free_others;
    }
    return k;
}

void enter_allocations(struct contest *c) {
    struct contest_case *k = enter_alloc_free(c, "alloc + free 32 B", 32, 0, 2000);

    contest_target(k, "strict", allocators[LIBSODIUM].name, 0.12);
    contest_target(k, "fast", allocators[OPENSSL].name, 0.10);
    enter_alloc_free(c, "alloc + free 4 KiB", 4096, 0, 2000);
    enter_alloc_free(c, "alloc + free 1 MiB", 1 << 20, 0, 300);
    enter_alloc_free(c, "32 B, 15 others alive", 32, HELD, 2000);
    enter_alloc_free(c, "4 KiB, 15 others alive", 4096, HELD, 2000);
}

/* -------------------------------------------------- random sizes, four threads */

enum { LIVE = 4, THREADS = 4 };

struct random_sizes {
    const struct allocator *from;
    uint64_t random;
    struct {
        uint64_t object;
        size_t size;
    } live[LIVE];
    char own_cache_line[64];
};

/* 1 byte to 64 KiB, each power of two as likely as the next. */
static size_t random_size(uint64_t *random) {
    uint64_t r = next_random(random);

    return 1 + ((r >> 8) & (((uint64_t)1 << (r % 17)) - 1));
}

/* One operation: a secret of some age goes and a new one comes. */
static const char *replace_one(void *state) {
    struct random_sizes *s = state;
    int i = (int)(next_random(&s->random) % LIVE);

    if (s->live[i].size != 0)
        s->from->free(s->live[i].object, s->live[i].size);
    s->live[i].size = random_size(&s->random);
    return s->from->alloc(s->from, s->live[i].size, &s->live[i].object);
}

static const char *free_all(void *state) {
    struct random_sizes *s = state;
    int i;

    for (i = 0; i < LIVE; i++) {
        if (s->live[i].size != 0)
            s->from->free(s->live[i].object, s->live[i].size);
        s->live[i].size = 0;
    }
    return NULL;
}

void enter_random_sizes(struct contest *c) {
    struct contest_case *k = contest_case(c, "random sizes, 4 threads", 30, THREADS);
    struct random_sizes *s;
    struct contender *e;
    int i, t;

    for (i = 0; i < ALLOCATORS; i++) {
        if (i == SPRINT_NOACCESS)
            continue;
        e = contest_enter(k, allocators[i].name, allocators[i].variant, replace_one, NULL,
                          allocators[i].missing);
        e->end = free_all;
        for (t = 0; t < THREADS; t++) {
            s = new_state(sizeof *s);
            s->from = &allocators[i];
            s->random = c->seed + (uint64_t)t; /* one stream of sizes for all */
            e->state[t] = s;
        }
    }
}
