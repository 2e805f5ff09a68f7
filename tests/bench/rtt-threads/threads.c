/*
 * threads.c - echoes of many threads at once, each on a connection of its own: a trading engine
 * with a thread for each venue. There are far more threads than cores, so each waits for the
 * others; what counts is that no one waits long, to which a runtime with a scheduler of its own
 * adds some. The contenders take turns, one crowd at a time.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "crowd.h"
#include "rounds.h"
#include "stack.h"

enum { THREADS = 32, SIZE = 64, TURN = THREADS * 200, ROUNDS = 6 * TURN };

static struct contest contest = {
    .name = "rtt-threads",
    .title = "echo on loopback, TLS 1.3, blocking threads",
};

struct engine {
    const struct stack *stack;
    void *sessions[THREADS];
    struct crowd *crowd;
    double *samples;         /* of the turn under way */
    int each;                /* of them by each thread */
    double longest[THREADS]; /* of all turns, ns */
    double *longest_ms;      /* of all threads: the fact */
};

/* The first echo is left out: the others are not there yet, or it is a warm-up. */
static const char *echoes(void *state, int thread) {
    struct engine *e = state;
    double *mine = e->samples + thread * e->each, took;
    unsigned char out[SIZE], in[SIZE];
    const char *failure;
    uint64_t started;
    int i;

    for (i = -1; i < e->each; i++) {
        memset(out, thread + i, sizeof out);
        started = now_ns();
        failure = stack_roundtrip(e->stack, e->sessions[thread], out, in, sizeof out);
        took = (double)(now_ns() - started);
        if (failure == NULL && memcmp(in, out, sizeof in) != 0)
            failure = "the echo differs from what was sent";
        if (failure != NULL)
            return failure;
        if (i >= 0) {
            mine[i] = took;
            e->longest[thread] = fmax(e->longest[thread], took);
        }
    }
    return NULL;
}

static const char *collect(void *state, double *samples, int room) {
    struct engine *e = state;
    const char *failure;
    int t;

    e->samples = samples;
    e->each = room / THREADS;
    failure = crowd_run(e->crowd, echoes, e);
    for (t = 0; t < THREADS; t++)
        *e->longest_ms = fmax(*e->longest_ms, e->longest[t] / 1e6);
    return failure;
}

static const char *open_sessions(struct engine *e, const struct surroundings *at) {
    const char *failure = NULL;
    int t;

    for (t = 0; t < THREADS && failure == NULL; t++) {
        failure = e->stack->connect(at, &e->sessions[t]);
        if (failure == NULL)
            failure = e->stack->write(e->sessions[t], ECHO_LINE, sizeof ECHO_LINE - 1);
    }
    return failure;
}

static void enter(struct contest_case *k, const struct stack *stack, const char *longest,
                  const struct surroundings *at) {
    struct engine *e = calloc(1, sizeof *e);
    const char *missing;

    if (e == NULL)
        abort();
    e->stack = stack;
    e->crowd = crowd_start(THREADS);
    missing = open_sessions(e, at);
    contest_enter(k, stack->name, stack == &stack_sprint ? "" : NULL, NULL, e, missing)->collect =
        collect;
    if (missing == NULL)
        contest_version(&contest, stack->name, stack->version());
    e->longest_ms = &contest.facts[contest.fact_count].value;
    contest_fact(&contest, longest, "ms", 0, NAN);
}

int main(int argc, char **argv) {
    int first = contest_options(&contest, argc, argv);
    struct surroundings at;
    struct contest_case *k;

    if (first < 0 || argc - first != 4) {
        fprintf(stderr, "usage: see tests/bench/tls/run\n");
        return 2;
    }
    argv += first;
    at = (struct surroundings){.tls_address = argv[0], .ca_file = argv[1], .sprint_lib = argv[2]};
    k = contest_case(&contest, "32 threads, 64 B", ROUNDS, 1);
    k->crowd = TURN < k->rounds ? TURN : k->rounds;
    enter(k, &stack_sprint, "longest echo of 32 threads, libsprint", &at);
    enter(k, &stack_openssl, "longest echo of 32 threads, openssl", &at);
    return contest_run(&contest);
}
