/*
 * main.c - what sprint.h promises, proved against the relay.
 *
 *   sprint_test ADDRESS CONTROL DIR [--rules PART] [--except NAMES] [--slow N] [--seconds N]
 *
 * ADDRESS, CONTROL and DIR are what the relay prints when it is ready. --rules proves
 * only the rules whose name holds PART, --except leaves those named (with commas) out.
 * --slow multiplies the time that things may take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

int main(int argc, char **argv) {
    const char *filter = NULL, *except = NULL;
    size_t i;
    int a;

    for (a = 4; a + 1 < argc; a += 2) {
        if (strcmp(argv[a], "--rules") == 0)
            filter = argv[a + 1];
        else if (strcmp(argv[a], "--except") == 0)
            except = argv[a + 1];
        else if (strcmp(argv[a], "--slow") == 0)
            settings.slow = atoi(argv[a + 1]);
        else if (strcmp(argv[a], "--seconds") == 0)
            settings.seconds = atoi(argv[a + 1]);
        else
            break;
    }
    if (argc < 4 || a != argc || settings.slow < 1 || settings.seconds < 1) {
        fprintf(stderr,
                "usage: %s ADDRESS CONTROL DIR [--rules PART] [--except NAMES] [--slow N] "
                "[--seconds N]\n",
                argv[0]);
        return 2;
    }
    settings.address = argv[1];
    settings.control = argv[2];
    settings.dir = argv[3];
    for (i = 0; groups[i] != NULL; i++)
        check_rules(groups[i], filter, except);
    return check_summary();
}
