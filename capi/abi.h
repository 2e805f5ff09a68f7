/* What the exported functions share. Each one checks, resolves its handle, makes one
 * call into Go and returns. */
#ifndef SPRINT_ABI_H
#define SPRINT_ABI_H

#include "../include/sprint.h"

#include "_cgo_export.h"
#include "bridge.h"
#include "fork.h"
#include "handle.h"
#include "thread.h"

/* The start of every function: leave it in a forked child. */
#define ENTER()                                                                                    \
    do {                                                                                           \
        if (sprint_forked())                                                                       \
            return sprint_refuse_forked();                                                         \
        sprint_thread_enter();                                                                     \
    } while (0)

/* Leave a function whose argument is bad; text says which and why. */
#define REQUIRE(condition, text)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return sprint_fail(SPRINT_E_ARG, "sprint: " text);                                     \
    } while (0)

/* Publish an object that Go has made in slot, or undo the slot. */
sprint_status sprint_publish(struct sprint_slot *slot, sprint_status status, uint64_t *out);

/* Have a lease that nobody uses stand for the connection that Go tells of (abi_lease.c). */
void sprint_lease_set(struct sprint_lease *lease, const struct sprint_lease_info *info);

/* Pin a buffer and have its secret in Go (abi_buffer.c). */
sprint_status sprint_pin_secret(sprint_buffer buffer, struct sprint_slot **out);

/* Have all secrets in Go, which can seal them and tell of them (abi_buffer.c). */
void sprint_bring_all_home(void);

/* End the secret of a slot that nobody pins any more, and recycle the slot (abi_buffer.c). */
void sprint_buffer_end(struct sprint_slot *slot);

/* End a call on a pinned slot: a bug of ours poisons the handle. */
sprint_status sprint_done(struct sprint_slot *slot, sprint_status status);

/* Copy the head of a caller's sized struct: from up to size bytes, with the size
 * written put in its first field. */
void sprint_copy_sized(void *to, uint32_t to_size, const void *from, uint32_t from_size);

#endif
