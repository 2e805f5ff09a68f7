#define _GNU_SOURCE
#include "mappings.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* How many mappings are in reserve: half of these pages differ from their neighbours, so
 * that the kernel merges none. */
enum { RESERVE = 64 };

/* By how much Go's heap asks the kernel for address space (runtime, heapArenaBytes). */
#define GO_ARENA ((size_t)64 << 20)

static void *_Atomic reserve;

static void *make_reserve(size_t page) {
    char *p = mmap(NULL, RESERVE * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    for (size_t i = 1; i < RESERVE; i += 2)
        if (mprotect(p + i * page, page, PROT_READ) != 0) {
            munmap(p, RESERVE * page);
            return NULL;
        }
    return p;
}

bool sprint_mappings_spare(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *held = NULL;
    if (!atomic_load(&reserve)) {
        void *made = make_reserve(page);
        if (!made)
            return false;
        if (!atomic_compare_exchange_strong(&reserve, &held, made))
            munmap(made, RESERVE * page); /* another thread was faster */
        return true;
    }
    void *probe = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe != MAP_FAILED) {
        munmap(probe, page);
        return true;
    }
    held = atomic_exchange(&reserve, NULL);
    if (held)
        munmap(held, RESERVE * page);
    return false;
}

bool sprint_mappings_probe(size_t bytes) {
    size_t all = bytes + GO_ARENA;
    void *probe = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED)
        return false;
    munmap(probe, all);
    return true;
}
