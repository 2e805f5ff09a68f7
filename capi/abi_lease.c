#include "abi.h"
#include "shelf.h"

/* What a host may ask about a lease, and its end. */

void sprint_lease_set(struct sprint_lease *lease, const struct sprint_lease_info *info) {
    atomic_store_explicit(&lease->fd, info->fd, memory_order_relaxed);
    atomic_store_explicit(&lease->id, info->id, memory_order_relaxed);
    atomic_store_explicit(&lease->uses, info->uses, memory_order_relaxed);
    lease->rcvtimeo_ms = (uint32_t)info->note;
    lease->busy_poll_us = info->busy_poll_us;
    atomic_store_explicit(&lease->drained, info->drained, memory_order_relaxed);
    atomic_store_explicit(&lease->unsent, 0, memory_order_relaxed);
}

sprint_status sprint_conn_poll_info(sprint_conn conn, int32_t *fd, uint32_t *want) {
    ENTER();
    REQUIRE(fd && want, "poll_info: fd or want is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(conn, SPRINT_KIND_CONN, &slot);
    if (status != SPRINT_OK)
        return status;
    int32_t socket = slot->lease.fd;
    if (socket < 0)
        return sprint_done(slot, sprint_fail(SPRINT_E_UNSUPPORTED,
                                             "sprint: poll_info: connections have no descriptor "
                                             "to poll on this system"));
    *fd = socket;
    *want = SPRINT_WANT_READ;
    if (atomic_load_explicit(&slot->lease.unsent, memory_order_relaxed))
        *want |= SPRINT_WANT_WRITE;
    return sprint_done(slot, SPRINT_OK);
}

sprint_status sprint_conn_id(sprint_conn conn, uint64_t *id) {
    ENTER();
    REQUIRE(id, "conn id: id is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(conn, SPRINT_KIND_CONN, &slot);
    if (status != SPRINT_OK)
        return status;
    *id = slot->lease.id;
    return sprint_done(slot, SPRINT_OK);
}

sprint_status sprint_conn_uses(sprint_conn conn, uint64_t *uses) {
    ENTER();
    REQUIRE(uses, "conn uses: uses is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(conn, SPRINT_KIND_CONN, &slot);
    if (status != SPRINT_OK)
        return status;
    *uses = slot->lease.uses;
    return sprint_done(slot, SPRINT_OK);
}

sprint_status sprint_conn_info_json(sprint_conn conn, char *buf, size_t cap, size_t *needed) {
    ENTER();
    REQUIRE(buf || cap == 0, "conn info: buf is NULL and cap is not 0");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(conn, SPRINT_KIND_CONN, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t need = 0;
    status = sprintgo_conn_info_json(slot->index, buf, cap, &need);
    if (needed && (status == SPRINT_OK || status == SPRINT_E_RANGE))
        *needed = need;
    return sprint_done(slot, status);
}

/* The handle dies now; the connection goes back, or is closed, when the last call on
 * it has returned. Calls that wait on its socket are woken. */
static void end(sprint_conn conn, bool discard) {
    if (sprint_forked())
        return;
    sprint_thread_enter();
    bool last;
    struct sprint_slot *slot = sprint_slot_kill(conn, SPRINT_KIND_CONN, &last);
    if (!slot)
        return;
    if (discard || !last || atomic_load(&slot->poisoned))
        atomic_store(&slot->lease.discard, 1);
    if (last) {
        if (!sprint_shelf_give(slot))
            sprint_object_end(slot);
    } else {
        sprintgo_conn_cut(slot->index);
        sprint_unpin(slot);
    }
}

void sprint_conn_release(sprint_conn conn) {
    end(conn, false);
}

void sprint_conn_discard(sprint_conn conn) {
    end(conn, true);
}
