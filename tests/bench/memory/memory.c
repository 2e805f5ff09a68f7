/* memory.c - what memory for secrets costs, against the allocators that a user has. */
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "allocator.h"
#include "cases.h"
#include "sprint_memory.h"

static struct contest contest = {
    .name = "memory",
    .title = "secrets in locked memory, through the C interface of each",
};

static const unsigned char pattern[32] = "a pattern that is not any secret";

/* -------------------------------------------------------------- open and close */

struct access {
    uint64_t object;
    int32_t mode;
};

/* So that a fault on first access is part of what access costs. */
static void touch(const void *data) {
    (void)*(const volatile unsigned char *)data;
}

static const char *sprint_access(void *state) {
    const struct access *s = state;
    sprint_status status;
    void *data;

    if ((status = sprint.open(s->object, s->mode, &data, NULL)) != SPRINT_OK)
        return sprint_failure("sprint_buffer_open", status);
    touch(data);
    if ((status = sprint.close(s->object)) != SPRINT_OK)
        return sprint_failure("sprint_buffer_close", status);
    return NULL;
}

static const char *sodium_access(void *state) {
    const struct access *s = state;
    void *data = (void *)(uintptr_t)s->object;
    int refused =
        s->mode == SPRINT_READ ? sodium_mprotect_readonly(data) : sodium_mprotect_readwrite(data);

    if (refused)
        return "sodium_mprotect: refused";
    touch(data);
    return sodium_mprotect_noaccess(data) == 0 ? NULL : "sodium_mprotect_noaccess: refused";
}

static const char *memguard_access(void *state) {
    const struct access *s = state;

    memguard.melt(s->object);
    touch(memguard.data(s->object));
    memguard.freeze(s->object);
    return NULL;
}

static void enter_access_of(struct contest_case *k, const struct allocator *from,
                            operation *operate, int32_t mode) {
    struct access *s = new_state(sizeof *s);
    const char *missing = from->missing;

    s->mode = mode;
    if (*missing == '\0')
        missing = from->alloc(from, sizeof pattern, &s->object);
    contest_enter(k, from->name, from->variant, operate, s, missing);
}

/* OpenSSL's heap has no access to take away; memguard can only take that for writing. */
static void enter_open_close(const char *name, int32_t mode) {
    struct contest_case *k = contest_case(&contest, name, 2000, 1);
    int i;

    for (i = SPRINT_STRICT; i <= SPRINT_NOACCESS; i++)
        enter_access_of(k, &allocators[i], sprint_access, mode);
    enter_access_of(k, &allocators[LIBSODIUM], sodium_access, mode);
    if (mode == SPRINT_WRITE)
        enter_access_of(k, &allocators[MEMGUARD], memguard_access, mode);
}

/* --------------------------------------------------------------- seal and open */

/* The open unseals. One to read also takes the right to write from the pages, as memguard
 * does; one to write leaves them as they are. */
static const char *sprint_seal_open(void *state, int32_t mode) {
    sprint_buffer buffer = *(const uint64_t *)state;
    sprint_status status;
    void *data;
    int same;

    if ((status = sprint.seal(buffer)) != SPRINT_OK)
        return sprint_failure("sprint_buffer_seal", status);
    if ((status = sprint.open(buffer, mode, &data, NULL)) != SPRINT_OK)
        return sprint_failure("sprint_buffer_open", status);
    same = memcmp(data, pattern, sizeof pattern) == 0;
    if ((status = sprint.close(buffer)) != SPRINT_OK)
        return sprint_failure("sprint_buffer_close", status);
    return same ? NULL : "libsprint: opened to something else";
}

static const char *sprint_seal_open_to_read(void *state) {
    return sprint_seal_open(state, SPRINT_READ);
}

static const char *sprint_seal_open_to_write(void *state) {
    return sprint_seal_open(state, SPRINT_WRITE);
}

static const char *memguard_seal_open(void *state) {
    static _Thread_local char why[256];

    (void)state;
    return memguard.seal_open(pattern, sizeof pattern, why, sizeof why) == 0 ? NULL : why;
}

static void enter_sprint_seal(struct contest_case *k, const struct allocator *mode, operation *op) {
    unsigned char moved[sizeof pattern];
    uint64_t *buffer = new_state(sizeof *buffer);
    const char *missing = mode->missing;
    sprint_status status;

    memcpy(moved, pattern, sizeof moved);
    if (sprint.seal == NULL)
        missing = "this libsprint has no sprint_buffer_seal";
    else if (*missing == '\0' &&
             (status = sprint.from(moved, sizeof moved, mode->flags, buffer)) != SPRINT_OK)
        missing = sprint_failure("sprint_buffer_from", status);
    contest_enter(k, mode->name, mode->variant, op, buffer, missing);
    contest_target(k, mode->variant, allocators[MEMGUARD].name, 0.01);
}

/* What the kernel alone takes to make a locked page read-only and writable again: the
 * floor of a seal and an open to read. */
static const char *mprotect_pair(void *state) {
    void *page = *(void **)state;

    if (mprotect(page, 1, PROT_READ) != 0 || mprotect(page, 1, PROT_READ | PROT_WRITE) != 0)
        return "mprotect: refused";
    *(volatile unsigned char *)page = 1;
    return NULL;
}

static void enter_mprotect_pair(struct contest_case *k) {
    void **page = new_state(sizeof *page);
    const char *missing = NULL;

    *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*page == MAP_FAILED || mlock(*page, 1) != 0)
        missing = "no locked page";
    contest_enter(k, "mprotect_pair", NULL, mprotect_pair, page, missing);
}

static struct contest_case *enter_seal_open(const char *name, operation *op) {
    struct contest_case *k = contest_case(&contest, name, 1000, 1);

    enter_sprint_seal(k, &allocators[SPRINT_STRICT], op);
    enter_sprint_seal(k, &allocators[SPRINT_FAST], op);
    contest_enter(k, allocators[MEMGUARD].name, NULL, memguard_seal_open, NULL,
                  allocators[MEMGUARD].missing);
    return k;
}

int main(int argc, char **argv) {
    static char memguard_version[64];
    int first = contest_options(&contest, argc, argv);

    if (first < 0 || argc - first != 2) {
        fprintf(stderr, "usage: see tests/bench/memory/run\n");
        return 2;
    }
    if (sprint_load(argv[first]) != 0)
        return 1;
    allocators_open(argv[first + 1]);
    contest_version(&contest, "sprint", sprint.version());
    contest_version(&contest, "libsodium", sodium_version_string());
    contest_version(&contest, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
    if (allocators[MEMGUARD].missing[0] == '\0') {
        memguard.version(memguard_version, sizeof memguard_version);
        contest_version(&contest, "memguard", memguard_version);
    }

    enter_allocations(&contest);
    enter_open_close("open + close to read", SPRINT_READ);
    enter_open_close("open + close to write", SPRINT_WRITE);
    enter_mprotect_pair(enter_seal_open("seal + open 32 B to read", sprint_seal_open_to_read));
    enter_seal_open("seal + open 32 B to write", sprint_seal_open_to_write);
    enter_random_sizes(&contest);
    return contest_run(&contest);
}
