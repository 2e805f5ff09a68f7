/*
 * guest.h - the library as a guest in a process that is not its own.
 *
 * Each rule runs in a fresh process, because what is proved is the difference that the
 * first load makes: main() starts itself once per rule, and a rule loads the library
 * when it has looked at the process without it.
 */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include "sprint_dl.h"

struct rule {
    const char *name;
    void (*prove)(void);
};

#define RULE(function)                                                                             \
    { #function, function }

extern const struct rule state_rules[];
extern const struct rule thread_rules[];
extern const struct rule signal_rules[];

/** What the command line said. */
extern const char *library_path;
extern const char *relay_address, *relay_control, *relay_dir;

/** Record a failed check and say where; yields cond. */
#define CHECK(cond) check((cond) ? 1 : 0, #cond, __FILE__, __LINE__)
int check(int holds, const char *what, const char *file, int line);

/** Load the library and make one call that needs Go to be up. */
void load(struct sprint_dl *lib);
/** A completed call into Go; safe on any thread. */
void one_call(const struct sprint_dl *lib);

/** Give the calling thread a policy that is not the ordinary one and return it: SCHED_FIFO,
 * or SCHED_BATCH where the first needs a right (CAP_SYS_NICE) that is missing. */
int special_policy(void);
void sleep_ms(long ms);
/** Poll cond(arg) every 2 ms for up to 5 s; whether it held in the end. */
int eventually(int (*cond)(void *arg), void *arg);
/** A word of this kind of line in /proc/self/task/TID/status, or "" if the thread went. */
void thread_status(int tid, const char *key, char *value, size_t cap);
/** Call each(tid, arg) for every thread but the calling one. Returns how many. */
int other_threads(void (*each)(int tid, void *arg), void *arg);

#endif
