#include "wait.h"

#include <windows.h>

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

int64_t sprint_now(void) {
    static int64_t frequency; /* the same for all who set it */
    LARGE_INTEGER n;
    int64_t per_second = __atomic_load_n(&frequency, __ATOMIC_RELAXED);
    if (per_second == 0) {
        QueryPerformanceFrequency(&n);
        per_second = n.QuadPart;
        __atomic_store_n(&frequency, per_second, __ATOMIC_RELAXED);
    }
    QueryPerformanceCounter(&n);
    return n.QuadPart / per_second * SECOND + n.QuadPart % per_second * SECOND / per_second;
}

void sprint_wait_bell(_Atomic uint32_t *bell, int64_t until) {
    uint32_t silent = 0;
    int64_t ms = (until - sprint_now()) / MS + 1;
    /* 1 ms at least: Go's clock, which ends the wait, may be that much behind. */
    if (ms < 1)
        ms = 1;
    if (atomic_load(bell) == 0)
        WaitOnAddress((void *)bell, &silent, sizeof silent, ms < INFINITE ? (DWORD)ms : INFINITE);
    atomic_store(bell, 0);
}

void sprint_wait_ring(uint32_t *bell) {
    if (bell)
        WakeByAddressSingle(bell);
}

/* Connections have no descriptor here. */
bool sprint_wait_silent(int fd) {
    (void)fd;
    return false;
}
