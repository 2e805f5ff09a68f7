/* soak.h - pools that are used for long, faults that come every second, and what may not grow. */
#ifndef SOAK_H
#define SOAK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "sprint.h"

enum {
    POOLS = 4,
    THREADS_PER_POOL = 16,
    MAX_CONNECTIONS = 12, /* fewer than threads: they wait in line */
    MIN_IDLE = 2,
    BUDGET_MS = 2000, /* of an acquire, and then of a request, while a fault may be felt */
    CALM_MS = 10000,  /* the same where there is none: more than any machine needs */
    STUCK_MS = 30000, /* what no call may take, however busy the machine is */
    COOLDOWN_MS = 1000,
    TAIL_MS = 5000, /* after a fault: then its pool is whole */
    GARBLED = 0,    /* the "status" of an answer that is not the echo */
    KINDS = 32,     /* a status is -1 and so on; its kind is the number without its sign */
};

/** A pool, its relay, and what its callers met. */
struct group {
    const char *address, *control, *dir; /* of the relay */
    char metrics[32];                    /* where its metrics are served */
    sprint_pool pool;
    atomic_long good, leases, errors[KINDS], slowest_ms;
    _Atomic int64_t
        allowed_until[KINDS];    /* errors of a kind, of calls begun by then, in now_ms() */
    pthread_rwlock_t asking;     /* held, for reading, by each call */
    _Atomic int64_t hurry_until; /* calls begun by then have BUDGET_MS */
    atomic_int fault;            /* the last one that was put */
};

extern struct group groups[POOLS];

/** Say what is wrong, in the form of printf; the soak fails. */
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** How often. */
int wrongs(void);

/** Start 64 threads that lease, ask, check and give back; false if one could not be started. */
int traffic_start(void);
/** Have all threads wait with nothing in their hands; returns when they do. */
void traffic_park(void);
void traffic_go_on(void);
/** End all threads and wait for them. */
void traffic_end(void);

/** Put the next fault: on one pool, or on all; its errors are allowed from now on. */
void fault_put(int second);
/** What a fault does once, done once more. */
void fault_again(void);
/** Take it off; its errors are allowed for TAIL_MS more. */
void fault_heal(void);
/** Count an error of a call that began then, under this fault; say so if no fault explains it. */
void fault_error(struct group *g, int fault, int kind, const char *what, int64_t began);
/** The table of faults. */
void fault_table(void);

/** What a process has at a moment. */
struct sample {
    long rss_kib, fds, threads, goroutines;
};

/** Look at this process and scrape every pool. */
struct sample watch_now(void);
/** Keep a sample of the time under faults. */
void watch_keep(struct sample s);
/** The last quarter of the kept samples must be as the first. */
void watch_quarters(void);
/** At rest after the faults the process must come to what it had at rest before. */
void watch_rests(struct sample before);
void watch_print(const char *when, struct sample s);

#endif
