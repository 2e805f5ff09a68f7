/*
 * main.c - what sprint.h promises, proved against the relay.
 *
 *   sprint_test ADDRESS CONTROL DIR [--rules PART] [--except NAMES] [--slow N] [--seconds N]
 *
 * ADDRESS, CONTROL and DIR are what the relay prints when it is ready. --rules proves
 * only the rules whose name holds PART, --except leaves those named (with commas) out.
 * --slow multiplies every upper time bound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

int main(int argc, char **argv) {
    static const struct rule *const groups[] = {
        library_rules,  log_rules,   config_rules,  handle_rules,   pool_rules,    endpoint_rules,
        metrics_rules,  conn_rules,  duplex_rules,  stream_rules,   close_rules,   buffer_rules,
        borrow_rules,   guard_rules, key_rules,     lifetime_rules, memory_rules,  limit_rules,
        event_rules,    storm_rules, fork_rules,    hostile_rules,  control_rules, again_rules,
        identity_rules, loop_rules,  closing_rules, shelf_rules,
    };
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
    for (i = 0; i < sizeof groups / sizeof *groups; i++)
        check_rules(groups[i], filter, except);
    return check_summary();
}
