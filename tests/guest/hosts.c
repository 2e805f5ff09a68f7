/* hosts.c - rows about hosts in other languages: programs of their own (tools/). */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

static void python(const char *method, const char *moment, const char *expected) {
    const char *args[] = {"python3", "tests/guest/tools/workers.py", method, moment, NULL};
    struct ending e;

    program(args, &e);
    CHECK(ended_well(&e));
    if (!CHECK(strncmp(e.said, expected, strlen(expected)) == 0))
        printf("%s\n", e.said);
    saw("%.*s", (int)strcspn(e.said, "\n"), e.said);
}

static void python_forks_before_its_first_call(void) {
    python("fork", "before", "3 of 3 served");
}

static void python_forks_after_its_first_call(void) {
    python("fork", "after", "3 of 3 refused: ForkedError");
}

static void python_spawns(void) {
    python("spawn", "after", "3 of 3 served");
}

static void python_has_a_fork_server(void) {
    python("forkserver", "after", "3 of 3 served");
}

static void faulthandler(const char *moment) {
    const char *args[] = {"python3", "tests/guest/tools/crash.py", moment, NULL};
    struct ending e;

    program(args, &e);
    CHECK(e.signal == SIGSEGV);
    if (!CHECK(strstr(e.said, "in guilty") != NULL))
        printf("%s\n", e.said);
    saw("%s, %s", how(&e), strstr(e.said, "in guilty") != NULL ? "in guilty" : "no traceback");
}

static void faulthandler_enabled_before(void) {
    faulthandler("before");
}

static void faulthandler_enabled_after(void) {
    faulthandler("after");
}

/* The tool overflows its stack; with the library it is linked to it, so that Go's handlers
 * are there before Rust's. */
static void overflow(const char *tool, struct ending *e) {
    char path[512];
    const char *args[] = {path, NULL};

    snprintf(path, sizeof path, "%s/%s", tools_dir, tool);
    program(args, e);
}

static void rusts_message_for_an_overflow_is_lost(void) {
    struct ending without, with;

    overflow("overflow", &without);
    CHECK(without.signal == SIGABRT && strstr(without.said, "has overflowed its stack") != NULL);
    overflow("overflow_linked", &with);
    CHECK(with.signal == SIGSEGV && strstr(with.said, "has overflowed its stack") == NULL);
    saw("%s, without the library %s", how(&with), how(&without));
}

const struct row host_rows[] = {
    ROW(python_forks_before_its_first_call,
        "Python multiprocessing, fork; the parent imported only", "workers are served"),
    ROW(python_forks_after_its_first_call, "Python multiprocessing, fork; the parent made a call",
        "ForkedError at once"),
    ROW(python_spawns, "Python multiprocessing, spawn", "workers are served"),
    ROW(python_has_a_fork_server, "Python multiprocessing, forkserver", "workers are served"),
    ROW(faulthandler_enabled_before, "Python faulthandler, enabled before the load; a crash",
        "signal 11 with its traceback"),
    ROW(faulthandler_enabled_after, "Python faulthandler, enabled after; a crash",
        "signal 11 with its traceback"),
    LIMIT(rusts_message_for_an_overflow_is_lost, "Rust linked with the library: stack overflow",
          "signal 11 without Rust's message (6 with it)"),
    END_OF_ROWS,
};
