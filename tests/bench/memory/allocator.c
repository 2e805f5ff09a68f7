/* allocator.c - the ways to get memory for a secret and to give it back. */
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocator.h"
#include "sprint_memory.h"
#include "symbol.h"

/* OpenSSL's heap is a buddy arena: one MiB and some small objects fit into two. */
enum { ARENA_SIZE = 2 << 20, ARENA_MIN_OBJECT = 32 };

struct memguard memguard;

static void *pointer(uint64_t object) {
    return (void *)(uintptr_t)object;
}

static const char *pointer_or(void *p, const char *why, uint64_t *object) {
    *object = (uintptr_t)p;
    return p != NULL ? NULL : why;
}

static const char *sprint_make(const struct allocator *self, size_t size, uint64_t *object) {
    sprint_status status = sprint.alloc(size, self->flags, object);

    return status == SPRINT_OK ? NULL : sprint_failure("sprint_buffer_alloc", status);
}

static void sprint_end(uint64_t object, size_t size) {
    (void)size;
    sprint.free(object);
}

static const char *sodium_make(const struct allocator *self, size_t size, uint64_t *object) {
    (void)self;
    return pointer_or(sodium_malloc(size), "sodium_malloc: NULL", object);
}

static void sodium_end(uint64_t object, size_t size) {
    (void)size;
    sodium_free(pointer(object));
}

static const char *openssl_make(const struct allocator *self, size_t size, uint64_t *object) {
    (void)self;
    return pointer_or(OPENSSL_secure_malloc(size), "OPENSSL_secure_malloc: NULL", object);
}

static void openssl_end(uint64_t object, size_t size) {
    OPENSSL_secure_clear_free(pointer(object), size);
}

static const char *memguard_make(const struct allocator *self, size_t size, uint64_t *object) {
    static _Thread_local char why[256];

    (void)self;
    return memguard.alloc(size, object, why, sizeof why) == 0 ? NULL : why;
}

static void memguard_end(uint64_t object, size_t size) {
    (void)size;
    memguard.free(object);
}

static const char *malloc_make(const struct allocator *self, size_t size, uint64_t *object) {
    (void)self;
    return pointer_or(malloc(size), "malloc: NULL", object);
}

static void malloc_end(uint64_t object, size_t size) {
    explicit_bzero(pointer(object), size);
    free(pointer(object));
}

struct allocator allocators[ALLOCATORS] = {
    [SPRINT_STRICT] = {"sprint", "strict", sprint_make, sprint_end, SPRINT_BUFFER_DEFAULT},
    [SPRINT_FAST] = {"sprint", "fast", sprint_make, sprint_end, SPRINT_BUFFER_FAST},
    [SPRINT_NOACCESS] = {"sprint", "noaccess", sprint_make, sprint_end, SPRINT_BUFFER_NOACCESS},
    [LIBSODIUM] = {"libsodium", NULL, sodium_make, sodium_end, 0},
    [OPENSSL] = {"openssl_secure", NULL, openssl_make, openssl_end, 0},
    [MEMGUARD] = {"memguard", NULL, memguard_make, memguard_end, 0},
    [MALLOC] = {"malloc_wipe", NULL, malloc_make, malloc_end, 0},
};

static long locked_kib(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %ld", &kib) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kib;
}

/* libsodium ignores a refused mlock, and memory that is not locked is had for less. */
static const char *sodium_open(void) {
    long before = locked_kib(), held;
    void *p;

    if (sodium_init() < 0)
        return "sodium_init failed";
    p = sodium_malloc(1 << 20);
    held = locked_kib() - before;
    sodium_free(p);
    return p != NULL && before >= 0 && held >= 1024 ? NULL : "sodium_malloc: not locked";
}

static const char *openssl_open(void) {
    switch (CRYPTO_secure_malloc_init(ARENA_SIZE, ARENA_MIN_OBJECT)) {
    case 1:
        return NULL;
    case 2:
        return "CRYPTO_secure_malloc_init: the arena is not locked or has no guards";
    default:
        return "CRYPTO_secure_malloc_init failed";
    }
}

static const char *memguard_open(const char *path) {
    static char why[256];
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library != NULL && resolve(library, "memguard_alloc", &memguard.alloc) &&
        resolve(library, "memguard_free", &memguard.free) &&
        resolve(library, "memguard_freeze", &memguard.freeze) &&
        resolve(library, "memguard_melt", &memguard.melt) &&
        resolve(library, "memguard_data", &memguard.data) &&
        resolve(library, "memguard_seal_open", &memguard.seal_open) &&
        resolve(library, "memguard_version", &memguard.version))
        return NULL;
    snprintf(why, sizeof why, "%s", dlerror());
    return why;
}

static const char *sprint_open(const struct allocator *mode) {
    uint64_t object;
    const char *failure = mode->alloc(mode, 32, &object);

    if (failure == NULL)
        mode->free(object, 32);
    return failure;
}

static void set_missing(int i, const char *why) {
    if (why != NULL)
        snprintf(allocators[i].missing, sizeof allocators[i].missing, "%s", why);
}

void allocators_open(const char *memguard_lib) {
    int i;

    for (i = SPRINT_STRICT; i <= SPRINT_NOACCESS; i++)
        set_missing(i, sprint_open(&allocators[i]));
    set_missing(LIBSODIUM, sodium_open());
    set_missing(OPENSSL, openssl_open());
    set_missing(MEMGUARD, memguard_open(memguard_lib));
}
