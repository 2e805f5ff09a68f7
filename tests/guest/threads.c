/* threads.c - rules about the threads and descriptors that come with the library. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    CHECK(threads <= 8);
    saw("%d", threads);
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
    int saved[2] = {dup(1), dup(2)}, out[2], before = count_sockets();
    struct sprint_dl lib;
    char said[64];

    CHECK(pipe(out) == 0 && dup2(out[1], 1) == 1 && dup2(out[1], 2) == 2);
    load(&lib);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(out[1]);
    CHECK(read(out[0], said, sizeof said) == 0);
    CHECK(count_sockets() == before);
}

static int count_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* The poller's two, and the limits of the cgroup that Go read at its start. */
static void some_descriptors_stay_from_the_load(void) {
    int before = count_descriptors(), more;
    struct sprint_dl lib;

    load(&lib);
    more = count_descriptors() - before;
    CHECK(more >= 1 && more <= 4);
    saw("%d", more);
}

/* Files that Go opens at its start would get these numbers, and a host that prints would
 * write into them. */
static void closed_standard_descriptors_stay_closed(void) {
    int i, saved[3], open = 0;
    struct sprint_dl lib;

    for (i = 0; i < 3; i++) {
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
        close(i);
    }
    load(&lib);
    for (i = 0; i < 3; i++)
        open += fcntl(i, F_GETFD) >= 0;
    for (i = 0; i < 3; i++)
        dup2(saved[i], i);
    CHECK(open == 0);
    saw("%d of 3 open", open);
}

const struct row thread_rows[] = {
    ROW(go_threads_block_every_signal_that_they_can, "a signal of the host handled on a Go thread",
        "each that can be blocked is"),
    ROW(go_threads_of_a_pinned_host_are_not_pinned, "loading from a thread pinned to one CPU",
        "Go's threads may use every CPU"),
    ROW(go_threads_of_a_special_host_are_ordinary, "loading from a SCHED_FIFO thread",
        "Go's threads are SCHED_OTHER"),
    ROW(few_threads_come_with_the_library, "threads that come with the load", "at most 8"),
    ROW(nothing_is_opened_and_nothing_is_said_at_load, "sockets and output at load", "none"),
    LIMIT(some_descriptors_stay_from_the_load, "descriptors that stay open from the load",
          "at most 4, close-on-exec: Go's poller and cgroup"),
    ROW(closed_standard_descriptors_stay_closed, "loading without stdin, stdout and stderr",
        "none is taken by Go: 0 of 3 open"),
    END_OF_ROWS,
};
