/* threads.c - rules about the threads and descriptors that come with the library. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* Never blocked in a Go thread: faults are synchronous, KILL and STOP cannot be, and Go
 * keeps 16, CHLD, PROF and what libc uses inside. Those are documented limits. */
static const int may_be_open[] = {4, 5, 7, 8, 9, 11, 16, 17, 19, 27, 32, 33, 34};

static void has_everything_blocked(int tid, void *arg) {
    unsigned long long blocked;
    char value[64];
    size_t i;

    (void)arg;
    thread_status(tid, "SigBlk", value, sizeof value);
    if (value[0] == '\0')
        return; /* it ended meanwhile */
    blocked = strtoull(value, NULL, 16);
    for (i = 0; i < sizeof may_be_open / sizeof *may_be_open; i++)
        blocked |= 1ULL << (may_be_open[i] - 1);
    if (!CHECK(blocked == ~0ULL))
        printf("     thread %d: SigBlk %s\n", tid, value);
}

/* Work that makes Go start more threads than it begins with. */
static void *work(void *arg) {
    const struct sprint_dl *lib = arg;
    int i;

    for (i = 0; i < 300; i++)
        one_call(lib);
    return NULL;
}

static void work_on_four_threads(struct sprint_dl *lib) {
    pthread_t threads[4];
    int i;

    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, work, lib) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void go_threads_block_every_signal_that_they_can(void) {
    struct sprint_dl lib;

    CHECK(other_threads(has_everything_blocked, NULL) == 0);
    load(&lib);
    CHECK(other_threads(has_everything_blocked, NULL) > 0);
    work_on_four_threads(&lib);
    CHECK(other_threads(has_everything_blocked, NULL) > 0);
}

static void may_use_every_cpu(int tid, void *arg) {
    cpu_set_t cpus;

    if (sched_getaffinity(tid, sizeof cpus, &cpus) == 0 && !CHECK(CPU_EQUAL(&cpus, arg)))
        printf("     thread %d: %d CPUs, not %d\n", tid, CPU_COUNT(&cpus),
               CPU_COUNT((cpu_set_t *)arg));
}

static void go_threads_of_a_pinned_host_are_not_pinned(void) {
    struct sprint_dl lib;
    cpu_set_t all, one, after;
    int cpu = 0;

    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    load(&lib);
    CHECK(sched_getaffinity(0, sizeof after, &after) == 0 && CPU_EQUAL(&after, &one));
    CHECK(other_threads(may_use_every_cpu, &all) > 0);
}

static void is_scheduled_ordinarily(int tid, void *arg) {
    int policy = sched_getscheduler(tid);

    (void)arg;
    if (!CHECK(policy < 0 || policy == SCHED_OTHER))
        printf("     thread %d: policy %d\n", tid, policy);
}

static void go_threads_of_a_special_host_are_ordinary(void) {
    struct sprint_dl lib;
    int policy = special_policy();

    load(&lib);
    CHECK(sched_getscheduler(0) == policy);
    CHECK(other_threads(is_scheduled_ordinarily, NULL) > 0);
}

static void count_thread(int tid, void *arg) {
    (void)tid;
    (void)arg;
}

/* A budget: what the Go runtime needs to begin with, and nothing of ours. */
static void few_threads_come_with_the_library(void) {
    struct sprint_dl lib;
    int threads;

    load(&lib);
    threads = other_threads(count_thread, NULL);
    if (!CHECK(threads <= 8))
        printf("     %d threads\n", threads);
}

static int count_sockets(void) {
    DIR *dir = opendir("/proc/self/fd");
    char link[64], path[512];
    struct dirent *e;
    int count = 0;
    ssize_t n;

    while ((e = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", e->d_name);
        n = readlink(path, link, sizeof link - 1);
        if (n > 0) {
            link[n] = '\0';
            count += strncmp(link, "socket:", 7) == 0;
        }
    }
    closedir(dir);
    return count;
}

static void nothing_is_opened_and_nothing_is_said_at_load(void) {
    int saved = dup(1), out[2], before = count_sockets();
    struct sprint_dl lib;
    char said[64];

    CHECK(pipe(out) == 0 && dup2(out[1], 1) == 1);
    load(&lib);
    dup2(saved, 1);
    close(out[1]);
    CHECK(read(out[0], said, sizeof said) == 0);
    CHECK(count_sockets() == before);
}

static void dlclose_leaves_the_library_where_it_is(void) {
    struct sprint_dl lib;
    void *handle;

    load(&lib);
    handle = dlopen(library_path, RTLD_NOW | RTLD_NOLOAD);
    CHECK(handle != NULL);
    CHECK(dlclose(handle) == 0);
    CHECK(dlclose(handle) == 0); /* and the one of load() */
    CHECK(strcmp(lib.sprint_version(), "1.0.0") == 0);
    one_call(&lib);
    CHECK(dlopen(library_path, RTLD_NOW | RTLD_NOLOAD) != NULL);
}

struct first_call {
    pthread_barrier_t *together;
    struct sprint_dl lib;
    int load_too;
};

static void *call_first(void *arg) {
    struct first_call *f = arg;
    char why[256];

    pthread_barrier_wait(f->together);
    if (f->load_too)
        CHECK(sprint_dl_load(library_path, &f->lib, why, sizeof why) == SPRINT_OK);
    one_call(&f->lib);
    return NULL;
}

static void two_threads_at_once(int load_too) {
    pthread_barrier_t together;
    struct first_call calls[2];
    pthread_t threads[2];
    char why[256];
    int i;

    memset(calls, 0, sizeof calls);
    if (!load_too) /* no call into Go yet */
        CHECK(sprint_dl_load(library_path, &calls[0].lib, why, sizeof why) == SPRINT_OK);
    pthread_barrier_init(&together, NULL, 2);
    for (i = 0; i < 2; i++) {
        calls[i].lib = calls[0].lib;
        calls[i].together = &together;
        calls[i].load_too = load_too;
        CHECK(pthread_create(&threads[i], NULL, call_first, &calls[i]) == 0);
    }
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void two_threads_may_make_the_first_call(void) {
    two_threads_at_once(0);
}

static void two_threads_may_load_the_library(void) {
    two_threads_at_once(1);
}

static void a_thread_that_ends_may_load_the_library(void) {
    struct first_call f = {.load_too = 1};
    pthread_barrier_t alone;
    pthread_t thread;

    pthread_barrier_init(&alone, NULL, 1);
    f.together = &alone;
    CHECK(pthread_create(&thread, NULL, call_first, &f) == 0);
    pthread_join(thread, NULL);
    one_call(&f.lib);
    work_on_four_threads(&f.lib);
}

static void preloaded_into_another_program_it_does_no_harm(void) {
    char *args[] = {"/bin/grep", "-q", "libsprint", "/proc/self/maps", NULL};
    int status = -1;
    pid_t child = fork(); /* nothing is loaded yet */

    if (child == 0) {
        setenv("LD_PRELOAD", library_path, 1);
        execv(args[0], args);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* and it was in */
}

static void a_child_that_execs_is_not_concerned(void) {
    char *args[] = {"/bin/sh", "-c", "kill -URG $$; exit 7", NULL};
    struct sprint_dl lib;
    int status = -1;
    pid_t child;

    load(&lib);
    child = fork();
    if (child == 0) {
        execv(args[0], args);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* A host may fork first, as daemon(3) does, and load in the child. */
static void a_child_forked_before_the_load_may_load(void) {
    struct sprint_dl lib;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        load(&lib);
        work_on_four_threads(&lib);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    load(&lib);
}

const struct rule thread_rules[] = {
    RULE(go_threads_block_every_signal_that_they_can),
    RULE(go_threads_of_a_pinned_host_are_not_pinned),
    RULE(go_threads_of_a_special_host_are_ordinary),
    RULE(few_threads_come_with_the_library),
    RULE(nothing_is_opened_and_nothing_is_said_at_load),
    RULE(dlclose_leaves_the_library_where_it_is),
    RULE(two_threads_may_make_the_first_call),
    RULE(two_threads_may_load_the_library),
    RULE(a_thread_that_ends_may_load_the_library),
    RULE(preloaded_into_another_program_it_does_no_harm),
    RULE(a_child_that_execs_is_not_concerned),
    RULE(a_child_forked_before_the_load_may_load),
    {NULL, NULL},
};
