/* Random numbers of the system. */
#ifndef SPRINT_RANDOM_H
#define SPRINT_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fill len bytes from the kernel's generator; false if it refuses. */
bool sprint_random_fill(unsigned char *p, size_t len);

/* A number of this process, for keys that hide nothing. */
uint64_t sprint_random_number(void);

#endif
