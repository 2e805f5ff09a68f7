/*
 * main.c - prove each rule in a process of its own.
 *
 *   guest_test LIBRARY ADDRESS CONTROL DIR [RULE]
 *
 * ADDRESS, CONTROL and DIR are what the relay prints when it is ready.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

const char *library_path, *relay_address, *relay_control, *relay_dir;

static atomic_int failures;
static const char *current_rule;

int check(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        atomic_fetch_add(&failures, 1);
        printf("FAIL %s: %s:%d: %s\n", current_rule, file, line, what);
        fflush(stdout);
    }
    return holds;
}

void load(struct sprint_dl *lib) {
    char why[256];

    if (sprint_dl_load(library_path, lib, why, sizeof why) != SPRINT_OK) {
        printf("FAIL %s: %s\n", current_rule, why);
        exit(1);
    }
    one_call(lib);
}

void one_call(const struct sprint_dl *lib) {
    sprint_config config = 0;

    CHECK(lib->sprint_config_new("relay.test:443", &config) == SPRINT_OK);
    CHECK(lib->sprint_config_set_str(config, SPRINT_OPT_NAMESPACE, "guest") == SPRINT_OK);
    lib->sprint_config_free(config);
}

int special_policy(void) {
    struct sched_param least = {.sched_priority = 1}, none = {0};

    if (sched_setscheduler(0, SCHED_FIFO, &least) == 0)
        return SCHED_FIFO;
    CHECK(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
    return SCHED_BATCH;
}

void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

int eventually(int (*cond)(void *arg), void *arg) {
    int tries;

    for (tries = 0; tries < 2500; tries++) {
        if (cond(arg))
            return 1;
        sleep_ms(2);
    }
    return 0;
}

void thread_status(int tid, const char *key, char *value, size_t cap) {
    char path[64], line[256];
    size_t len = strlen(key);
    FILE *f;

    value[0] = '\0';
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    if ((f = fopen(path, "r")) == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, len) == 0 && line[len] == ':')
            snprintf(value, cap, "%.*s", (int)strcspn(line + len + 2, "\n"), line + len + 2);
    fclose(f);
}

int other_threads(void (*each)(int tid, void *arg), void *arg) {
    DIR *dir = opendir("/proc/self/task");
    int self = (int)syscall(SYS_gettid), tid, count = 0;
    struct dirent *e;

    while ((e = readdir(dir)) != NULL) {
        tid = atoi(e->d_name);
        if (tid == 0 || tid == self)
            continue;
        each(tid, arg);
        count++;
    }
    closedir(dir);
    return count;
}

/* A rule in a process of its own; whether it ended well. */
static int prove_apart(char **argv, const char *rule) {
    char *args[] = {argv[0], argv[1], argv[2], argv[3], argv[4], (char *)rule, NULL};
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        alarm(60); /* a hang is a failure */
        execv("/proc/self/exe", args);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 0;
    if (WIFSIGNALED(status))
        printf("FAIL %s: killed by signal %d\n", rule, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv) {
    static const struct rule *const groups[] = {state_rules, thread_rules, signal_rules};
    const struct rule *rule;
    int passed = 0, failed = 0;
    size_t g;

    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: %s LIBRARY ADDRESS CONTROL DIR [RULE]\n", argv[0]);
        return 2;
    }
    library_path = argv[1];
    relay_address = argv[2];
    relay_control = argv[3];
    relay_dir = argv[4];
    for (g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (rule = groups[g]; rule->prove != NULL; rule++) {
            if (argc == 6) {
                if (strcmp(argv[5], rule->name) != 0)
                    continue;
                current_rule = rule->name;
                rule->prove();
                return failures == 0 ? 0 : 1;
            }
            if (prove_apart(argv, rule->name))
                passed++;
            else
                failed++;
        }
    }
    if (argc == 6) {
        fprintf(stderr, "%s: no such rule\n", argv[5]);
        return 2;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
