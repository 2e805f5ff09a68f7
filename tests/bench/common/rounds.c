/* rounds.c - the clocks, and the order in which contenders take their turns. */
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

#include "rounds.h"

uint64_t now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t cpu_ns(void) {
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return ((uint64_t)r.ru_utime.tv_sec + (uint64_t)r.ru_stime.tv_sec) * 1000000000u +
           ((uint64_t)r.ru_utime.tv_usec + (uint64_t)r.ru_stime.tv_usec) * 1000u;
}

void silence(long us) {
    struct timespec t = {us / 1000000, us % 1000000 * 1000};

    if (us > 0)
        nanosleep(&t, NULL);
}

/* Idle: 5 ms went by with next to no work. */
void settle(void) {
    uint64_t before;
    int tries;

    for (tries = 0; tries < 50; tries++) {
        before = cpu_ns();
        silence(5000);
        if (cpu_ns() - before < 50000)
            return;
    }
}

uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void random_order(uint64_t *state, int *order, int count) {
    int i, j, swap;

    for (i = 0; i < count; i++) {
        order[i] = i;
        j = (int)(next_random(state) % (uint64_t)(i + 1));
        swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
