/* rounds.h - the clocks, and the order in which contenders take their turns. */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <stdint.h>

/** Monotonic wall clock. */
uint64_t now_ns(void);

/** User + system time of the whole process. */
uint64_t cpu_ns(void);

/** Sleep; 0 returns at once. */
void silence(long us);

/** Wait until the process is seen idle: helper threads of runtimes have stopped spinning. */
void settle(void);

/** xorshift64 (Marsaglia 2003), state not 0: orders and sizes must be unbiased, not secret. */
uint64_t next_random(uint64_t *state);

/** Fill order with 0..count-1 in a random order. */
void random_order(uint64_t *state, int *order, int count);

#endif
