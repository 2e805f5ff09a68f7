/* maps.h - the mappings of a process, as /proc/PID/maps shows them. */
#ifndef ATTACK_MAPS_H
#define ATTACK_MAPS_H

#include <stdint.h>

struct mapping {
    uint64_t start, end;
    int readable;
    int of_kernel; /**< [vvar], [vdso], [vsyscall] */
};

enum { MAX_MAPPINGS = 4096 };

/** All mappings of a process, or -1 with errno. pid "self" is the caller. */
int maps_read(const char *pid, struct mapping list[MAX_MAPPINGS]);

#endif
