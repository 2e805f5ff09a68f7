/* allocator.h - the ways to get memory for a secret and to give it back. */
#ifndef MEMORY_ALLOCATOR_H
#define MEMORY_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

struct allocator {
    const char *name;
    const char *variant; /**< of libsprint: the mode; of a peer: NULL */
    /** A pointer or a handle into *object. NULL, or what went wrong. */
    const char *(*alloc)(const struct allocator *self, size_t size, uint64_t *object);
    /** Wipes the memory, as all of these do. */
    void (*free)(uint64_t object, size_t size);
    uint32_t flags;    /**< of libsprint's alloc */
    char missing[256]; /**< empty, or why it cannot be used; set by allocators_open() */
};

enum { SPRINT_STRICT, SPRINT_FAST, SPRINT_NOACCESS, LIBSODIUM, OPENSSL, MEMGUARD, MALLOC };
enum { ALLOCATORS = MALLOC + 1 };

extern struct allocator allocators[ALLOCATORS];

/** Functions of memguard/main.go. */
struct memguard {
    int (*alloc)(size_t size, uint64_t *buffer, char *why, size_t room);
    void (*free)(uint64_t buffer);
    void (*freeze)(uint64_t buffer);
    void (*melt)(uint64_t buffer);
    void *(*data)(uint64_t buffer);
    int (*seal_open)(const void *secret, size_t size, char *why, size_t room);
    void (*version)(char *text, size_t room);
};

extern struct memguard memguard;

/** Make all of them ready; one that is not there, or unlocked, is marked missing. */
void allocators_open(const char *memguard_lib);

#endif
