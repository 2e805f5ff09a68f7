/*
 * main.c - what sprint.h promises, proved on Windows.
 *
 *   sprint_test ADDRESS CONTROL DIR [--rules PART] [--except NAMES]
 *
 * The arguments are those of tests/c, whose rules these are but for those in files that need
 * POSIX: duplex, event, fork, log and loop.
 */
#include <stdio.h>
#include <string.h>

#include "../c/rules.h"
#include "../c/support.h"

extern const struct rule windows_rules[];

int main(int argc, char **argv) {
    static const struct rule *const groups[] = {
        windows_rules, library_rules, endpoint_rules, stream_rules,   again_rules,   config_rules,
        handle_rules,  pool_rules,    metrics_rules,  conn_rules,     close_rules,   buffer_rules,
        borrow_rules,  guard_rules,   key_rules,      lifetime_rules, memory_rules,  limit_rules,
        storm_rules,   hostile_rules, control_rules,  identity_rules, closing_rules,
    };
    const char *filter = NULL, *except = NULL;
    size_t i;
    int a;

    for (a = 4; a + 1 < argc; a += 2) {
        if (strcmp(argv[a], "--rules") == 0)
            filter = argv[a + 1];
        else if (strcmp(argv[a], "--except") == 0)
            except = argv[a + 1];
        else
            break;
    }
    if (argc < 4 || a != argc) {
        fprintf(stderr, "usage: %s ADDRESS CONTROL DIR [--rules PART] [--except NAMES]\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    settings.address = argv[1];
    settings.control = argv[2];
    settings.dir = argv[3];
    settings.slow = 5;
    settings.seconds = 1;
    for (i = 0; i < sizeof groups / sizeof *groups; i++)
        check_rules(groups[i], filter, except);
    return check_summary();
}
