#include "abi.h"
#include "shelf.h"
#include "wait.h"

#include <string.h>

void sprint_object_end(struct sprint_slot *slot) {
    switch (slot->kind) {
    case SPRINT_KIND_CONFIG:
        sprintgo_config_destroy(slot->index);
        break;
    case SPRINT_KIND_POOL:
        sprintgo_pool_destroy(slot->index);
        if (slot->shelf)
            sprint_shelf_end(slot->shelf);
        break;
    case SPRINT_KIND_CONN:
        sprint_wait_ring(
            sprintgo_conn_end(slot->index, slot->lease.rcvtimeo_ms, slot->lease.discard));
        break;
    case SPRINT_KIND_BUFFER:
        sprint_buffer_end(slot);
        return;
    }
    sprint_slot_recycle(slot);
}

sprint_status sprint_publish(struct sprint_slot *slot, sprint_status status, uint64_t *out) {
    if (status != SPRINT_OK) {
        sprint_slot_recycle(slot);
        return status;
    }
    *out = sprint_slot_publish(slot);
    return SPRINT_OK;
}

sprint_status sprint_done(struct sprint_slot *slot, sprint_status status) {
    if (status == SPRINT_E_INTERNAL)
        atomic_store(&slot->poisoned, 1);
    sprint_unpin(slot);
    return status;
}

void sprint_copy_sized(void *to, uint32_t to_size, const void *from, uint32_t from_size) {
    uint32_t n = to_size < from_size ? to_size : from_size;
    memcpy(to, from, n);
    memcpy(to, &n, sizeof n);
}
