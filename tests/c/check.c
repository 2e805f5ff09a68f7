/* check.c - counting and telling. */
#define _GNU_SOURCE /* strcasestr */
#include "check.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

static atomic_int failed_checks;
static const char *current_rule;
static int passed_rules, failed_rules;

int check(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        atomic_fetch_add(&failed_checks, 1);
        printf("FAIL %s: %s:%d: %s\n", current_rule, file, line, what);
    }
    return holds;
}

int check_status(sprint_status wanted, sprint_status got, const char *what, const char *file,
                 int line) {
    char text[256], told[768];

    if (got == wanted)
        return check(1, what, file, line);
    sprint_last_error(text, sizeof text);
    snprintf(told, sizeof told, "%s is %s, not %s (last error: %s)", what, sprint_errname(got),
             sprint_errname(wanted), text);
    return check(0, told, file, line);
}

int check_says(const char *word, const char *file, int line) {
    char text[1024], told[1280];

    sprint_last_error(text, sizeof text);
    if (strcasestr(text, word) != NULL)
        return check(1, word, file, line);
    snprintf(told, sizeof told, "the last error does not name %s: %s", word, text);
    return check(0, told, file, line);
}

/* Is the name one of a list of names with commas? */
static int listed(const char *name, const char *list) {
    size_t len = strlen(name);
    const char *at = list;

    for (; at != NULL && (at = strstr(at, name)) != NULL; at += len)
        if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return 1;
    return 0;
}

void check_rules(const struct rule *rules, const char *filter, const char *except) {
    int before;

    for (; rules->prove != NULL; rules++) {
        if (filter != NULL && strstr(rules->name, filter) == NULL)
            continue;
        if (listed(rules->name, except))
            continue;
        current_rule = rules->name;
        before = atomic_load(&failed_checks);
        relay_reset();
        rules->prove();
        if (atomic_load(&failed_checks) == before)
            passed_rules++;
        else
            failed_rules++;
        fflush(stdout);
    }
}

int check_summary(void) {
    printf("%d passed, %d failed\n", passed_rules, failed_rules);
    return failed_rules == 0 && passed_rules > 0 ? 0 : 1;
}
