/*
 * check.h - rules and their checks. A rule is a function that is named as what it
 * proves; it fails when one of its checks does. Checks may be made on any thread.
 */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include "sprint.h"

struct rule {
    const char *name;
    void (*prove)(void);
};

#define RULE(function)                                                                             \
    { #function, function }
#define NO_MORE_RULES                                                                              \
    { NULL, NULL }

/** Record whether cond holds; yields cond. */
#define CHECK(cond) check((cond) ? 1 : 0, #cond, __FILE__, __LINE__)

/** Record whether a call returned the wanted status; yields 1 if so. */
#define CHECK_IS(wanted, call) check_status((wanted), (call), #call, __FILE__, __LINE__)

/** Record whether the calling thread's last error holds a word, whatever its case. */
#define CHECK_SAYS(word) check_says((word), __FILE__, __LINE__)

int check(int holds, const char *what, const char *file, int line);
int check_status(sprint_status wanted, sprint_status got, const char *what, const char *file,
                 int line);
int check_says(const char *word, const char *file, int line);

/** Prove the rules whose name holds filter (NULL: all), but those named in except (with
 *  commas; NULL: none), and count them. */
void check_rules(const struct rule *rules, const char *filter, const char *except);

/** Print "N passed, N failed". Returns what main() should. */
int check_summary(void);

#endif
