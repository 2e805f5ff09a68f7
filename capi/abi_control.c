#include "abi.h"

/* Control of a pool while it runs. */

/* What the functions without arguments have in common. */
static sprint_status call(sprint_pool pool, sprint_status (*entry)(uint32_t slot)) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, entry(slot->index));
}

sprint_status sprint_pool_start_cleanup(sprint_pool pool) {
    return call(pool, sprintgo_pool_start_cleanup);
}

sprint_status sprint_pool_stop_cleanup(sprint_pool pool) {
    return call(pool, sprintgo_pool_stop_cleanup);
}

sprint_status sprint_pool_resize(sprint_pool pool, uint32_t max_connections, uint32_t min_idle) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_pool_resize(slot->index, max_connections, min_idle));
}

sprint_status sprint_pool_pause(sprint_pool pool) {
    return call(pool, sprintgo_pool_pause);
}

sprint_status sprint_pool_resume(sprint_pool pool) {
    return call(pool, sprintgo_pool_resume);
}

sprint_status sprint_pool_evict_endpoint(sprint_pool pool, const char *endpoint) {
    ENTER();
    REQUIRE(endpoint, "evict_endpoint: endpoint is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_pool_evict_endpoint(slot->index, (char *)endpoint));
}

sprint_status sprint_pool_reset(sprint_pool pool) {
    return call(pool, sprintgo_pool_reset);
}

sprint_status sprint_pool_rotate(sprint_pool pool) {
    return call(pool, sprintgo_pool_rotate);
}
