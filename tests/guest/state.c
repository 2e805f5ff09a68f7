/*
 * state.c - rules about what the process is after the load: as it was before, but for
 * the signals that Go needs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

enum { SIGNALS = 65 };

/* As the kernel keeps it; libc hides signals 32 and 33. */
struct disposition {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

/* Libc adds this flag, with its own restorer, to whatever is set through it, even to
 * SIG_DFL, and never shows it: no host can tell. */
#define LIBCS_RESTORER 0x04000000ul

/* Everything of the process and of the loading thread that a guest could change. */
struct state {
    struct rlimit limits[RLIM_NLIMITS];
    struct disposition signals[SIGNALS];
    unsigned long mask;
    int policy, priority, nice;
    cpu_set_t cpus;
    int dumpable, no_new_privs, keep_caps, timer_slack, parent_death_signal;
    char name[32];
    char directory[4096];
    mode_t umask;
};

static void look(struct state *s) {
    struct sched_param param = {0};
    unsigned i;

    memset(s, 0, sizeof *s);
    for (i = 0; i < RLIM_NLIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &s->limits[i]);
    for (i = 1; i < SIGNALS; i++)
        syscall(SYS_rt_sigaction, i, NULL, &s->signals[i], sizeof s->mask);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &s->mask, sizeof s->mask);
    s->policy = sched_getscheduler(0);
    sched_getparam(0, &param);
    s->priority = param.sched_priority;
    s->nice = getpriority(PRIO_PROCESS, 0);
    sched_getaffinity(0, sizeof s->cpus, &s->cpus);
    s->dumpable = prctl(PR_GET_DUMPABLE);
    s->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    s->keep_caps = prctl(PR_GET_KEEPCAPS);
    s->timer_slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_GET_PDEATHSIG, &s->parent_death_signal);
    prctl(PR_GET_NAME, s->name);
    if (getcwd(s->directory, sizeof s->directory) == NULL)
        abort();
    umask(s->umask = umask(0));
}

/* Go handles these for its own faults and passes the host's on: docs say so. */
static int is_gos(int sig) {
    return sig == SIGBUS || sig == SIGFPE || sig == SIGSEGV || sig == SIGPIPE;
}

static int same_disposition(const struct disposition *a, const struct disposition *b) {
    return a->handler == b->handler && a->mask == b->mask &&
           (a->flags | LIBCS_RESTORER) == (b->flags | LIBCS_RESTORER);
}

/* The first difference that is not allowed, or NULL. */
static const char *difference(const struct state *a, const struct state *b) {
    static char told[160];
    int i;

    for (i = 0; i < (int)RLIM_NLIMITS; i++) {
        if (memcmp(&a->limits[i], &b->limits[i], sizeof a->limits[i]) != 0) {
            snprintf(told, sizeof told, "rlimit %d: soft %llu -> %llu, hard %llu -> %llu", i,
                     (unsigned long long)a->limits[i].rlim_cur,
                     (unsigned long long)b->limits[i].rlim_cur,
                     (unsigned long long)a->limits[i].rlim_max,
                     (unsigned long long)b->limits[i].rlim_max);
            return told;
        }
    }
    for (i = 1; i < SIGNALS; i++) {
        if (!is_gos(i) && !same_disposition(&a->signals[i], &b->signals[i])) {
            snprintf(told, sizeof told, "signal %d: flags %#lx -> %#lx, handler %schanged", i,
                     a->signals[i].flags, b->signals[i].flags,
                     a->signals[i].handler == b->signals[i].handler ? "un" : "");
            return told;
        }
    }
    if (a->mask != b->mask) {
        snprintf(told, sizeof told, "the loading thread's signal mask: %#lx -> %#lx", a->mask,
                 b->mask);
        return told;
    }
    if (a->policy != b->policy || a->priority != b->priority || a->nice != b->nice)
        return "the loading thread's scheduling policy, priority or nice value";
    if (!CPU_EQUAL(&a->cpus, &b->cpus))
        return "the loading thread's affinity";
    if (a->dumpable != b->dumpable)
        return "dumpable";
    if (a->no_new_privs != b->no_new_privs || a->keep_caps != b->keep_caps ||
        a->timer_slack != b->timer_slack || a->parent_death_signal != b->parent_death_signal)
        return "a prctl setting";
    if (strcmp(a->name, b->name) != 0)
        return "the loading thread's name";
    if (strcmp(a->directory, b->directory) != 0 || a->umask != b->umask)
        return "directory or umask";
    return NULL;
}

static void *nothing(void *arg) {
    return arg;
}

struct comparison {
    struct state before;
    const char *difference;
};

static int is_as_before(void *arg) {
    struct comparison *c = arg;
    struct state now;

    look(&now);
    return (c->difference = difference(&c->before, &now)) == NULL;
}

static int is_different(void *arg) {
    return !is_as_before(arg);
}

/* Go's own start is asynchronous, so the state must arrive at what it was before and
 * then stay there, through calls and idle time. */
static void load_changes_nothing(void) {
    struct comparison c;
    struct sprint_dl lib;
    pthread_t thread;
    int i;

    /* glibc itself takes signal 33 at the first thread. */
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    look(&c.before);
    load(&lib);
    if (!CHECK(eventually(is_as_before, &c)))
        printf("     %s\n", c.difference);
    for (i = 0; i < 500; i++) {
        one_call(&lib);
        sleep_ms(2);
        if (!CHECK(!is_different(&c))) {
            printf("     %s\n", c.difference);
            break;
        }
    }
}

static void limits_signals_and_thread_are_as_before(void) {
    load_changes_nothing();
}

/* Go raises a soft limit that is below the hard one: a host that uses select(2) would
 * get descriptors beyond FD_SETSIZE. */
static void a_low_soft_limit_on_descriptors_stays_low(void) {
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 256;
    CHECK(limit.rlim_max > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) == 0);
    load_changes_nothing();
}

static void on_signal(int sig) {
    (void)sig;
}

static void handlers_of_the_host_stay(void) {
    struct sigaction mine = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    int sig;

    sigaddset(&mine.sa_mask, SIGUSR2);
    for (sig = 1; sig < SIGNALS; sig++)
        if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
            CHECK(sigaction(sig, &mine, NULL) == 0);
    load_changes_nothing();
}

static void ignored_signals_stay_ignored(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGURG, SIGUSR1};
    size_t i;

    for (i = 0; i < sizeof signals / sizeof *signals; i++)
        CHECK(sigaction(signals[i], &ignore, NULL) == 0);
    load_changes_nothing();
}

static void a_signal_mask_of_the_host_stays(void) {
    sigset_t some;

    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGURG);
    sigaddset(&some, SIGPROF);
    CHECK(sigprocmask(SIG_BLOCK, &some, NULL) == 0);
    load_changes_nothing();
}

static void a_pinned_and_nice_batch_thread_stays_so(void) {
    struct sched_param param = {0};
    cpu_set_t one, all;
    int cpu = 0;

    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(sched_setscheduler(0, SCHED_BATCH, &param) == 0);
    errno = 0;
    CHECK(nice(3) >= 0 || errno == 0);
    load_changes_nothing();
}

static void a_real_time_thread_stays_so(void) {
    special_policy();
    load_changes_nothing();
}

static void a_process_that_may_not_be_dumped_stays_so(void) {
    CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    load_changes_nothing();
}

static void an_unusual_limit_on_locked_memory_stays(void) {
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    limit.rlim_cur = 65536;
    CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max / 2;
    CHECK(setrlimit(RLIMIT_CORE, &limit) == 0);
    load_changes_nothing();
}

const struct row state_rows[] = {
    ROW(limits_signals_and_thread_are_as_before,
        "limits, dispositions, mask, policy, affinity, prctl, directory",
        "as before, but SIGBUS, SIGFPE, SIGSEGV, SIGPIPE are Go's"),
    ROW(a_low_soft_limit_on_descriptors_stays_low,
        "RLIMIT_NOFILE: Go raises the soft limit (select(2) breaks)", "256 before, 256 after"),
    ROW(handlers_of_the_host_stay, "handlers with SA_ONSTACK for every signal",
        "as before, but for Go's four"),
    ROW(ignored_signals_stay_ignored, "ignored signals, SIGURG and SIGCHLD among them", "ignored"),
    ROW(a_signal_mask_of_the_host_stays, "a signal mask of the loading thread", "as before"),
    ROW(a_pinned_and_nice_batch_thread_stays_so,
        "the loading thread is pinned, SCHED_BATCH, nice 3", "as before"),
    ROW(a_real_time_thread_stays_so, "the loading thread is SCHED_FIFO", "as before"),
    ROW(a_process_that_may_not_be_dumped_stays_so, "PR_SET_DUMPABLE is 0", "as before"),
    ROW(an_unusual_limit_on_locked_memory_stays, "RLIMIT_MEMLOCK of 64 KiB, RLIMIT_CORE halved",
        "as before"),
    END_OF_ROWS,
};
