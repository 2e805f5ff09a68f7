#define _GNU_SOURCE
#include "random.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/types.h>

#include "thread.h"

bool sprint_random_fill(unsigned char *p, size_t len) {
    int cancel = sprint_thread_hold(); /* getrandom(2) is a place to be cancelled at */
    ssize_t n = 0;
    while (len > 0 && (n >= 0 || errno == EINTR)) {
        n = getrandom(p, len, 0);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    sprint_thread_let_go(cancel);
    return len == 0;
}

/* The kernel gives each process 16 random bytes. */
uint64_t sprint_random_number(void) {
    uint64_t number = 0;
    const void *random = (const void *)getauxval(AT_RANDOM);
    if (random)
        memcpy(&number, random, sizeof number);
    return number;
}
