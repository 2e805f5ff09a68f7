#include <windows.h>

#include "thread.h"

/* Not __thread: mingw-w64 frees the memory of those before this is called, and leaves their
 * addresses as they are. */
static DWORD slot = FLS_OUT_OF_INDEXES;

static void WINAPI release(void *kept) {
    if (kept)
        sprint_thread_release(kept);
}

__attribute__((constructor)) static void make_slot(void) {
    slot = FlsAlloc(release);
}

void *sprint_thread_kept(void) {
    return FlsGetValue(slot);
}

bool sprint_thread_keep(void *kept) {
    return FlsSetValue(slot, kept);
}
