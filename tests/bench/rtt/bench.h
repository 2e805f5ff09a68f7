/* bench.h - what is measured, and how it is told to people and to programs. */
#ifndef RTT_BENCH_H
#define RTT_BENCH_H

#include <stdint.h>
#include <stdio.h>

#include "figures.h"
#include "stack.h"

enum { MAX_PEERS = 8, MAX_CASES = 4 };

struct bench_case {
    const char *name;
    size_t size;
    long gap_us; /**< silence before each operation */
    int rounds;  /**< operations per peer, interleaved, for the percentiles */
    int cpu_ops; /**< operations per peer, in one block, for the CPU time */
};

struct entrant {
    const struct stack *stack;
    void *session;
    int missing; /**< could not be opened, or failed: why says why */
    char why[256];
};

struct bench {
    const char *name;
    struct entrant entrants[MAX_PEERS];
    int peers;
    struct bench_case cases[MAX_CASES];
    int case_count;
    int repeats;
    uint64_t seed;
    struct figures figures[MAX_CASES][MAX_PEERS][MAX_REPEATS];
};

void report_table(const struct bench *b, FILE *to);
void report_json(const struct bench *b, FILE *to);

#endif
