/* ends.c - rows about the end of threads and of the process. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "guest.h"

static struct sprint_dl lib;
static sprint_pool pool;
static sprint_conn quiet;
static atomic_int in_flight;

static void *call_for_ever(void *arg) {
    sprint_conn conn;

    (void)arg;
    for (;;) {
        one_call(&lib);
        conn = lease_echo(&lib, pool);
        CHECK(echoes(&lib, conn));
        lib.sprint_conn_discard(conn);
        atomic_fetch_add(&in_flight, 1);
    }
    return NULL;
}

static void *read_for_ever(void *arg) {
    char buf[16];
    size_t n;

    (void)arg;
    lib.sprint_conn_read(quiet, buf, sizeof buf, -1, &n);
    return NULL;
}

static int enough_in_flight(void *arg) {
    return atomic_load(&in_flight) >= *(int *)arg;
}

static void exit_between_calls(void *arg) {
    int wanted = 20;
    pthread_t thread;
    int i;

    (void)arg;
    load(&lib);
    pool = pool_make(&lib);
    quiet = lease_echo(&lib, pool);
    CHECK(pthread_create(&thread, NULL, read_for_ever, NULL) == 0);
    for (i = 0; i < 3; i++)
        CHECK(pthread_create(&thread, NULL, call_for_ever, NULL) == 0);
    CHECK(eventually(enough_in_flight, &wanted));
    exit(failed_checks() == 0 ? 0 : 1);
}

static void exit_with_calls_in_flight(void) {
    int i, clean = 0;
    struct ending e;

    for (i = 0; i < 15; i++) {
        apart(exit_between_calls, NULL, &e);
        clean += CHECK(ended_well(&e)) && CHECK(e.said[0] == '\0');
    }
    saw("%d of %d end with status 0", clean, i);
}

static int late_calls;

static void call_late(void) {
    sprint_buffer buffer = 0;

    one_call(&lib);
    CHECK(lib.sprint_buffer_random(32, 0, &buffer) == SPRINT_OK);
    lib.sprint_buffer_free(buffer);
    lib.sprint_pool_free(pool);
    if (++late_calls == 3 && failed_checks() == 0)
        dprintf(1, "three late callers were served\n");
}

/* The executable's, so it runs after what was registered. */
__attribute__((destructor)) static void call_in_destructor(void) {
    if (late_calls == 2)
        call_late();
}

static void exit_through_handlers(void *arg) {
    (void)arg;
    CHECK(atexit(call_late) == 0); /* runs after the library's own */
    load(&lib);
    CHECK(atexit(call_late) == 0); /* and before */
    pool = pool_make(&lib);
    lease_echo(&lib, pool);
    exit(0);
}

static void handlers_at_exit_may_call(void) {
    struct ending e;

    apart(exit_through_handlers, NULL, &e);
    CHECK(ended_well(&e));
    CHECK(strstr(e.said, "three late callers were served") != NULL);
}

static void die_of(void *sig) {
    load(&lib);
    kill(getpid(), *(int *)sig);
    for (;;)
        pause();
}

static void signals_that_end_a_process_end_it(void) {
    static int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGPROF, SIGUSR1};
    struct ending e;
    size_t i;

    for (i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        apart(die_of, &deadly[i], &e);
        CHECK(e.signal == deadly[i]);
        CHECK(e.said[0] == '\0');
    }
}

/* ------------------------------------------------------------------ threads that end */

static void *call_once(void *arg) {
    one_call(arg);
    return NULL;
}

static void one_after_another(int threads, const pthread_attr_t *attributes) {
    pthread_t thread;
    int i;

    for (i = 0; i < threads; i++)
        if (CHECK(pthread_create(&thread, attributes, call_once, &lib) == 0))
            pthread_join(thread, NULL);
}

static void count_thread(int tid, void *arg) {
    (void)tid;
    (void)arg;
}

static void ten_thousand_threads_leave_nothing(void) {
    long before, after;
    int threads;

    load(&lib);
    one_after_another(10000, NULL); /* Go's heap has its first size */
    before = process_kb("VmRSS");
    threads = other_threads(count_thread, NULL);
    one_after_another(10000, NULL);
    after = process_kb("VmRSS");
    CHECK(after - before < 2048);
    /* Go makes one for each of its eight processors, when they first have work at once. */
    CHECK(other_threads(count_thread, NULL) <= threads + 8);
    saw("%+ld KiB, %d threads of Go", after - before, other_threads(count_thread, NULL));
}

static atomic_int begun;

static int has_begun(void *arg) {
    (void)arg;
    return atomic_load(&begun);
}

static void *read_until_cancelled(void *came_back) {
    char buf[16];
    size_t n;

    atomic_store(&begun, 1);
    *(sprint_status *)came_back = lib.sprint_conn_read(quiet, buf, sizeof buf, 300, &n);
    for (;;)
        pause(); /* the thread's own wait, where it ends */
    return NULL;
}

/* Ended inside of a call, the thread would leave the connection busy for ever. */
static void a_cancelled_thread_ends_after_its_call(void) {
    sprint_status came_back = SPRINT_OK;
    pthread_t thread;
    void *result;
    int i;

    load(&lib);
    pool = pool_make(&lib);
    for (i = 0; i < 4; i++) {
        quiet = lease_echo(&lib, pool);
        came_back = SPRINT_OK;
        atomic_store(&begun, 0);
        CHECK(pthread_create(&thread, NULL, read_until_cancelled, &came_back) == 0);
        CHECK(i == 0 || eventually(has_begun, NULL));
        sleep_ms(i * 20); /* on its way in, or waiting */
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
        CHECK(i == 0 || came_back == SPRINT_E_TIMEOUT);
        CHECK(echoes(&lib, quiet));
        lib.sprint_conn_discard(quiet);
    }
}

enum { HERD = 200 };

static void a_herd_of_threads_at_once(void) {
    pthread_t threads[HERD];
    int i;

    load(&lib);
    for (i = 0; i < HERD; i++)
        CHECK(pthread_create(&threads[i], NULL, call_once, &lib) == 0);
    for (i = 0; i < HERD; i++)
        pthread_join(threads[i], NULL);
}

static void threads_with_small_stacks(void) {
    pthread_attr_t attributes;

    load(&lib);
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, 32 * 1024) == 0);
    one_after_another(200, &attributes);
}

static ucontext_t host, fibre;

static void call_in_fibre(void) {
    for (;;) {
        one_call(&lib);
        litter(&lib);
        swapcontext(&fibre, &host);
    }
}

static void calls_from_a_fibre(void) {
    enum { SIZE = 64 * 1024 };
    int i;

    load(&lib);
    CHECK(getcontext(&fibre) == 0);
    fibre.uc_stack.ss_sp = malloc(SIZE);
    fibre.uc_stack.ss_size = SIZE;
    makecontext(&fibre, call_in_fibre, 0);
    for (i = 0; i < 200; i++) {
        one_call(&lib);
        CHECK(swapcontext(&host, &fibre) == 0);
    }
}

static void has_uid(int tid, void *arg) {
    char value[64];

    thread_status(tid, "Uid", value, sizeof value);
    CHECK(value[0] == '\0' || strtol(value, NULL, 10) == *(long *)arg);
}

static void give_up_root(void *arg) {
    long nobody = getuid() == 0 ? 65534 : (long)getuid();

    (void)arg;
    load(&lib);
    CHECK(setresuid((uid_t)nobody, (uid_t)nobody, (uid_t)nobody) == 0);
    CHECK(other_threads(has_uid, &nobody) > 0);
    one_call(&lib);
}

static void giving_up_root_reaches_gos_threads(void) {
    struct ending e;

    apart(give_up_root, NULL, &e);
    CHECK(ended_well(&e));
}

const struct row end_rows[] = {
    ROW(exit_with_calls_in_flight, "exit() with calls in flight on four threads",
        "15 of 15 end with status 0"),
    ROW(handlers_at_exit_may_call, "calls from atexit handlers and a destructor", "served"),
    ROW(signals_that_end_a_process_end_it, "INT, TERM, HUP, QUIT, ABRT, PROF, USR1 by default",
        "the process dies of that very signal"),
    ROW(ten_thousand_threads_leave_nothing, "10,000 threads, one after another, a call in each",
        "less than 2 MiB more, none of Go's for each"),
    ROW(a_cancelled_thread_ends_after_its_call,
        "pthread_cancel(3) of a thread that waits in a read",
        "ends after the call; the lease goes on"),
    ROW(a_herd_of_threads_at_once, "200 threads make their first call at once", "served"),
    ROW(threads_with_small_stacks, "threads with 32 KiB of stack", "served"),
    ROW(calls_from_a_fibre, "swapcontext(3): calls on two stacks in turn", "served"),
    ROW(giving_up_root_reaches_gos_threads, "setresuid(2) after the load", "Go's threads, too"),
    END_OF_ROWS,
};
