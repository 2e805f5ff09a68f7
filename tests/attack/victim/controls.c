/* controls.c - memory that must leak where a hunt for it is worth anything. */
#define _GNU_SOURCE
#include "memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static void *secret;
static size_t size;

static const char *nothing(void) {
    return NULL;
}

static const char *heap_start(const char *kind, const char *library) {
    (void)kind;
    (void)library;
    return NULL;
}

static const char *heap_make(size_t len, void **at) {
    *at = secret = malloc(len);
    return secret == NULL ? strerror(errno) : NULL;
}

static const char *heap_discard(void) {
    free(secret);
    return NULL;
}

const struct memory heap_memory = {heap_start, heap_make, nothing, NULL, NULL, heap_discard};

static const char *openfd_make(size_t len, void **at) {
    int fd = (int)syscall(SYS_memfd_secret, 0);

    size = (size_t)sysconf(_SC_PAGESIZE);
    if (fd < 0 || len > size || ftruncate(fd, (off_t)size) < 0)
        return strerror(errno);
    secret = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *at = secret;
    return secret == MAP_FAILED ? strerror(errno) : NULL;
}

static const char *openfd_discard(void) {
    return munmap(secret, size) < 0 ? strerror(errno) : NULL;
}

const struct memory openfd_memory = {heap_start, openfd_make, nothing, NULL, NULL, openfd_discard};

static void *(*memguard_new)(size_t len);
static void (*memguard_hmac)(void);
static void (*memguard_destroy)(void);

static const char *memguard_start(const char *kind, const char *path) {
    void *library = dlopen(path, RTLD_NOW), *function;

    (void)kind;
    if (library == NULL)
        return dlerror();
#define RESOLVE(name)                                                                              \
    function = dlsym(library, #name);                                                              \
    if (function == NULL)                                                                          \
        return "no function " #name;                                                               \
    memcpy(&name, &function, sizeof function)
    RESOLVE(memguard_new);
    RESOLVE(memguard_hmac);
    RESOLVE(memguard_destroy);
#undef RESOLVE
    return NULL;
}

static const char *memguard_make(size_t len, void **at) {
    *at = memguard_new(len);
    return *at == NULL ? "memguard gave no buffer" : NULL;
}

static const char *memguard_use(void) {
    memguard_hmac();
    return NULL;
}

static const char *memguard_discard(void) {
    memguard_destroy();
    return NULL;
}

const struct memory memguard_memory = {memguard_start, memguard_make, nothing,
                                       memguard_use,   NULL,          memguard_discard};
