/* crew.h - threads that operate at the same time for a while. */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <stdint.h>

#include "contest.h"

/** The threads live for the whole run: a new one would pay for its first call into Go. */
void crew_start(void);
void crew_stop(void);

/**
 * Let threads operate, each on its own state, for about us microseconds.
 *
 * @param[out] elapsed_ns  from the crew's wake-up to the end of the last operation
 * @param[out] failure     what went wrong, valid until the next failure; NULL: nothing
 * @return operations done by all of them, 1 at least
 */
long crew_work(operation *operate, void *const *state, int threads, long us, uint64_t *elapsed_ns,
               const char **failure);

#endif
