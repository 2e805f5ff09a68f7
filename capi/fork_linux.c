#define _GNU_SOURCE
#include "fork.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "thread.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* Two ways to notice: a page that the kernel wipes in a child, also after a raw
 * clone(2) that runs no handlers, and a handler where the page cannot be had (a
 * kernel before 4.14, an emulator that ignores the advice). */
static const _Atomic uint32_t always = 1;
const _Atomic uint32_t *sprint_fork_mark = &always;
bool sprint_fork_seen;

/* Shared with children, so that the parent can count what was refused there. */
static _Atomic uint64_t refused_here;
static _Atomic uint64_t *refused = &refused_here;

static void in_child(void) {
    sprint_fork_seen = true;
}

__attribute__((constructor(102))) static void prepare(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *mark = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark != MAP_FAILED) {
        if (madvise(mark, page, MADV_WIPEONFORK) == 0) {
            *(_Atomic uint32_t *)mark = 1;
            sprint_fork_mark = mark;
        } else {
            munmap(mark, page);
        }
    }
    void *shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED)
        refused = shared;
    pthread_atfork(NULL, NULL, in_child);
}

sprint_status sprint_refuse_forked(void) {
    atomic_fetch_add(refused, 1);
    return sprint_fail(SPRINT_E_FORKED,
                       "sprint: this process was forked after the library was loaded");
}

uint64_t sprint_forks_refused(void) {
    return atomic_load(refused);
}
