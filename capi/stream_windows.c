#include "stream.h"

#include "abi.h"

/* What a call on a lease that another thread has ended answers. */
static sprint_status answer(const struct sprint_slot *slot, sprint_status status) {
    return status != SPRINT_OK && sprint_dying(slot) ? sprint_given_up() : status;
}

sprint_status sprint_stream_read(struct sprint_slot *slot, void *buf, size_t cap,
                                 struct sprint_deadline *deadline, size_t *n) {
    int64_t limit = sprint_deadline_rest(deadline).limit;
    return answer(slot, sprintgo_conn_read(slot->index, buf, cap, limit, n));
}

sprint_status sprint_stream_write(struct sprint_slot *slot, const void *data, size_t len,
                                  struct sprint_deadline *deadline) {
    int64_t limit = sprint_deadline_rest(deadline).limit;
    return answer(slot, sprintgo_conn_write(slot->index, (void *)data, len, limit));
}

/* A host that does not wait needs a descriptor to poll. */
static sprint_status no_descriptor(void) {
    return sprint_fail(SPRINT_E_UNSUPPORTED,
                       "sprint: connections have no descriptor to poll on Windows: read and write "
                       "with a timeout");
}

sprint_status sprint_stream_try_read(struct sprint_slot *slot, void *buf, size_t cap, size_t *n) {
    (void)slot, (void)buf, (void)cap, (void)n;
    return no_descriptor();
}

sprint_status sprint_stream_try_write(struct sprint_slot *slot, const void *data, size_t len,
                                      size_t *n) {
    (void)slot, (void)data, (void)len, (void)n;
    return no_descriptor();
}

/* Nothing is ever unsent: a write returns when the socket has taken it all. */
sprint_status sprint_stream_flush(struct sprint_slot *slot) {
    (void)slot;
    return SPRINT_OK;
}
