#include "pages.h"

#include <windows.h>

bool sprint_pages_open(void *p, size_t size) {
    DWORD before;
    return VirtualProtect(p, size, PAGE_READWRITE, &before);
}

/* Windows takes the lock from pages without access (STATUS_WAS_UNLOCKED): these stay
 * readable. */
void sprint_pages_close(void *p, size_t size) {
    DWORD before;
    VirtualProtect(p, size, PAGE_READONLY, &before);
}
