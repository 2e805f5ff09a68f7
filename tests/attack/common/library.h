/* library.h - libsprint, loaded as by a host that was built without it. */
#ifndef ATTACK_LIBRARY_H
#define ATTACK_LIBRARY_H

#include "sprint_dl.h"

/** All functions; set by library_load(). */
extern struct sprint_dl sprint;

/**
 * Load the library and choose how its memory is backed.
 *
 * @param backend  SPRINT_BACKEND_*
 * @return NULL, or what failed; a function that the library lacks is named
 */
const char *library_load(const char *path, int32_t backend);

/** "SPRINT_E_X: what the library said", of the call that failed last on this thread. */
const char *library_error(sprint_status status);

#endif
