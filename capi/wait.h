/* Waiting for a socket on the host's own thread, up to one absolute deadline. */
#ifndef SPRINT_WAIT_H
#define SPRINT_WAIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "handle.h"

struct sprint_deadline {
    int64_t start; /* CLOCK_MONOTONIC in ns, when the call began */
    int64_t limit; /* ns after start; < 0: none */
    bool waited;   /* some of it has passed */
};

int64_t sprint_now(void);

/* A deadline timeout_ms from now; < 0 none, 0 at once. */
struct sprint_deadline sprint_deadline_in(int64_t timeout_ms);

/* The same deadline as one that starts now. */
struct sprint_deadline sprint_deadline_rest(const struct sprint_deadline *deadline);

enum { SPRINT_WAIT_TIMEOUT = -1, SPRINT_WAIT_ERRNO = -2 };

/* recv(2) that waits: bytes, 0 at a FIN, or SPRINT_WAIT_*, with errno for the latter. */
ssize_t sprint_wait_recv(struct sprint_lease *lease, void *buf, size_t cap,
                         struct sprint_deadline *deadline);

/* Wait until the bell is rung or the instant until, on CLOCK_MONOTONIC, has passed, and
 * silence it. May return early. */
void sprint_wait_bell(_Atomic uint32_t *bell, int64_t until);

/* Wake who waits for a bell that is set; NULL is none. */
void sprint_wait_ring(uint32_t *bell);

/* poll(2) for events until one is there: its revents, or SPRINT_WAIT_*. */
int sprint_wait_poll(int fd, short events, const struct sprint_deadline *deadline);

#endif
