/* lender.h - pools that lease connections, each behind the same few functions. */
#ifndef LEASE_LENDER_H
#define LEASE_LENDER_H

#include "contest.h"

/** What all pools connect to, and where they are loaded from. */
struct surroundings {
    const char *sprint_lib, *go_lib, *rust_lib;
    const char *tls_address, *tcp_address, *ca_file;
};

extern struct surroundings surroundings;

/** One case: so many callers on so many connections. */
struct load {
    int callers, connections;
    int ops; /**< cycles of each caller in one operation */
};

/** How long a caller holds its lease in the cases that collect waits. */
enum { HOLD_US = 1000 };

/** Goroutines on pools of Go: ours by its package, with and without the probe, and peers. */
void enter_go(struct contest_case *k, const struct load *load, const char *kind,
              const char *variant);

/** Objects that Go allocates in one acquire and release, of all that were entered. */
void note_allocations(struct contest *c);

/** Threads on libsprint. */
void enter_sprint(struct contest_case *k, const struct load *load);

/** Threads on r2d2, tasks on bb8 and deadpool. */
void enter_rust(struct contest_case *k, const struct load *load, const char *kind, int check);

/** Versions of the peers. */
void note_versions(struct contest *c);

#endif
