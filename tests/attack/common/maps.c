#include "maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int maps_read(const char *pid, struct mapping list[MAX_MAPPINGS]) {
    char path[64], line[512], access;
    int n = 0;
    FILE *maps;

    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    maps = fopen(path, "re");
    if (maps == NULL)
        return -1;
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c", &list[n].start, &list[n].end, &access) != 3)
            continue; /* the rest of a long name */
        list[n].readable = access == 'r';
        list[n].of_kernel = strstr(line, " [v") != NULL;
        if (++n == MAX_MAPPINGS) {
            fclose(maps);
            errno = E2BIG;
            return -1;
        }
    }
    fclose(maps);
    return n;
}
