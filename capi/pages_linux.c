#include "pages.h"

#include <sys/mman.h>

bool sprint_pages_open(void *p, size_t size) {
    return mprotect(p, size, PROT_READ | PROT_WRITE) == 0;
}

void sprint_pages_close(void *p, size_t size) {
    mprotect(p, size, PROT_NONE);
}
