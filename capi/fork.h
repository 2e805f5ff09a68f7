/* A process forked after the library was loaded has one thread and a Go runtime that
 * expects more: calls would hang. They are refused instead. */
#ifndef SPRINT_FORK_H
#define SPRINT_FORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../include/sprint.h"

extern const _Atomic uint32_t *sprint_fork_mark;
extern bool sprint_fork_seen;

/* Whether this is a forked child. */
static inline bool sprint_forked(void) {
    return __builtin_expect(
        sprint_fork_seen || atomic_load_explicit(sprint_fork_mark, memory_order_relaxed) == 0, 0);
}

/* SPRINT_E_FORKED with its text, counted. */
sprint_status sprint_refuse_forked(void);

/* Calls refused in forked children of this process. */
uint64_t sprint_forks_refused(void);

#endif
