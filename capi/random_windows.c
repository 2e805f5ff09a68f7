#include "random.h"

#include <windows.h>

#include <bcrypt.h>

bool sprint_random_fill(unsigned char *p, size_t len) {
    while (len > 0) {
        ULONG n = len < 1 << 20 ? (ULONG)len : 1 << 20;
        if (!BCRYPT_SUCCESS(BCryptGenRandom(NULL, p, n, BCRYPT_USE_SYSTEM_PREFERRED_RNG)))
            return false;
        p += n;
        len -= n;
    }
    return true;
}

uint64_t sprint_random_number(void) {
    uint64_t number = 0;
    sprint_random_fill((unsigned char *)&number, sizeof number);
    return number;
}
