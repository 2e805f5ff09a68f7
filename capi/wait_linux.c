#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

/* Below this a kernel timer of a tick, up to 8 ms late, is too coarse. */
#define COARSE (100 * MS)

int64_t sprint_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* Set SO_RCVTIMEO, if it is not set so: 0 waits for ever. */
static void set_rcvtimeo(struct sprint_lease *lease, uint32_t ms) {
    if (lease->rcvtimeo_ms == ms)
        return;
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    if (setsockopt(lease->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0)
        lease->rcvtimeo_ms = ms;
}

/* One attempt that waits for at most left ns, or for ever if left < 0. */
static ssize_t attempt(struct sprint_lease *lease, void *buf, size_t cap, int64_t left) {
    int64_t ms = left / MS;
    if (left < 0 || (left >= COARSE && ms < UINT32_MAX)) {
        set_rcvtimeo(lease, left < 0 ? 0 : (uint32_t)ms);
        return recv(lease->fd, buf, cap, 0);
    }
    if (left > 0) {
        struct pollfd p = {.fd = lease->fd, .events = POLLIN};
        struct timespec t = {.tv_sec = left / SECOND, .tv_nsec = left % SECOND};
        ppoll(&p, 1, &t, NULL); /* recv tells what came of it */
    }
    return recv(lease->fd, buf, cap, MSG_DONTWAIT);
}

static ssize_t spin(struct sprint_lease *lease, void *buf, size_t cap) {
    int64_t until = sprint_now() + (int64_t)lease->busy_poll_us * 1000;
    ssize_t n;
    do
        n = recv(lease->fd, buf, cap, MSG_DONTWAIT);
    while (n < 0 && (errno == EAGAIN || errno == EINTR) && sprint_now() < until);
    return n;
}

static ssize_t wait_recv(struct sprint_lease *lease, void *buf, size_t cap,
                         struct sprint_deadline *d) {
    /* The first wait of a call takes the limit as it was given: the clock was read when
     * the call began. */
    int64_t left = d->waited && d->limit >= 0 ? sprint_deadline_left(d, sprint_now()) : d->limit;
    d->waited = true;
    if (lease->busy_poll_us > 0 && left != 0) {
        ssize_t n = spin(lease, buf, cap);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            return n < 0 ? SPRINT_WAIT_ERRNO : n;
        left = d->limit < 0 ? -1 : sprint_deadline_left(d, sprint_now());
    }
    for (;;) {
        if (d->limit >= 0 && left < 0)
            left = 0; /* a last look */
        ssize_t n = attempt(lease, buf, cap, left);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EINTR)
            return SPRINT_WAIT_ERRNO;
        if (d->limit >= 0) {
            if (left == 0)
                return SPRINT_WAIT_TIMEOUT;
            left = sprint_deadline_left(d, sprint_now());
            if (left <= 0)
                return SPRINT_WAIT_TIMEOUT;
        }
    }
}

ssize_t sprint_wait_recv(struct sprint_lease *lease, void *buf, size_t cap,
                         struct sprint_deadline *d) {
    int cancel = sprint_thread_hold();
    ssize_t n = wait_recv(lease, buf, cap, d);
    sprint_thread_let_go(cancel);
    return n;
}

static int wait_poll(int fd, short events, const struct sprint_deadline *d) {
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        struct timespec t, *limit = NULL;
        if (d->limit >= 0) {
            int64_t left = sprint_deadline_left(d, sprint_now());
            if (left < 0)
                left = 0;
            t = (struct timespec){.tv_sec = left / SECOND, .tv_nsec = left % SECOND};
            limit = &t;
        }
        int n = ppoll(&p, 1, limit, NULL);
        if (n > 0)
            return p.revents;
        if (n == 0)
            return SPRINT_WAIT_TIMEOUT;
        if (errno != EINTR)
            return SPRINT_WAIT_ERRNO;
    }
}

int sprint_wait_poll(int fd, short events, const struct sprint_deadline *d) {
    int cancel = sprint_thread_hold();
    int n = wait_poll(fd, events, d);
    sprint_thread_let_go(cancel);
    return n;
}

/* Not poll(), which is a point where the host's thread may be cancelled. */
bool sprint_wait_silent(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
#ifdef SYS_poll
    return syscall(SYS_poll, &p, 1, 0) == 0;
#else
    struct timespec at_once = {0};
    return syscall(SYS_ppoll, &p, 1, &at_once, NULL, 0) == 0;
#endif
}

void sprint_wait_bell(_Atomic uint32_t *bell, int64_t until) {
    struct timespec t = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};
    /* FUTEX_WAIT_BITSET, as FUTEX_WAIT, but its limit is an instant. */
    if (atomic_load(bell) == 0)
        syscall(SYS_futex, bell, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY);
    atomic_store(bell, 0);
}

void sprint_wait_ring(uint32_t *bell) {
    if (bell)
        syscall(SYS_futex, bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
