/*
 * panic.c - a bug of ours, caught: the library is one that panics on demand (capi/demand.go).
 *
 * Prints "panic: all passed" or what failed.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sprint.h"

enum { NO_PANIC, PANIC, NIL_DEREFERENCE, INDEX };

extern __declspec(dllimport) int32_t sprint_test_panic(int32_t kind);

static int failed;

static void check(sprint_status wanted, const char *word, sprint_status status, const char *what) {
    char why[512];

    sprint_last_error(why, sizeof why);
    if (status == wanted && (word == NULL || strstr(why, word) != NULL))
        return;
    failed = 1;
    printf("FAIL %s: %s, not %s (%s)\n", what, sprint_errname(status), sprint_errname(wanted), why);
}

static sprint_status tag(sprint_buffer key) {
    unsigned char mac[32];

    return sprint_buffer_hmac(key, SPRINT_HASH_SHA256, "x", 1, mac, sizeof mac, NULL);
}

int main(void) {
    static const char *const words[] = {"", "on demand", "nil pointer", "index out of range"};
    sprint_buffer poisoned, other;
    int kind;

    check(SPRINT_OK, NULL, sprint_buffer_random(32, 0, &other), "a buffer");
    check(SPRINT_OK, NULL, tag(other), "its use");
    for (kind = PANIC; kind <= INDEX; kind++) {
        check(SPRINT_OK, NULL, sprint_buffer_random(32, 0, &poisoned), "a buffer");
        check(SPRINT_OK, NULL, tag(poisoned), "its use");
        sprint_test_panic(kind);
        check(SPRINT_E_INTERNAL, words[kind], tag(poisoned), "a panic");
        if (sprint_test_panic(NO_PANIC) != NO_PANIC) {
            failed = 1;
            printf("FAIL nothing has panicked\n");
        }
        check(SPRINT_E_INTERNAL, "poisoned", tag(poisoned), "what was poisoned");
        check(SPRINT_OK, NULL, tag(other), "another buffer");
        sprint_buffer_free(poisoned);
    }
    sprint_buffer_free(other);
    if (!failed)
        printf("panic: all passed\n");
    return failed;
}
