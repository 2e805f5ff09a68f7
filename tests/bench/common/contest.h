/*
 * contest.h - ours beside its peers, operation by operation, in one process.
 *
 * A benchmark describes its cases and calls contest_run(). In each round every
 * contender of the case gives one sample, in a new random order: on a shared machine a
 * fixed order flatters whoever runs after one that left the core awake and the caches
 * warm. A sample is the mean of a batch that is long enough for the clock, so of one
 * operation of a slow contender and of many of a fast one.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include <stdint.h>

#include "figures.h"

enum {
    MAX_CASES = 16,
    MAX_CONTENDERS = 10,
    MAX_TARGETS = 8,
    MAX_CREW = 4,
    MAX_VERSIONS = 10,
    MAX_FACTS = 64
};

/** One operation. NULL, or what went wrong, valid until the next failure on the thread. */
typedef const char *operation(void *state);

/** As many operations as there is room for, each one's nanoseconds into samples. */
typedef const char *collection(void *state, double *samples, int room);

struct contender {
    const char *name;
    const char
        *variant; /**< of ours: the mode measured, "" if there is one only; of a peer: NULL */
    operation *operate;
    collection *collect;   /**< NULL, or what is called instead in a case with a crowd */
    void *state[MAX_CREW]; /**< one for each thread of the case */
    int ops;               /**< operations in one call of operate: 1 if not set */
    operation *begin;      /**< for each state before its case is measured, or NULL */
    operation *end;        /**< and after it */
    char missing[256];     /**< empty, or why it is not measured */

    /* Set by contest_run(). */
    long batch; /**< operations in a sample */
    struct figures figures[MAX_REPEATS];
};

/** What ours / peer is to come to, at most; without a peer, ours p99 / ours p50. */
struct target {
    const char *variant, *peer;
    enum figure figure;
    double ratio;
};

/** A single measured value that is no operation, and what it may come to. */
struct fact {
    const char *name, *unit;
    double value, limit; /**< limit NAN: none */
};

struct contest_case {
    const char *name;
    int rounds;  /**< samples of each contender in a repeat */
    int threads; /**< 1, or up to MAX_CREW that operate at the same time */
    int crowd;   /**< 0, or how many samples a contender collects at a time */
    long cpu_us; /**< how long the CPU time is taken for: 10 ms if not set */
    struct contender contenders[MAX_CONTENDERS];
    int count;
    struct target targets[MAX_TARGETS];
    int target_count;
};

struct contest {
    const char *name, *title;
    struct contest_case cases[MAX_CASES];
    int count;
    struct {
        const char *name, *text;
    } versions[MAX_VERSIONS];
    int version_count;
    struct fact facts[MAX_FACTS];
    int fact_count;

    int repeats;         /**< from the command line */
    int percent;         /**< of the rounds that a case asks for */
    uint64_t seed;       /**< of every order */
    const char *json;    /**< where to write, or NULL */
    uint64_t random_now; /**< seed, moved on */
};

/**
 * Read --json FILE, --percent N, --repeats N and --seed N.
 *
 * @return index of the first argument that is no option, or -1 after a message
 */
int contest_options(struct contest *c, int argc, char **argv);

/** A new case; its name must stay valid. */
struct contest_case *contest_case(struct contest *c, const char *name, int rounds, int threads);

/**
 * A new contender whose threads all get state; fields may be set until contest_run().
 *
 * @param variant  NULL for a peer
 * @param missing  NULL or empty, or why there is nothing to measure; copied
 */
struct contender *contest_enter(struct contest_case *k, const char *name, const char *variant,
                                operation *operate, void *state, const char *missing);

/** At p50. */
void contest_target(struct contest_case *k, const char *variant, const char *peer, double ratio);

/** peer NULL: p99 / p50 of ours. */
void contest_target_of(struct contest_case *k, const char *variant, const char *peer,
                       enum figure figure, double ratio);

/** Name and unit must stay valid. */
void contest_fact(struct contest *c, const char *name, const char *unit, double value,
                  double limit);

void contest_version(struct contest *c, const char *name, const char *text);

/** Measure all cases and report. 0, or 1 if anything is missing. Speed never fails it. */
int contest_run(struct contest *c);

/** Whether nothing has gone wrong with it. */
int contest_measured(const struct contender *e);

/** To stdout, and to stderr what is missing. */
void contest_table(const struct contest *c);

/** To c->json. 0, or -1 after a message. */
int contest_json(const struct contest *c);

#endif
