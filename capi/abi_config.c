#include "abi.h"
#include "mappings.h"

sprint_status sprint_config_new(const char *endpoints, sprint_config *out) {
    ENTER();
    REQUIRE(out, "config: out is NULL");
    *out = 0;
    REQUIRE(endpoints, "config: endpoints is NULL");
    if (!sprint_mappings_room(0))
        return sprint_fail(SPRINT_E_NOMEM, "sprint: config: " NO_ROOM);
    struct sprint_slot *slot = sprint_slot_new(SPRINT_KIND_CONFIG);
    if (!slot)
        return sprint_fail(SPRINT_E_NOMEM, "sprint: config: no memory for a handle");
    return sprint_publish(slot, sprintgo_config_new(slot->index, (char *)endpoints), out);
}

sprint_status sprint_config_set_str(sprint_config config, int32_t option, const char *utf8) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(config, SPRINT_KIND_CONFIG, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_config_set_str(slot->index, option, (char *)utf8));
}

sprint_status sprint_config_set_int(sprint_config config, int32_t option, int64_t value) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(config, SPRINT_KIND_CONFIG, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_config_set_int(slot->index, option, value));
}

sprint_status sprint_config_set_bytes(sprint_config config, int32_t option, const void *data,
                                      size_t len) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(config, SPRINT_KIND_CONFIG, &slot);
    if (status != SPRINT_OK)
        return status;
    if (!sprint_mappings_room(len <= SPRINT_MAX_BYTES ? len : 0))
        return sprint_done(slot, sprint_fail(SPRINT_E_NOMEM, "sprint: config: " NO_ROOM));
    return sprint_done(slot, sprintgo_config_set_bytes(slot->index, option, (void *)data, len));
}

sprint_status sprint_config_set_buffer(sprint_config config, int32_t option, sprint_buffer secret) {
    ENTER();
    struct sprint_slot *slot, *buffer;
    sprint_status status = sprint_pin(config, SPRINT_KIND_CONFIG, &slot);
    if (status != SPRINT_OK)
        return status;
    status = sprint_pin_secret(secret, &buffer);
    if (status == SPRINT_OK)
        status =
            sprint_done(buffer, sprintgo_config_set_buffer(slot->index, option, buffer->index));
    return sprint_done(slot, status);
}

void sprint_config_free(sprint_config config) {
    if (sprint_forked())
        return;
    sprint_thread_enter();
    struct sprint_slot *slot = sprint_pin_quiet(config, SPRINT_KIND_CONFIG);
    if (!slot)
        return;
    sprint_kill(slot);
    sprint_unpin(slot);
}
