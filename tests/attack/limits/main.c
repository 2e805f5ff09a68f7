/*
 * main.c - prove each rule in a process of its own, with each backend.
 *
 *   limits LIBRARY [RULE]
 *
 * Run as an ordinary user: root's CAP_IPC_LOCK would lift the limits. Prints "N passed,
 * N failed".
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limits.h"

enum { PATIENCE = 120 }; /* seconds for one rule */

int32_t backend;

static const char *library, *current;
static int failures;

int check(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        failures++;
        dprintf(STDOUT_FILENO, "FAIL %s: %s:%d: %s\n", current, file, line, what);
    }
    return holds;
}

int check_status(sprint_status wanted, sprint_status got, const char *what, const char *file,
                 int line) {
    char text[512];

    if (wanted == got)
        return 1;
    snprintf(text, sizeof text, "%s is %s", what,
             got == SPRINT_OK ? "SPRINT_OK" : library_error(got));
    return check(0, text, file, line);
}

int checks_failed(void) {
    return failures;
}

void load(void) {
    const char *why = library_load(library, backend);

    if (why != NULL) {
        check(0, why, __FILE__, __LINE__);
        exit(1);
    }
}

void set_lock_limit(uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard};

    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
}

uint64_t locked_bytes(void) {
    char line[256];
    unsigned long kib = 0;
    int found = 0;
    FILE *status = fopen("/proc/self/status", "re");

    while (status != NULL && !found && fgets(line, sizeof line, status) != NULL)
        found = sscanf(line, "VmLck: %lu kB", &kib) == 1;
    if (status != NULL)
        fclose(status);
    CHECK(found);
    return (uint64_t)kib << 10;
}

/* Whether the rule held. */
static int prove(const struct rule *rule) {
    int status;
    pid_t child = fork();

    current = rule->name;
    if (child == 0) {
        alarm(PATIENCE);
        rule->prove();
        exit(failures != 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return check(0, "no process", __FILE__, __LINE__);
    if (WIFSIGNALED(status))
        return check(0, strsignal(WTERMSIG(status)), __FILE__, __LINE__);
    return WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv) {
    static const struct rule *const groups[] = {memlock_rules, mapping_rules, sealed_rules,
                                                fork_rules};
    static const char *const names[] = {
        [SPRINT_BACKEND_SECRETMEM] = "secretmem", [SPRINT_BACKEND_MLOCK] = "mlock"};
    const struct rule *rule;
    int passed = 0, failed = 0;
    size_t i;

    if (argc < 2 || argc > 3)
        return 2;
    if (geteuid() == 0) {
        fputs("limits: run me as an ordinary user\n", stderr);
        return 2;
    }
    library = argv[1];
    for (backend = SPRINT_BACKEND_SECRETMEM; backend <= SPRINT_BACKEND_MLOCK; backend++)
        for (i = 0; i < sizeof groups / sizeof *groups; i++)
            for (rule = groups[i]; rule->name != NULL; rule++) {
                if (argc == 3 && strstr(rule->name, argv[2]) == NULL)
                    continue;
                if (prove(rule)) {
                    passed++;
                } else {
                    failed++;
                    printf("FAIL %s: %s\n", names[backend], rule->name);
                    fflush(stdout);
                }
            }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
