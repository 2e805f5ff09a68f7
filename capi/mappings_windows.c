#include "mappings.h"

#include <windows.h>

/* By how much Go's heap asks the kernel for memory (runtime, heapArenaBytes). */
#define GO_ARENA ((size_t)4 << 20)

/* Windows counts no mappings. */
bool sprint_mappings_spare(void) {
    return true;
}

/* What runs out here is memory to commit: of the system, or of a job that bounds it. */
bool sprint_mappings_probe(size_t bytes) {
    void *probe = VirtualAlloc(NULL, bytes + GO_ARENA, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS);
    if (!probe)
        return false;
    VirtualFree(probe, 0, MEM_RELEASE);
    return true;
}
