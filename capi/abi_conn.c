#include "abi.h"

#include "stream.h"

sprint_status sprint_given_up(void) {
    return sprint_fail(SPRINT_E_CLOSED, "sprint: the lease was ended by another thread");
}

static sprint_status exchange(struct sprint_slot *slot, const void *data, size_t len, void *buf,
                              size_t cap, struct sprint_deadline *deadline, size_t *n) {
    sprint_status status = sprint_stream_write(slot, data, len, deadline);
    return status == SPRINT_OK ? sprint_stream_read(slot, buf, cap, deadline, n) : status;
}

/* Give a lease whose connection was stale a fresh one, within what is left of the deadline. */
static sprint_status go_on(struct sprint_slot *slot, struct sprint_deadline *deadline) {
    struct sprint_lease_info info;
    *deadline = sprint_deadline_rest(deadline);
    sprint_status status = sprintgo_conn_again(slot->index, deadline->limit, &info);
    if (status != SPRINT_OK)
        return sprint_dying(slot) ? sprint_given_up() : status;
    sprint_lease_set(&slot->lease, &info);
    *deadline = sprint_deadline_rest(deadline);
    if (!sprint_dying(slot)) /* whoever ends the lease from here on cuts the fresh one */
        return SPRINT_OK;
    sprintgo_conn_resent(slot->index, 0);
    return sprint_given_up();
}

/* The start of every I/O call: pin the lease and be its only reader or writer. */
static sprint_status enter_first(sprint_conn conn, uint32_t role, struct sprint_slot **out,
                                 bool *first) {
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(conn, SPRINT_KIND_CONN, &slot);
    if (status != SPRINT_OK)
        return status;
    uint32_t busy = atomic_fetch_or(&slot->lease.busy, role | SPRINT_TOUCHED);
    *first = !(busy & SPRINT_TOUCHED);
    if (busy & role) {
        atomic_fetch_and(&slot->lease.busy, ~(role & ~busy));
        sprint_unpin(slot);
        return sprint_fail(SPRINT_E_STATE,
                           busy & role & SPRINT_READER
                               ? "sprint: another thread is reading this connection"
                               : "sprint: another thread is writing this connection");
    }
    *out = slot;
    return SPRINT_OK;
}

static sprint_status enter(sprint_conn conn, uint32_t role, struct sprint_slot **out) {
    bool first;
    return enter_first(conn, role, out, &first);
}

static sprint_status leave(struct sprint_slot *slot, uint32_t role, sprint_status status) {
    atomic_fetch_and(&slot->lease.busy, ~role);
    return sprint_done(slot, status);
}

sprint_status sprint_conn_write(sprint_conn conn, const void *data, size_t len,
                                int64_t timeout_ms) {
    ENTER();
    REQUIRE(data || len == 0, "write: data is NULL and len is not 0");
    REQUIRE(len <= PTRDIFF_MAX, "write: len is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = enter(conn, SPRINT_WRITER, &slot);
    if (status != SPRINT_OK)
        return status;
    struct sprint_deadline deadline = sprint_deadline_in(timeout_ms);
    return leave(slot, SPRINT_WRITER, sprint_stream_write(slot, data, len, &deadline));
}

sprint_status sprint_conn_read(sprint_conn conn, void *buf, size_t cap, int64_t timeout_ms,
                               size_t *n) {
    ENTER();
    REQUIRE(n, "read: n is NULL");
    REQUIRE(buf && cap > 0, "read: buf is NULL or cap is 0");
    REQUIRE(cap <= PTRDIFF_MAX, "read: cap is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = enter(conn, SPRINT_READER, &slot);
    if (status != SPRINT_OK)
        return status;
    struct sprint_deadline deadline = sprint_deadline_in(timeout_ms);
    size_t got;
    status = sprint_stream_read(slot, buf, cap, &deadline, &got);
    if (status == SPRINT_OK)
        *n = got;
    return leave(slot, SPRINT_READER, status);
}

sprint_status sprint_conn_read_exact(sprint_conn conn, void *buf, size_t len, int64_t timeout_ms,
                                     size_t *n) {
    ENTER();
    if (n)
        *n = 0;
    REQUIRE(buf && len > 0, "read_exact: buf is NULL or len is 0");
    REQUIRE(len <= PTRDIFF_MAX, "read_exact: len is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = enter(conn, SPRINT_READER, &slot);
    if (status != SPRINT_OK)
        return status;
    struct sprint_deadline deadline = sprint_deadline_in(timeout_ms);
    size_t have = 0;
    while (have < len && status == SPRINT_OK) {
        size_t got;
        status = sprint_stream_read(slot, (char *)buf + have, len - have, &deadline, &got);
        if (status == SPRINT_OK && got == 0)
            status = sprintgo_conn_ended_early(slot->index, have, len);
        have += got;
    }
    if (n)
        *n = have;
    return leave(slot, SPRINT_READER, status);
}

sprint_status sprint_conn_request(sprint_conn conn, const void *data, size_t len, void *buf,
                                  size_t cap, uint32_t flags, int64_t timeout_ms, size_t *n) {
    ENTER();
    REQUIRE(n, "request: n is NULL");
    REQUIRE(data && len > 0, "request: data is NULL or len is 0");
    REQUIRE(buf && cap > 0, "request: buf is NULL or cap is 0");
    REQUIRE(len <= PTRDIFF_MAX && cap <= PTRDIFF_MAX,
            "request: len or cap is larger than an object can be");
    if (flags & ~(uint32_t)SPRINT_REQUEST_IDEMPOTENT)
        return sprint_failf(SPRINT_E_ARG, "sprint: request: unknown flags 0x%x", (unsigned)flags);
    struct sprint_slot *slot;
    bool first;
    sprint_status status = enter_first(conn, SPRINT_READER | SPRINT_WRITER, &slot, &first);
    if (status != SPRINT_OK)
        return status;
    struct sprint_deadline deadline = sprint_deadline_in(timeout_ms);
    size_t got = 0;
    status = exchange(slot, data, len, buf, cap, &deadline, &got);
    if (status == SPRINT_E_STALE && first && (flags & SPRINT_REQUEST_IDEMPOTENT)) {
        status = go_on(slot, &deadline);
        if (status == SPRINT_OK) {
            status = exchange(slot, data, len, buf, cap, &deadline, &got);
            sprintgo_conn_resent(slot->index, status == SPRINT_OK);
        }
    }
    if (status == SPRINT_OK)
        *n = got;
    else if (status == SPRINT_E_ARG) /* buf was not to be written, and the answer comes */
        atomic_store(&slot->lease.discard, 1);
    return leave(slot, SPRINT_READER | SPRINT_WRITER, status);
}

sprint_status sprint_conn_write_secret(sprint_conn conn, sprint_buffer secret, int64_t timeout_ms) {
    ENTER();
    struct sprint_slot *slot, *buffer;
    sprint_status status = sprint_pin_secret(secret, &buffer);
    if (status != SPRINT_OK)
        return status;
    status = enter(conn, SPRINT_WRITER, &slot);
    if (status != SPRINT_OK)
        return sprint_done(buffer, status);
    uintptr_t data = 0;
    size_t len = 0;
    /* A borrow for reading, as long as the bytes are needed. */
    status = sprintgo_buffer_open(buffer->index, SPRINT_READ, &data, &len);
    if (status == SPRINT_OK) {
        struct sprint_deadline deadline = sprint_deadline_in(timeout_ms);
        status = sprint_stream_write(slot, (const void *)data, len, &deadline);
        sprint_status closed = sprintgo_buffer_close(buffer->index);
        if (status == SPRINT_OK)
            status = closed;
    }
    return sprint_done(buffer, leave(slot, SPRINT_WRITER, status));
}

sprint_status sprint_conn_try_write(sprint_conn conn, const void *data, size_t len, size_t *n) {
    ENTER();
    REQUIRE(n, "try_write: n is NULL");
    REQUIRE(data || len == 0, "try_write: data is NULL and len is not 0");
    REQUIRE(len <= PTRDIFF_MAX, "try_write: len is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = enter(conn, SPRINT_WRITER, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t taken = 0;
    status = sprint_stream_try_write(slot, data, len, &taken);
    if (status == SPRINT_OK)
        *n = taken;
    return leave(slot, SPRINT_WRITER, status);
}

sprint_status sprint_conn_try_read(sprint_conn conn, void *buf, size_t cap, size_t *n) {
    ENTER();
    REQUIRE(n, "try_read: n is NULL");
    REQUIRE(buf && cap > 0, "try_read: buf is NULL or cap is 0");
    REQUIRE(cap <= PTRDIFF_MAX, "try_read: cap is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = enter(conn, SPRINT_READER, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t got = 0;
    status = sprint_stream_try_read(slot, buf, cap, &got);
    if (status == SPRINT_OK)
        *n = got;
    return leave(slot, SPRINT_READER, status);
}

sprint_status sprint_conn_flush(sprint_conn conn, int64_t timeout_ms) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = enter(conn, SPRINT_WRITER, &slot);
    if (status != SPRINT_OK)
        return status;
    if (timeout_ms == 0) {
        status = sprint_stream_flush(slot);
    } else {
        struct sprint_deadline deadline = sprint_deadline_in(timeout_ms);
        status = sprint_stream_write(slot, NULL, 0, &deadline);
    }
    return leave(slot, SPRINT_WRITER, status);
}
