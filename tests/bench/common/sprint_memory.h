/*
 * sprint_memory.h - the secure memory of libsprint, loaded as a host that wants it
 * optional would load it. A function that the library does not have is NULL.
 */
#ifndef BENCH_SPRINT_MEMORY_H
#define BENCH_SPRINT_MEMORY_H

#include "sprint.h"

struct sprint_memory {
    const char *(*version)(void);
    const char *(*errname)(sprint_status status);
    size_t (*last_error)(char *text, size_t cap);
    sprint_status (*alloc)(size_t len, uint32_t flags, sprint_buffer *out);
    sprint_status (*from)(void *src, size_t len, uint32_t flags, sprint_buffer *out);
    sprint_status (*open)(sprint_buffer buffer, int32_t mode, void **data, size_t *len);
    sprint_status (*close)(sprint_buffer buffer);
    sprint_status (*seal)(sprint_buffer buffer);
    sprint_status (*hmac)(sprint_buffer key, int32_t hash, const void *msg, size_t len, void *mac,
                          size_t cap, size_t *n);
    sprint_status (*sign_ed25519)(sprint_buffer seed, const void *msg, size_t len,
                                  uint8_t signature[64]);
    void (*free)(sprint_buffer buffer);
};

extern struct sprint_memory sprint;

/** 0, or -1 after a message when the library or one of its first functions is not there. */
int sprint_load(const char *path);

/** What the last call on this thread failed with, valid until the next one. */
const char *sprint_failure(const char *call, sprint_status status);

#endif
