/*
 * main.c - prove each row in a process of its own and print the table.
 *
 *   guest_test LIBRARY ADDRESS CONTROL DIR TOOLS [ROW]
 *   guest_test --markdown | --names
 *
 * ADDRESS, CONTROL and DIR are what the relay prints when it is ready.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

enum { ARGS = 6, HAZARD = 62, EXPECTED = 56, SECONDS = 180 };

/* What a row's process wrote: the text after SAW is for the table, the rest is shown below
 * a row that failed. */
struct report {
    char seen[256];
    char rest[8192];
};

static void sort_out(FILE *from, struct report *r) {
    char line[1024];
    size_t len = 0;

    while (fgets(line, sizeof line, from) != NULL) {
        if (strncmp(line, "SAW ", 4) == 0)
            snprintf(r->seen, sizeof r->seen, "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
        else if (len + strlen(line) < sizeof r->rest)
            len += (size_t)snprintf(r->rest + len, sizeof r->rest - len, "%s", line);
    }
}

/* The process of a row; whether it ended well. */
static int prove_apart(char **argv, const struct row *row, struct report *r) {
    char *args[ARGS + 2];
    int out[2], status = -1;
    pid_t child;
    FILE *from;

    memset(r, 0, sizeof *r);
    memcpy(args, argv, ARGS * sizeof *args);
    args[ARGS] = (char *)row->name;
    args[ARGS + 1] = NULL;
    fflush(stdout);
    if (pipe(out) != 0)
        return 0;
    child = fork();
    if (child == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        alarm(SECONDS); /* a hang is a failure */
        execv("/proc/self/exe", args);
        _exit(127);
    }
    close(out[1]);
    if ((from = fdopen(out[0], "r")) != NULL) {
        sort_out(from, r);
        fclose(from);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 0;
    if (WIFSIGNALED(status))
        snprintf(r->seen, sizeof r->seen, "killed by signal %d", WTERMSIG(status));
    else if (r->seen[0] == '\0')
        snprintf(r->seen, sizeof r->seen, WEXITSTATUS(status) == 0 ? "as expected" : "see below");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int tabulate(char **argv) {
    const struct group *group;
    const struct row *row;
    struct report report;
    int passed = 0, limits = 0, failed = 0, well;

    for (group = groups; group->title != NULL; group++) {
        printf("\n%s\n      %-*s | %-*s | %s\n", group->title, HAZARD, "hazard", EXPECTED,
               "expected", "seen");
        for (row = group->rows; row->name != NULL; row++) {
            well = prove_apart(argv, row, &report);
            printf("%-5s %-*s | %-*s | %s\n",
                   !well        ? "FAIL"
                   : row->limit ? "limit"
                                : "ok",
                   HAZARD, row->hazard, EXPECTED, row->expected, report.seen);
            if (!well)
                printf("     in %s:\n%s", row->name, report.rest);
            passed += well && !row->limit;
            limits += well && row->limit;
            failed += !well;
        }
    }
    printf("\n%d passed, %d limits as documented, %d failed\n", passed, limits, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

static int markdown(void) {
    const struct group *group;
    const struct row *row;

    for (group = groups; group->title != NULL; group++) {
        printf("\n### %s\n\n| hazard | what is seen |\n|---|---|\n", group->title);
        for (row = group->rows; row->name != NULL; row++)
            printf("| %s | %s%s |\n", row->hazard, row->limit ? "**limit**: " : "", row->expected);
    }
    return 0;
}

static int names(void) {
    const struct group *group;
    const struct row *row;

    for (group = groups; group->title != NULL; group++)
        for (row = group->rows; row->name != NULL; row++)
            puts(row->name);
    return 0;
}

static int prove(const char *name) {
    const struct group *group;
    const struct row *row;

    for (group = groups; group->title != NULL; group++) {
        for (row = group->rows; row->name != NULL; row++) {
            if (strcmp(row->name, name) != 0)
                continue;
            row->prove();
            return failed_checks() == 0 ? 0 : 1;
        }
    }
    fprintf(stderr, "%s: no such row\n", name);
    return 2;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--markdown") == 0)
        return markdown();
    if (argc == 2 && strcmp(argv[1], "--names") == 0)
        return names();
    if (argc < ARGS || argc > ARGS + 1) {
        fprintf(stderr,
                "usage: %s LIBRARY ADDRESS CONTROL DIR TOOLS [ROW] | --markdown | --names\n",
                argv[0]);
        return 2;
    }
    library_path = argv[1];
    relay_address = argv[2];
    relay_control = argv[3];
    relay_dir = argv[4];
    tools_dir = argv[5];
    return argc > ARGS ? prove(argv[ARGS]) : tabulate(argv);
}
