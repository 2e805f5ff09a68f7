/* signals.c - rules about signals that are meant for the host. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

static atomic_int seen, on_wrong_thread;
static pid_t host_thread;

static void count(int sig) {
    (void)sig;
    atomic_fetch_add(&seen, 1);
    if ((pid_t)syscall(SYS_gettid) != host_thread)
        atomic_fetch_add(&on_wrong_thread, 1);
}

static void handle(int sig) {
    struct sigaction mine = {.sa_handler = count, .sa_flags = SA_ONSTACK};

    host_thread = (pid_t)syscall(SYS_gettid);
    CHECK(sigaction(sig, &mine, NULL) == 0);
}

/* Dials, handshakes, round trips and garbage: all that could make Go send itself SIGURG. */
static void keep_go_busy(const struct sprint_dl *lib) {
    sprint_pool pool = pool_make(lib);
    sprint_conn conn;
    int i, j;

    for (i = 0; i < 15; i++) {
        conn = lease_echo(lib, pool);
        for (j = 0; j < 50; j++)
            CHECK(echoes(lib, conn));
        lib->sprint_conn_discard(conn);
    }
    lib->sprint_pool_free(pool);
}

static int have_seen(void *arg) {
    return atomic_load(&seen) == *(int *)arg;
}

static void the_hosts_signal_arrives_and_no_other(int sig, const struct sprint_dl *lib) {
    int wanted = 0, i;

    keep_go_busy(lib);
    CHECK(seen == 0); /* none that the host did not send */
    for (i = 0; i < 3; i++) {
        CHECK(raise(sig) == 0);
        CHECK(seen == ++wanted);
        wanted++; /* to the process: the kernel picks a thread that takes it */
        CHECK(kill(getpid(), sig) == 0);
        CHECK(eventually(have_seen, &wanted));
    }
    keep_go_busy(lib);
    CHECK(seen == wanted && on_wrong_thread == 0);
}

static void a_sigurg_handler_set_before_the_load_is_the_hosts_alone(void) {
    struct sprint_dl lib;

    handle(SIGURG);
    load(&lib);
    the_hosts_signal_arrives_and_no_other(SIGURG, &lib);
}

static void a_sigurg_handler_set_after_the_load_is_the_hosts_alone(void) {
    struct sprint_dl lib;

    load(&lib);
    handle(SIGURG);
    the_hosts_signal_arrives_and_no_other(SIGURG, &lib);
}

static const int host_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGWINCH};
enum { HOST_SIGNALS = sizeof host_signals / sizeof *host_signals };

static void *take_the_hosts_signals(void *lib) {
    sigset_t none;
    int i;

    sigemptyset(&none);
    CHECK(pthread_sigmask(SIG_SETMASK, &none, NULL) == 0);
    for (i = 0; i < HOST_SIGNALS; i++) {
        atomic_store(&seen, 0);
        handle(host_signals[i]);
        the_hosts_signal_arrives_and_no_other(host_signals[i], lib);
    }
    return NULL;
}

/* The kernel prefers the main thread; where that one blocks, as in hosts with a thread
 * for signals, it takes any other that does not. */
static void signals_to_the_process_run_on_the_hosts_thread(void) {
    struct sprint_dl lib;
    pthread_t thread;
    sigset_t all;

    load(&lib);
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, take_the_hosts_signals, &lib) == 0);
    pthread_join(thread, NULL);
}

static atomic_int littering, over, on_go_thread;
static __thread int is_the_hosts;

static void count_off_host(int sig) {
    (void)sig;
    atomic_fetch_add(&seen, 1);
    if (!is_the_hosts)
        atomic_fetch_add(&on_go_thread, 1);
}

/* Keeps Go's garbage collector at work: it would preempt threads with SIGURG. */
static void *litter_on(void *lib) {
    is_the_hosts = 1;
    atomic_store(&littering, 1);
    while (!atomic_load(&over))
        litter(lib);
    return NULL;
}

/* The calls that are never restarted, whatever SA_RESTART says: signal(7). */
static int interrupted_waits(int poller) {
    const struct timespec ms = {0, 1000000};
    struct epoll_event event;

    return (poll(NULL, 0, 1) != 0) + (nanosleep(&ms, NULL) != 0) +
           (epoll_wait(poller, &event, 1, 1) != 0);
}

/* Host handlers without SA_RESTART see EINTR only from the host's own signals. */
static void system_calls_of_the_host_are_not_interrupted(void) {
    int i, calls = 0, interrupted = 0, poller = epoll_create1(EPOLL_CLOEXEC);
    struct sprint_dl lib;
    pthread_t thread;
    long until;

    load(&lib);
    handle(SIGURG);
    CHECK(poller >= 0 && pthread_create(&thread, NULL, litter_on, &lib) == 0);
    for (until = now_ms() + 1500; now_ms() < until || calls <= 500; calls += 10) {
        for (i = 0; i < 9; i++)
            one_call(&lib);
        interrupted += interrupted_waits(poller);
    }
    atomic_store(&over, 1);
    pthread_join(thread, NULL);
    close(poller);
    CHECK(interrupted == 0 && seen == 0);
    saw("%d interrupted, %d SIGURG", interrupted, seen);
}

/* Go cannot run a handler on the small stack of a goroutine: the kernel must not pick a
 * Go thread for a handler that the host set without SA_ONSTACK. */
static void a_handler_without_sa_onstack_meets_no_go_thread(void) {
    const struct timespec every = {0, 500000};
    struct itimerspec tick = {every, every};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct sigaction mine = {.sa_handler = count_off_host};
    struct sprint_dl lib;
    pthread_t thread;
    timer_t timer;
    long until;
    int i;

    load(&lib);
    is_the_hosts = 1;
    CHECK(sigaction(SIGALRM, &mine, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, litter_on, &lib) == 0);
    while (!atomic_load(&littering)) /* before, it does not say that it is the host's */
        sched_yield();
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &tick, NULL) == 0);
    for (until = now_ms() + 500; now_ms() < until || atomic_load(&seen) <= 50;)
        for (i = 0; i < 100; i++)
            one_call(&lib);
    CHECK(timer_delete(timer) == 0);
    atomic_store(&over, 1);
    pthread_join(thread, NULL);
    CHECK(on_go_thread == 0);
    saw("%d handled, %d on Go threads", seen, on_go_thread);
}

static void add_signal_if_open(int tid, void *arg) {
    char value[64];

    thread_status(tid, "SigBlk", value, sizeof value);
    if (value[0] != '\0')
        *(unsigned long long *)arg |= ~strtoull(value, NULL, 16);
}

/* Go opens these in each of its threads, whatever they were started with. */
static void go_threads_take_sigprof_and_sigchld(void) {
    unsigned long long open = 0;
    struct sprint_dl lib;
    char list[256] = "";
    size_t len = 0;
    int sig;

    load(&lib);
    other_threads(add_signal_if_open, &open);
    for (sig = 1; sig <= 64; sig++)
        if (open >> (sig - 1) & 1 && sig != SIGKILL && sig != SIGSTOP)
            len += (size_t)snprintf(list + len, sizeof list - len, " %d", sig);
    CHECK(open >> (SIGPROF - 1) & 1 && open >> (SIGCHLD - 1) & 1);
    CHECK(!(open >> (SIGURG - 1) & 1) && !(open >> (SIGALRM - 1) & 1));
    saw("open:%s", list);
}

static void nothing_to_do(int sig) {
    (void)sig;
}

static void handlers_get_sa_onstack(void) {
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1, SIGUSR2,
                                  SIGALRM, SIGTERM, SIGCHLD, SIGPROF, SIGWINCH};
    enum { SIGNALS = sizeof signals / sizeof *signals };
    struct sigaction mine = {.sa_handler = nothing_to_do}, now;
    struct sprint_dl lib;
    int i, changed = 0;

    for (i = 0; i < SIGNALS; i++)
        CHECK(sigaction(signals[i], &mine, NULL) == 0);
    load(&lib);
    for (i = 0; i < SIGNALS; i++) {
        CHECK(sigaction(signals[i], NULL, &now) == 0);
        CHECK(now.sa_handler == nothing_to_do);
        changed += (now.sa_flags & SA_ONSTACK) != 0;
    }
    CHECK(changed == SIGNALS);
    saw("%d of %d got it", changed, SIGNALS);
}

const struct row signal_rows[] = {
    ROW(a_sigurg_handler_set_before_the_load_is_the_hosts_alone,
        "SIGURG handler of the host, set before the load", "each delivered once, none of Go's"),
    ROW(a_sigurg_handler_set_after_the_load_is_the_hosts_alone,
        "SIGURG handler of the host, set after the load", "each delivered once, none of Go's"),
    ROW(signals_to_the_process_run_on_the_hosts_thread,
        "INT, TERM, HUP, USR1, ALRM, WINCH to the process, under load",
        "each handled once, on the host's thread"),
    ROW(system_calls_of_the_host_are_not_interrupted,
        "EINTR in poll(2), nanosleep(2), epoll_wait(2) while Go collects garbage",
        "0 interrupted, 0 SIGURG"),
    ROW(a_handler_without_sa_onstack_meets_no_go_thread,
        "handler without SA_ONSTACK, set after the load; a timer", "no Go thread runs it"),
    LIMIT(go_threads_take_sigprof_and_sigchld,
          "SIGPROF, SIGCHLD and the faults are open in Go's threads",
          "handlers of these need SA_ONSTACK"),
    LIMIT(handlers_get_sa_onstack, "handlers set before the load, without SA_ONSTACK",
          "the flag is added"),
    END_OF_ROWS,
};
