/* inside.h - threads that are inside one call which does not end by itself. */
#ifndef TEST_INSIDE_H
#define TEST_INSIDE_H

#include <pthread.h>

#include "sprint.h"

struct caller {
    pthread_t thread;
    sprint_pool pool;
    sprint_conn conn;
    sprint_status status; /**< what the call returned, once the thread is joined */
    sprint_status (*call)(struct caller *c);
};

/** Start a thread that makes the call; returns once inside(c) holds. */
void caller_start(struct caller *c, sprint_status (*call)(struct caller *), int (*inside)(void *));

/** Bytes of write_for_long(): more than the sockets of a peer that does not read take. */
enum { LONG_WRITE = 32 << 20 };

/** The calls: up to a minute each, on c->conn or, acquiring, on c->pool. */
sprint_status read_for_long(struct caller *c);
sprint_status write_for_long(struct caller *c);
sprint_status acquire_for_long(struct caller *c);

/** Whether a thread is inside a read, a write, an acquire or a dial of this caller's. */
int is_reading(void *caller);
int is_writing(void *caller);
int is_waiting(void *caller);
int is_dialing(void *caller);

#endif
