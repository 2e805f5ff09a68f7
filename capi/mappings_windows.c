#include "mappings.h"

#include <stdatomic.h>
#include <windows.h>

/* By how much Go's heap asks the kernel for memory (runtime, heapArenaBytes). */
#define GO_ARENA ((size_t)4 << 20)

/* Windows counts no mappings. */
bool sprint_mappings_spare(void) {
    return true;
}

/* What a probe found beyond what was asked, and what a call takes besides its bytes. */
enum { CREDIT = 1 << 20, CALL = 4096 };

static _Atomic size_t credit;

/* What runs out here is memory to commit: of the system, or of a job that bounds it. */
bool sprint_mappings_room(size_t bytes) {
    size_t left = atomic_load(&credit);
    while (left >= bytes + CALL)
        if (atomic_compare_exchange_weak(&credit, &left, left - bytes - CALL))
            return true;
    void *probe =
        VirtualAlloc(NULL, bytes + CREDIT + GO_ARENA, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS);
    if (!probe)
        return false;
    VirtualFree(probe, 0, MEM_RELEASE);
    atomic_store(&credit, CREDIT);
    return true;
}
