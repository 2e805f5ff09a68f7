/* The bytes of a lease: where waiting for them happens differs. On Linux the host's thread
 * waits on the socket, in C; on Windows it waits in Go's poller. Callers are the only reader
 * or writer of the slot they have pinned. */
#ifndef SPRINT_STREAM_H
#define SPRINT_STREAM_H

#include <stddef.h>

#include "handle.h"
#include "wait.h"

/* Receive at least one byte, or n = 0 for close_notify. */
sprint_status sprint_stream_read(struct sprint_slot *slot, void *buf, size_t cap,
                                 struct sprint_deadline *deadline, size_t *n);

/* Send all of data, and what is unsent. */
sprint_status sprint_stream_write(struct sprint_slot *slot, const void *data, size_t len,
                                  struct sprint_deadline *deadline);

/* Receive, or send, what can be had without waiting. */
sprint_status sprint_stream_try_read(struct sprint_slot *slot, void *buf, size_t cap, size_t *n);
sprint_status sprint_stream_try_write(struct sprint_slot *slot, const void *data, size_t len,
                                      size_t *n);

/* Send what the socket takes now of what is unsent. */
sprint_status sprint_stream_flush(struct sprint_slot *slot);

/* What ended a wait on a lease that was given up meanwhile is not the peer's doing. */
sprint_status sprint_given_up(void);

#endif
