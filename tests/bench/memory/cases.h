/* cases.h - what the memory benchmark measures. */
#ifndef MEMORY_CASES_H
#define MEMORY_CASES_H

#include <stddef.h>

#include "contest.h"

/** Zeros, to live as long as the process. */
void *new_state(size_t size);

/** One size again and again, with nothing else alive and with some more of it. */
void enter_allocations(struct contest *c);

/** Sizes from 1 byte to 64 KiB on four threads. */
void enter_random_sizes(struct contest *c);

#endif
