#include "abi.h"

#include "slots.h"

sprint_status sprint_memory_stats_get(sprint_memory_stats *inout) {
    ENTER();
    REQUIRE(inout, "memory_stats: inout is NULL");
    REQUIRE(inout->struct_size >= sizeof inout->struct_size,
            "memory_stats: struct_size is not set to sizeof");
    sprint_memory_stats stats = {0};
    sprint_status status = sprintgo_memory_stats(&stats);
    if (status != SPRINT_OK)
        return status;
    stats.forks_refused = sprint_forks_refused();
    sprint_copy_sized(inout, inout->struct_size, &stats, sizeof stats);
    return SPRINT_OK;
}

sprint_status sprint_memory_status_json(char *buf, size_t cap, size_t *needed) {
    ENTER();
    REQUIRE(buf || cap == 0, "memory_status: buf is NULL and cap is not 0");
    size_t need = 0;
    sprint_status status = sprintgo_memory_status_json(buf, cap, &need);
    if (needed && (status == SPRINT_OK || status == SPRINT_E_RANGE))
        *needed = need;
    return status;
}

sprint_status sprint_memory_self_check(void) {
    ENTER();
    return sprintgo_memory_self_check();
}

sprint_status sprint_memory_set(int32_t option, int64_t value) {
    ENTER();
    sprint_status status = sprintgo_memory_set(option, value);
    if (status == SPRINT_OK && option == SPRINT_MEM_AT_LIMIT) {
        bool seal = value == SPRINT_LIMIT_SEAL;
        sprint_slots_avoid(SPRINT_SLOTS_SEAL, seal);
        if (seal)
            sprint_bring_all_home();
    }
    return status;
}

sprint_status sprint_events_to_fd(int32_t fd) {
    ENTER();
    REQUIRE(fd < 0 || sprint_log_takes(fd), "events: fd is not an open descriptor");
    sprint_slots_avoid(SPRINT_SLOTS_EVENTS, fd >= 0);
    if (fd >= 0)
        sprint_bring_all_home(); /* what happens to those that exist is told, too */
    return sprintgo_events_to(fd < 0 ? -1 : fd);
}
