#include "abi.h"

enum { BUFFER_ALLOC, BUFFER_FROM, BUFFER_RANDOM };

#define MAX_BUFFER ((size_t)1 << 30)

static sprint_status make(int how, void *src, size_t len, uint32_t flags, sprint_buffer *out) {
    ENTER();
    REQUIRE(out, "buffer: out is NULL");
    *out = 0;
    REQUIRE(src || how != BUFFER_FROM, "buffer: src is NULL");
    REQUIRE(len >= 1 && len <= MAX_BUFFER, "buffer: len is not within 1 byte and 1 GiB");
    struct sprint_slot *slot = sprint_slot_new(SPRINT_KIND_BUFFER);
    if (!slot) {
        if (src)
            sprint_wipe(src, len);
        return sprint_fail(SPRINT_E_NOMEM, "sprint: buffer: no memory for a handle");
    }
    return sprint_publish(slot, sprintgo_buffer_new(slot->index, how, src, len, flags), out);
}

sprint_status sprint_buffer_alloc(size_t len, uint32_t flags, sprint_buffer *out) {
    return make(BUFFER_ALLOC, NULL, len, flags, out);
}

sprint_status sprint_buffer_from(void *src, size_t len, uint32_t flags, sprint_buffer *out) {
    return make(BUFFER_FROM, src, len, flags, out);
}

sprint_status sprint_buffer_random(size_t len, uint32_t flags, sprint_buffer *out) {
    return make(BUFFER_RANDOM, NULL, len, flags, out);
}

sprint_status sprint_buffer_len(sprint_buffer buffer, size_t *len) {
    ENTER();
    REQUIRE(len, "buffer: len is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(buffer, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_buffer_len(slot->index, len));
}

sprint_status sprint_buffer_read(sprint_buffer buffer, size_t offset, void *dst, size_t len) {
    ENTER();
    REQUIRE(dst || len == 0, "buffer read: dst is NULL and len is not 0");
    REQUIRE(offset <= MAX_BUFFER && len <= MAX_BUFFER, "buffer read: past the end");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(buffer, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_buffer_read(slot->index, offset, dst, len));
}

sprint_status sprint_buffer_write(sprint_buffer buffer, size_t offset, const void *src,
                                  size_t len) {
    ENTER();
    REQUIRE(src || len == 0, "buffer write: src is NULL and len is not 0");
    REQUIRE(offset <= MAX_BUFFER && len <= MAX_BUFFER, "buffer write: past the end");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(buffer, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_buffer_write(slot->index, offset, (void *)src, len));
}

sprint_status sprint_buffer_open(sprint_buffer buffer, int32_t mode, void **data, size_t *len) {
    ENTER();
    REQUIRE(data, "buffer open: data is NULL");
    REQUIRE(mode == SPRINT_READ || mode == SPRINT_WRITE,
            "buffer open: mode is neither SPRINT_READ nor SPRINT_WRITE");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(buffer, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    uintptr_t at = 0;
    size_t size = 0;
    status = sprintgo_buffer_open(slot->index, mode, &at, &size);
    if (status == SPRINT_OK) {
        *data = (void *)at;
        if (len)
            *len = size;
        sprint_repin(slot); /* the borrow's, so that its close still finds the slot */
    }
    return sprint_done(slot, status);
}

sprint_status sprint_buffer_close(sprint_buffer buffer) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_dying(buffer, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    status = sprintgo_buffer_close(slot->index);
    if (status == SPRINT_OK || status == SPRINT_E_CORRUPT)
        sprint_unpin(slot); /* the borrow's */
    return sprint_done(slot, status);
}

sprint_status sprint_buffer_equal(sprint_buffer a, sprint_buffer b, int32_t *equal) {
    ENTER();
    REQUIRE(equal, "buffer equal: equal is NULL");
    struct sprint_slot *first, *second;
    sprint_status status = sprint_pin(a, SPRINT_KIND_BUFFER, &first);
    if (status != SPRINT_OK)
        return status;
    status = sprint_pin(b, SPRINT_KIND_BUFFER, &second);
    if (status == SPRINT_OK) {
        int32_t result = 0;
        status = sprintgo_buffer_equal(first->index, second->index, &result);
        if (status == SPRINT_OK)
            *equal = result;
        status = sprint_done(second, status);
    }
    return sprint_done(first, status);
}

sprint_status sprint_buffer_hmac(sprint_buffer key, int32_t hash, const void *msg, size_t len,
                                 void *mac, size_t cap, size_t *n) {
    ENTER();
    REQUIRE(msg || len == 0, "hmac: msg is NULL and len is not 0");
    REQUIRE(mac || cap == 0, "hmac: mac is NULL and cap is not 0");
    REQUIRE(len <= PTRDIFF_MAX && cap <= PTRDIFF_MAX,
            "hmac: len or cap is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(key, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t size = 0;
    status = sprintgo_buffer_hmac(slot->index, hash, (void *)msg, len, mac, cap, &size);
    if (n && (status == SPRINT_OK || status == SPRINT_E_RANGE))
        *n = size;
    return sprint_done(slot, status);
}

void sprint_buffer_free(sprint_buffer buffer) {
    if (sprint_forked())
        return;
    sprint_thread_enter();
    struct sprint_slot *slot = sprint_pin_quiet(buffer, SPRINT_KIND_BUFFER);
    if (!slot)
        return;
    if (sprint_kill(slot))
        sprintgo_buffer_free(slot->index);
    sprint_unpin(slot);
}
