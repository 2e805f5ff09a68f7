#include "stream.h"

#include <errno.h>
#include <poll.h>

#include "abi.h"
#include "socket.h"

/* Whether Go may have something to say although nothing new was received. */
static bool undrained(const struct sprint_lease *lease) {
    return !atomic_load_explicit(&lease->drained, memory_order_relaxed) ||
           atomic_load_explicit(&lease->unsent, memory_order_relaxed);
}

static void note(struct sprint_lease *lease, const struct sprint_io *io) {
    atomic_store_explicit(&lease->unsent, io->unsent > 0, memory_order_relaxed);
}

static sprint_status timed_out(struct sprint_slot *slot, bool writing, int64_t limit) {
    if (writing || limit > 0)
        return sprintgo_conn_timed_out(slot->index, writing, limit);
    return sprint_fail(SPRINT_E_TIMEOUT, "sprint: nothing to read now");
}

/* Decrypt len bytes of cipher, and what Go holds, into buf. */
static sprint_status decrypt(struct sprint_slot *slot, void *cipher, size_t len, int32_t end,
                             void *buf, size_t cap, int64_t now, size_t *n) {
    struct sprint_io io = {0};
    sprint_status status = sprintgo_conn_receive(slot->index, cipher, len, end, buf, cap, now, &io);
    atomic_store_explicit(&slot->lease.drained, io.drained, memory_order_relaxed);
    note(&slot->lease, &io);
    *n = (size_t)io.n;
    return status != SPRINT_OK && sprint_dying(slot) ? sprint_given_up() : status;
}

/* Wait for the socket to bring something while something is unsent: the answer may
 * depend on it. */
static sprint_status wait_both(struct sprint_slot *slot, struct sprint_deadline *deadline) {
    while (atomic_load_explicit(&slot->lease.unsent, memory_order_relaxed)) {
        int events = sprint_wait_poll(slot->lease.fd, POLLIN | POLLOUT, deadline);
        deadline->waited = true;
        if (events == SPRINT_WAIT_TIMEOUT)
            return SPRINT_E_TIMEOUT;
        if (events < 0 || (events & ~POLLOUT))
            return SPRINT_OK; /* recv tells */
        struct sprint_io io = {0};
        sprint_status status = sprintgo_conn_flush(slot->index, &io);
        if (status != SPRINT_OK)
            return status;
        note(&slot->lease, &io);
    }
    return SPRINT_OK;
}

sprint_status sprint_stream_read(struct sprint_slot *slot, void *buf, size_t cap,
                                 struct sprint_deadline *deadline, size_t *n) {
    struct sprint_lease *lease = &slot->lease;
    sprint_status status = SPRINT_E_WOULD_BLOCK;
    *n = 0;
    if (undrained(lease))
        status = decrypt(slot, NULL, 0, 0, buf, cap, deadline->start, n);
    if (status != SPRINT_E_WOULD_BLOCK)
        return status;
    void *cipher = sprint_thread_recv_buffer();
    if (!cipher)
        return sprint_fail(SPRINT_E_NOMEM, "sprint: read: no memory to receive into");
    do {
        status = wait_both(slot, deadline);
        if (status == SPRINT_E_TIMEOUT)
            return timed_out(slot, false, deadline->limit);
        if (status != SPRINT_OK)
            return status;
        ssize_t got = sprint_wait_recv(lease, cipher, SPRINT_RECV_SIZE, deadline);
        if (got == SPRINT_WAIT_TIMEOUT)
            return timed_out(slot, false, deadline->limit);
        int32_t end = got > 0 ? 0 : got == 0 ? SPRINT_END_FIN : errno;
        status = decrypt(slot, cipher, got > 0 ? (size_t)got : 0, end, buf, cap, sprint_now(), n);
    } while (status == SPRINT_E_WOULD_BLOCK);
    return status;
}

sprint_status sprint_stream_write(struct sprint_slot *slot, const void *data, size_t len,
                                  struct sprint_deadline *deadline) {
    const char *p = data;
    for (;;) {
        struct sprint_io io = {0};
        sprint_status status =
            sprintgo_conn_send(slot->index, (void *)p, len, deadline->start, &io);
        while (status == SPRINT_OK && io.unsent) {
            int events = sprint_wait_poll(slot->lease.fd, POLLOUT, deadline);
            deadline->waited = true;
            if (events == SPRINT_WAIT_TIMEOUT)
                return timed_out(slot, true, deadline->limit);
            if (events == SPRINT_WAIT_ERRNO)
                return sprint_failf(SPRINT_E_IO, "sprint: write: poll: errno %d", errno);
            int64_t n = io.n;
            status = sprintgo_conn_flush(slot->index, &io); /* tells of an error, too */
            io.n = n;
        }
        note(&slot->lease, &io);
        if (status != SPRINT_OK)
            return sprint_dying(slot) ? sprint_given_up() : status;
        if (p)
            p += io.n;
        len -= (size_t)io.n;
        if (len == 0)
            return SPRINT_OK;
    }
}

sprint_status sprint_stream_try_write(struct sprint_slot *slot, const void *data, size_t len,
                                      size_t *n) {
    int64_t now = sprint_now();
    size_t taken = 0;
    sprint_status status;
    struct sprint_io io = {0};
    do {
        io.n = 0;
        status = sprintgo_conn_send(slot->index, (char *)data + taken, len - taken, now, &io);
        note(&slot->lease, &io);
        taken += (size_t)io.n;
    } while (status == SPRINT_OK && !io.unsent && taken < len);
    if (status == SPRINT_OK && taken == 0 && len > 0)
        status = sprint_fail(SPRINT_E_WOULD_BLOCK, "sprint: try_write: the socket is full");
    *n = taken;
    return status;
}

sprint_status sprint_stream_try_read(struct sprint_slot *slot, void *buf, size_t cap, size_t *n) {
    sprint_status status = SPRINT_E_WOULD_BLOCK;
    int64_t now = sprint_now();
    if (undrained(&slot->lease))
        status = decrypt(slot, NULL, 0, 0, buf, cap, now, n);
    void *cipher = sprint_thread_recv_buffer();
    if (status == SPRINT_E_WOULD_BLOCK && !cipher)
        status = sprint_fail(SPRINT_E_NOMEM, "sprint: try_read: no memory to receive into");
    struct sprint_deadline at_once = {.start = now, .limit = 0};
    while (status == SPRINT_E_WOULD_BLOCK) {
        ssize_t r = sprint_wait_recv(&slot->lease, cipher, SPRINT_RECV_SIZE, &at_once);
        if (r == SPRINT_WAIT_TIMEOUT) {
            sprint_fail(SPRINT_E_WOULD_BLOCK, "sprint: try_read: nothing to read now");
            break;
        }
        int32_t end = r > 0 ? 0 : r == 0 ? SPRINT_END_FIN : errno;
        status = decrypt(slot, cipher, r > 0 ? (size_t)r : 0, end, buf, cap, now, n);
    }
    return status;
}

sprint_status sprint_stream_flush(struct sprint_slot *slot) {
    struct sprint_io io = {0};
    sprint_status status = sprintgo_conn_flush(slot->index, &io);
    note(&slot->lease, &io);
    if (status == SPRINT_OK && io.unsent)
        status = sprint_fail(SPRINT_E_WOULD_BLOCK, "sprint: flush: the socket is full");
    return status;
}
