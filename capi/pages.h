/* What may be done with the pages of a slot. */
#ifndef SPRINT_PAGES_H
#define SPRINT_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Make pages readable and writable; false if the kernel refuses. */
bool sprint_pages_open(void *p, size_t size);

/* Take access from pages, as far as they stay locked without it. */
void sprint_pages_close(void *p, size_t size);

#endif
