#include "abi.h"

#include <sched.h>
#include <string.h>

#include "mappings.h"
#include "random.h"
#include "slots.h"

/* A new secret of a common size is placed by C alone, in a slot that Go handed over.
 * The first call that does more with it than to free it moves it to Go for good. */

enum { BUFFER_ALLOC, BUFFER_FROM, BUFFER_RANDOM };

#define MAX_BUFFER ((size_t)1 << 30)

/* Make the secret in C, on a page of its own; false if it is Go's to make it. */
static bool make_here(struct sprint_slot *slot, struct sprint_page *page, int how, void *src,
                      size_t len) {
    if (!page)
        return false; /* Go knows what to do at a limit */
    unsigned char *data = sprint_slots_data(page, len);
    if (how == BUFFER_RANDOM && !sprint_random_fill(data, len)) {
        sprint_slots_give(page, len, NULL);
        return false;
    }
    if (how == BUFFER_FROM) {
        memcpy(data, src, len);
        sprint_wipe(src, len);
    }
    slot->secret.page = page;
    atomic_store_explicit(&slot->secret.home, SPRINT_HOME_C, memory_order_release);
    return true;
}

static sprint_status make(int how, void *src, size_t len, uint32_t flags, sprint_buffer *out) {
    ENTER();
    REQUIRE(out, "buffer: out is NULL");
    *out = 0;
    REQUIRE(src || how != BUFFER_FROM, "buffer: src is NULL");
    REQUIRE(len >= 1 && len <= MAX_BUFFER, "buffer: len is not within 1 byte and 1 GiB");
    struct sprint_page *page;
    struct sprint_slot *slot = sprint_slots_take(len, flags, &page);
    if (!slot) {
        if (src)
            sprint_wipe(src, len);
        return sprint_fail(SPRINT_E_NOMEM, "sprint: buffer: no memory for a handle");
    }
    slot->secret.len = len;
    slot->secret.flags = flags;
    sprint_status status;
    if (make_here(slot, page, how, src, len))
        return sprint_publish(slot, SPRINT_OK, out);
    if (sprint_mappings_spare()) {
        status = sprintgo_buffer_new(slot->index, how, src, len, flags);
    } else {
        status = sprint_fail(SPRINT_E_NOMEM, "sprint: buffer: the process has no mapping to spare "
                                             "(vm.max_map_count)");
        if (src)
            sprint_wipe(src, len);
    }
    return sprint_publish(slot, status, out);
}

/* Have the secret of a pinned slot to oneself if it is at home in C; false if it is Go's. */
static bool take_home(struct sprint_secret *secret) {
    for (;;) {
        uint8_t home = SPRINT_HOME_C;
        if (atomic_compare_exchange_strong(&secret->home, &home, SPRINT_HOME_MOVING))
            return true;
        if (home == SPRINT_HOME_GO)
            return false;
        sched_yield(); /* another thread copies or moves it */
    }
}

/* Move the secret of a pinned slot to Go, if it is not there. */
static sprint_status bring_home(struct sprint_slot *slot) {
    struct sprint_secret *secret = &slot->secret;
    if (!take_home(secret))
        return SPRINT_OK;
    (void)sprint_mappings_spare(); /* it is too late to refuse, but not to make room */
    struct sprint_page *page = secret->page;
    secret->page = NULL;
    sprint_status status = sprintgo_buffer_adopt(slot->index, (uintptr_t)page->mem, secret->len,
                                                 secret->flags, page->canary);
    sprint_slots_forget(page);
    atomic_store(&secret->home, SPRINT_HOME_GO);
    if (status == SPRINT_E_INTERNAL) /* it is nobody's now */
        atomic_store(&slot->poisoned, 1);
    return status;
}

sprint_status sprint_pin_secret(sprint_buffer buffer, struct sprint_slot **out) {
    sprint_status status = sprint_pin(buffer, SPRINT_KIND_BUFFER, out);
    if (status != SPRINT_OK)
        return status;
    status = bring_home(*out);
    return status == SPRINT_OK ? status : sprint_done(*out, status);
}

void sprint_bring_all_home(void) {
    struct sprint_slot *slot = NULL;
    while ((slot = sprint_pin_next(slot, SPRINT_KIND_BUFFER)))
        (void)bring_home(slot); /* the next call on it tells */
}

void sprint_buffer_end(struct sprint_slot *slot) {
    struct sprint_secret *secret = &slot->secret;
    if (atomic_load(&secret->home) == SPRINT_HOME_C) {
        sprint_slots_give(secret->page, secret->len, slot);
        return;
    }
    if (!atomic_load(&secret->freed))
        sprintgo_buffer_free(slot->index);
    sprintgo_buffer_destroy(slot->index);
    sprint_slot_recycle(slot);
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
    *len = slot->secret.len;
    return sprint_done(slot, SPRINT_OK);
}

sprint_status sprint_buffer_protection(sprint_buffer buffer, uint32_t *backend, uint32_t *locked) {
    ENTER();
    REQUIRE(backend, "buffer protection: backend is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(buffer, &slot);
    if (status != SPRINT_OK)
        return status;
    uint32_t is_locked = 0;
    status = sprintgo_buffer_protection(slot->index, backend, &is_locked);
    if (status == SPRINT_OK && locked)
        *locked = is_locked;
    return sprint_done(slot, status);
}

/* Copy out of or into a secret: by C if it is at home here. */
static sprint_status copy(sprint_buffer buffer, size_t offset, void *host, size_t len, bool out) {
    struct sprint_slot *slot;
    sprint_status status = sprint_pin(buffer, SPRINT_KIND_BUFFER, &slot);
    if (status != SPRINT_OK)
        return status;
    struct sprint_secret *secret = &slot->secret;
    if (offset > secret->len || len > secret->len - offset)
        return sprint_done(slot,
                           sprint_failf(SPRINT_E_ARG,
                                        "sprint: buffer: offset %zu and length %zu are outside "
                                        "of %zu bytes",
                                        offset, len, secret->len));
    if (take_home(secret)) {
        unsigned char *data = sprint_slots_data(secret->page, secret->len) + offset;
        if (len > 0)
            memcpy(out ? host : data, out ? data : host, len);
        atomic_store(&secret->home, SPRINT_HOME_C);
        return sprint_done(slot, SPRINT_OK);
    }
    return sprint_done(slot, out ? sprintgo_buffer_read(slot->index, offset, host, len)
                                 : sprintgo_buffer_write(slot->index, offset, host, len));
}

sprint_status sprint_buffer_read(sprint_buffer buffer, size_t offset, void *dst, size_t len) {
    ENTER();
    REQUIRE(dst || len == 0, "buffer read: dst is NULL and len is not 0");
    return copy(buffer, offset, dst, len, true);
}

sprint_status sprint_buffer_write(sprint_buffer buffer, size_t offset, const void *src,
                                  size_t len) {
    ENTER();
    REQUIRE(src || len == 0, "buffer write: src is NULL and len is not 0");
    return copy(buffer, offset, (void *)src, len, false);
}

sprint_status sprint_buffer_open(sprint_buffer buffer, int32_t mode, void **data, size_t *len) {
    ENTER();
    REQUIRE(data, "buffer open: data is NULL");
    REQUIRE(mode == SPRINT_READ || mode == SPRINT_WRITE,
            "buffer open: mode is neither SPRINT_READ nor SPRINT_WRITE");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(buffer, &slot);
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
    if (atomic_load(&slot->secret.home) != SPRINT_HOME_GO) /* an open would have moved it */
        return sprint_done(slot, sprint_dying(slot)
                                     ? sprint_fail(SPRINT_E_HANDLE, "sprint: buffer: freed handle")
                                     : sprint_fail(SPRINT_E_STATE, "sprint: buffer: not open"));
    status = sprintgo_buffer_close(slot->index);
    if (status == SPRINT_OK || status == SPRINT_E_CORRUPT)
        sprint_unpin(slot); /* the borrow's */
    return sprint_done(slot, status);
}

sprint_status sprint_buffer_equal(sprint_buffer a, sprint_buffer b, int32_t *equal) {
    ENTER();
    REQUIRE(equal, "buffer equal: equal is NULL");
    struct sprint_slot *first, *second;
    sprint_status status = sprint_pin_secret(a, &first);
    if (status != SPRINT_OK)
        return status;
    status = sprint_pin_secret(b, &second);
    if (status == SPRINT_OK) {
        int32_t result = 0;
        status = sprintgo_buffer_equal(first->index, second->index, &result);
        if (status == SPRINT_OK)
            *equal = result;
        status = sprint_done(second, status);
    }
    return sprint_done(first, status);
}

void sprint_buffer_free(sprint_buffer buffer) {
    if (sprint_forked())
        return;
    sprint_thread_enter();
    bool last;
    struct sprint_slot *slot = sprint_slot_kill(buffer, SPRINT_KIND_BUFFER, &last);
    if (!slot)
        return;
    if (atomic_load(&slot->secret.home) == SPRINT_HOME_GO) {
        atomic_store(&slot->secret.freed, 1);
        sprintgo_buffer_free(slot->index);
    }
    /* A secret at home in C, or on its way to Go, ends with its last pin. */
    if (last)
        sprint_object_end(slot);
    else
        sprint_unpin(slot);
}
