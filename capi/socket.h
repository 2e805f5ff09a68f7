/* Waiting for a socket on the host's own thread, up to one absolute deadline: on Linux. */
#ifndef SPRINT_SOCKET_H
#define SPRINT_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

#include "handle.h"
#include "wait.h"

enum { SPRINT_WAIT_TIMEOUT = -1, SPRINT_WAIT_ERRNO = -2 };

/* recv(2) that waits: bytes, 0 at a FIN, or SPRINT_WAIT_*, with errno for the latter. */
ssize_t sprint_wait_recv(struct sprint_lease *lease, void *buf, size_t cap,
                         struct sprint_deadline *deadline);

/* poll(2) for events until one is there: its revents, or SPRINT_WAIT_*. */
int sprint_wait_poll(int fd, short events, const struct sprint_deadline *deadline);

#endif
