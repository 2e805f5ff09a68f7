/* inside.c - threads that are inside one call which does not end by itself. */
#define _GNU_SOURCE
#include "inside.h"

#include <stdlib.h>

#include "check.h"
#include "support.h"

static void *call_once(void *arg) {
    struct caller *c = arg;

    c->status = c->call(c);
    return NULL;
}

void caller_start(struct caller *c, sprint_status (*call)(struct caller *), int (*inside)(void *)) {
    c->call = call;
    CHECK(pthread_create(&c->thread, NULL, call_once, c) == 0);
    CHECK(eventually(inside, c));
}

/* is_reading() and is_writing() look by calling: the thread tries again if they were
 * there first. */
sprint_status read_for_long(struct caller *c) {
    sprint_status status;
    char buf[16];
    size_t n;

    do
        status = sprint_conn_read(c->conn, buf, sizeof buf, LONG_MS, &n);
    while (status == SPRINT_E_STATE);
    return status;
}

sprint_status write_for_long(struct caller *c) {
    char *out = calloc(LONG_WRITE, 1);
    sprint_status status;

    do
        status = sprint_conn_write(c->conn, out, LONG_WRITE, LONG_MS);
    while (status == SPRINT_E_STATE);
    free(out);
    return status;
}

sprint_status acquire_for_long(struct caller *c) {
    sprint_conn conn = 77;
    sprint_status status = sprint_pool_acquire(c->pool, LONG_MS, &conn);

    CHECK(status == SPRINT_OK || conn == 0);
    sprint_conn_release(conn);
    return status;
}

int is_reading(void *caller) {
    struct caller *c = caller;
    char buf[1];
    size_t n;

    return sprint_conn_try_read(c->conn, buf, sizeof buf, &n) == SPRINT_E_STATE;
}

int is_writing(void *caller) {
    struct caller *c = caller;
    size_t n;

    /* 0 bytes: before the writer has begun this changes nothing. */
    return sprint_conn_try_write(c->conn, NULL, 0, &n) == SPRINT_E_STATE;
}

int is_waiting(void *caller) {
    return stats_of(((struct caller *)caller)->pool).waiting == 1;
}

int is_dialing(void *caller) {
    return stats_of(((struct caller *)caller)->pool).dialing == 1;
}
