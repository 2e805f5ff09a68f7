#include "abi.h"
#include "mappings.h"
#include "shelf.h"
#include "wait.h"

/* The start of every call on a pool. */
static sprint_status enter(sprint_pool pool, struct sprint_slot **slot) {
    ENTER();
    return sprint_pin(pool, SPRINT_KIND_POOL, slot);
}

sprint_status sprint_pool_new(sprint_config config, sprint_pool *out) {
    ENTER();
    REQUIRE(out, "pool: out is NULL");
    *out = 0;
    struct sprint_slot *settings;
    sprint_status status = sprint_pin(config, SPRINT_KIND_CONFIG, &settings);
    if (status != SPRINT_OK)
        return status;
    struct sprint_slot *slot = sprint_mappings_room(0) ? sprint_slot_new(SPRINT_KIND_POOL) : NULL;
    if (!slot)
        status = sprint_fail(SPRINT_E_NOMEM, "sprint: pool: no memory or address space");
    else
        status = sprint_publish(slot, sprintgo_pool_new(slot->index, settings->index, &slot->shelf),
                                out);
    return sprint_done(settings, status);
}

sprint_status sprint_pool_warm_up(sprint_pool pool, uint32_t count, int64_t timeout_ms) {
    struct sprint_slot *slot;
    sprint_status status = enter(pool, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_pool_warm_up(slot->index, count, timeout_ms));
}

/* A lease that rests on the pool's shelf, or NULL. One that is not as it should be goes back
 * to Go, which looks at it more closely. */
static struct sprint_slot *take_rested(struct sprint_slot *pool) {
    struct sprint_slot *unfit, *conn = sprint_shelf_take(pool->shelf, &unfit);
    if (unfit) {
        sprint_wait_ring(sprintgo_shelf_home(pool->index, unfit->index));
        sprint_slot_recycle(unfit);
    }
    return conn;
}

sprint_status sprint_pool_acquire(sprint_pool pool, int64_t timeout_ms, sprint_conn *out) {
    ENTER();
    REQUIRE(out, "acquire: out is NULL");
    *out = 0;
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    struct sprint_slot *conn = take_rested(slot);
    if (conn) {
        *out = sprint_slot_publish(conn);
        sprint_unpin(slot);
        return SPRINT_OK;
    }
    conn = sprint_slot_new(SPRINT_KIND_CONN);
    if (!conn)
        return sprint_done(slot, sprint_fail(SPRINT_E_NOMEM, "sprint: acquire: no memory"));

    struct sprint_lease_info info;
    int64_t until;
    status = sprintgo_pool_acquire(slot->index, conn->index, timeout_ms,
                                   (uint32_t *)&conn->lease.bell, &conn->rest, &until, &info);
    while (status == SPRINT_WAITS) {
        sprint_wait_bell(&conn->lease.bell, until);
        status = sprintgo_pool_take(conn->index, &info);
    }
    if (status == SPRINT_OK) {
        sprint_lease_set(&conn->lease, &info);
        conn->lease.shelf = slot->shelf;
    }
    return sprint_done(slot, sprint_publish(conn, status, out));
}

sprint_status sprint_pool_start_metrics(sprint_pool pool, uint16_t *port) {
    struct sprint_slot *slot;
    sprint_status status = enter(pool, &slot);
    if (status != SPRINT_OK)
        return status;
    int32_t bound = 0;
    status = sprintgo_pool_start_metrics(slot->index, &bound);
    if (status == SPRINT_OK && port)
        *port = (uint16_t)bound;
    return sprint_done(slot, status);
}

sprint_status sprint_pool_stop_metrics(sprint_pool pool) {
    struct sprint_slot *slot;
    sprint_status status = enter(pool, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_pool_stop_metrics(slot->index));
}

sprint_status sprint_pool_stats_get(sprint_pool pool, sprint_pool_stats *inout) {
    ENTER();
    REQUIRE(inout, "stats: inout is NULL");
    REQUIRE(inout->struct_size >= sizeof inout->struct_size,
            "stats: struct_size is not set to sizeof");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    sprint_pool_stats stats = {0};
    status = sprintgo_pool_stats(slot->index, &stats);
    if (status == SPRINT_OK)
        sprint_copy_sized(inout, inout->struct_size, &stats, sizeof stats);
    return sprint_done(slot, status);
}

sprint_status sprint_pool_status_json(sprint_pool pool, char *buf, size_t cap, size_t *needed) {
    ENTER();
    REQUIRE(buf || cap == 0, "status: buf is NULL and cap is not 0");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t need = 0;
    status = sprintgo_pool_status_json(slot->index, buf, cap, &need);
    if (needed && (status == SPRINT_OK || status == SPRINT_E_RANGE))
        *needed = need;
    return sprint_done(slot, status);
}

sprint_status sprint_pool_close(sprint_pool pool, int64_t grace_ms, uint32_t *forced) {
    ENTER();
    REQUIRE(grace_ms >= 0, "close: grace_ms is negative");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(pool, SPRINT_KIND_POOL, &slot);
    if (status != SPRINT_OK)
        return status;
    uint32_t cut = 0;
    status = sprintgo_pool_close(slot->index, grace_ms, &cut);
    if (status == SPRINT_OK && forced)
        *forced = cut;
    return sprint_done(slot, status);
}

void sprint_pool_free(sprint_pool pool) {
    if (sprint_forked())
        return;
    sprint_thread_enter();
    struct sprint_slot *slot = sprint_pin_quiet(pool, SPRINT_KIND_POOL);
    if (!slot)
        return;
    if (sprint_kill(slot)) {
        uint32_t cut;
        sprintgo_pool_close(slot->index, 0, &cut);
    }
    sprint_unpin(slot);
}
