#include "library.h"

#include <stdio.h>

struct sprint_dl sprint;

static char why[512];

const char *library_load(const char *path, int32_t backend) {
    sprint_status status;

    if (sprint_dl_load(path, &sprint, why, sizeof why) != SPRINT_OK)
        return why;
    status = sprint.sprint_memory_set(SPRINT_MEM_BACKEND, backend);
    return status == SPRINT_OK ? NULL : library_error(status);
}

const char *library_error(sprint_status status) {
    int n = snprintf(why, sizeof why, "%s: ", sprint.sprint_errname(status));

    sprint.sprint_last_error(why + n, sizeof why - (size_t)n);
    return why;
}
