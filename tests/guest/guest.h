/*
 * guest.h - the library as a guest in a process that is not its own.
 *
 * A row is one hazard with what is to be seen. Each runs in a fresh process, because what
 * is proved is the difference that the first load makes: main() starts itself once per
 * row, and a row loads the library when it has looked at the process without it.
 */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include <stddef.h>

#include "sprint_dl.h"

struct row {
    const char *hazard, *expected;
    int limit; /**< not cured but documented: the row fails when it changes */
    const char *name;
    void (*prove)(void);
};

struct group {
    const char *title;
    const struct row *rows; /**< ended by one without a name */
};

/* clang-format off: the text of a row stands on lines of its own */
#define ROW(function, hazard, expected)                                                            \
    { hazard, expected, 0, #function, function }
#define LIMIT(function, hazard, expected)                                                          \
    { hazard, expected, 1, #function, function }
#define END_OF_ROWS                                                                                \
    { NULL, NULL, 0, NULL, NULL }
/* clang-format on */

/** What this program proves; ended by one without a title. */
extern const struct group groups[];

/** What the command line said. */
extern const char *library_path;
extern const char *relay_address, *relay_control, *relay_dir;
/** Where the run script built the tools of the rows. */
extern const char *tools_dir;

/** Record a failed check and say where; yields cond. */
#define CHECK(cond) check((cond) ? 1 : 0, #cond, __FILE__, __LINE__)
int check(int holds, const char *what, const char *file, int line);
int failed_checks(void);
/** What the table shows as seen. Without it a row that holds is "as expected". */
void saw(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** How a process ended, and the head of what it wrote on stdout and stderr. */
struct ending {
    int exit;   /**< its status, or -1 */
    int signal; /**< that killed it, or 0 */
    char said[8192];
};
/** Run what() in a process of its own, which ends well if its checks held. A hang is killed
 * after 30 s. Only before the load: a child forked after it is another subject. */
void apart(void (*what)(void *arg), void *arg, struct ending *e);
/** Run a program likewise; args end with NULL. */
void program(const char *const *args, struct ending *e);
/** Whether it ended well; says how it did not. */
int ended_well(const struct ending *e);
/** Wait for a child of a row's own making, likewise. */
void await(int pid, struct ending *e);
/** "exit 0" or "signal 11". */
const char *how(const struct ending *e);

/** Load the library and make one call that needs Go to be up. */
void load(struct sprint_dl *lib);
/** A completed call into Go; safe on any thread. */
void one_call(const struct sprint_dl *lib);
/** A call into Go that leaves garbage. */
void litter(const struct sprint_dl *lib);
/** Calls on four threads at once: Go starts more of its own. */
void work_on_four_threads(struct sprint_dl *lib);
/** A pool on the relay, and a lease whose peer repeats what it is sent. */
sprint_pool pool_make(const struct sprint_dl *lib);
sprint_conn lease_echo(const struct sprint_dl *lib, sprint_pool pool);
/** One exchange on such a lease. */
int echoes(const struct sprint_dl *lib, sprint_conn conn);
/** Ask the relay's control server: "POST /set?drop_idle=1". The answer is in text. */
void ask_relay(const char *request, char *text, size_t cap);

/** Give the calling thread a policy that is not the ordinary one and return it: SCHED_FIFO,
 * or SCHED_BATCH where the first needs a right (CAP_SYS_NICE) that is missing. */
int special_policy(void);
void sleep_ms(long ms);
long now_ms(void);
/** Poll cond(arg) every 2 ms for up to 5 s; whether it held in the end. */
int eventually(int (*cond)(void *arg), void *arg);
/** A word of this kind of line in /proc/self/task/TID/status, or "" if the thread went. */
void thread_status(int tid, const char *key, char *value, size_t cap);
/** A number of kB of this kind in /proc/self/status, such as VmRSS. */
long process_kb(const char *key);
/** Call each(tid, arg) for every thread but the calling one. Returns how many. */
int other_threads(void (*each)(int tid, void *arg), void *arg);

#endif
