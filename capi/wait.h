/* Deadlines, and waiting in line on the host's own thread. */
#ifndef SPRINT_WAIT_H
#define SPRINT_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sprint_deadline {
    int64_t start; /* on the clock of sprint_now(), when the call began */
    int64_t limit; /* ns after start; < 0: none */
    bool waited;   /* some of it has passed */
};

/* ns of a clock that never goes back: CLOCK_MONOTONIC, on Windows the performance counter. */
int64_t sprint_now(void);

/* A deadline timeout_ms from now; < 0 none, 0 at once. */
struct sprint_deadline sprint_deadline_in(int64_t timeout_ms);

/* What is left, in ns, of a deadline that has a limit, as of now; < 0: it has passed. */
int64_t sprint_deadline_left(const struct sprint_deadline *deadline, int64_t now);

/* The same deadline as one that starts now. */
struct sprint_deadline sprint_deadline_rest(const struct sprint_deadline *deadline);

/* Wait until the bell is rung or the instant until, on the clock of sprint_now(), has passed,
 * and silence it. May return early. */
void sprint_wait_bell(_Atomic uint32_t *bell, int64_t until);

/* Wake who waits for a bell that is set; NULL is none. */
void sprint_wait_ring(uint32_t *bell);

/* Whether a socket has nothing to say: no bytes, no end, no error. Does not wait. */
bool sprint_wait_silent(int fd);

#endif
