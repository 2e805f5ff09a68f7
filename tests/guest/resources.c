/* resources.c - rows about a host that is short of something, or has locked its memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guest.h"

static struct sprint_dl lib;

static void limit_to(__rlimit_resource_t what, rlim_t most) {
    const struct rlimit limit = {most, most};

    CHECK(setrlimit(what, &limit) == 0);
}

static void load_and_use(void) {
    sprint_pool pool;
    sprint_conn conn;

    load(&lib);
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    CHECK(echoes(&lib, conn));
    lib.sprint_conn_release(conn);
    lib.sprint_pool_free(pool);
}

static void within_address_space(void *mib) {
    limit_to(RLIMIT_AS, (rlim_t) * (int *)mib << 20);
    load_and_use();
}

static void address_space_of_4_gib_is_enough(void) {
    int mib = 4096;
    struct ending e;

    apart(within_address_space, &mib, &e);
    CHECK(ended_well(&e));
}

static void address_space_of_600_mib_is_not(void) {
    int mib = 600;
    struct ending e;

    apart(within_address_space, &mib, &e);
    CHECK(e.exit == 2); /* Go's own, before it has handlers */
    CHECK(strstr(e.said, "failed to reserve page summary memory") != NULL);
    saw("%s: failed to reserve page summary memory", how(&e));
}

/* Locked pages are charged: how much more the process has of them with the library. */
static void lock_all(void *flags) {
    long before;

    if (mlockall(*(int *)flags) != 0) {
        printf("mlockall: %s\n", strerror(errno));
        exit(2);
    }
    before = process_kb("VmRSS");
    load_and_use();
    printf("RSS +%ld MiB\n", (process_kb("VmRSS") - before) >> 10);
}

static long rss_with(int flags, const char *told) {
    struct ending e;

    apart(lock_all, &flags, &e);
    CHECK(ended_well(&e));
    saw("%s: RSS +%ld MiB", told, strtol(e.said + strcspn(e.said, "+"), NULL, 10));
    return strtol(e.said + strcspn(e.said, "+"), NULL, 10);
}

static void mlockall_makes_gos_reserve_resident(void) {
    CHECK(rss_with(MCL_CURRENT | MCL_FUTURE, "MCL_CURRENT, MCL_FUTURE") > 50);
}

static void mlockall_on_fault_does_not(void) {
    CHECK(rss_with(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT, "with MCL_ONFAULT") < 40);
}

/* ------------------------------------------------------------------ descriptors */

static void no_descriptor_left(void) {
    struct rlimit limit;
    sprint_pool pool;
    sprint_conn conn;
    int held[64], n = 0;

    load(&lib);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    lib.sprint_conn_discard(conn);
    while (n < 64 && (held[n] = dup(0)) >= 0)
        n++;
    CHECK(n < 64 && errno == EMFILE);
    CHECK(lib.sprint_pool_acquire(pool, 200, &conn) != SPRINT_OK);
    while (n > 0)
        close(held[--n]);
    CHECK(lib.sprint_pool_acquire(pool, 5000, &conn) == SPRINT_OK);
}

static void close_all(void *arg) {
    sprint_conn conn = 0;
    sprint_pool pool;

    (void)arg;
    load(&lib);
    pool = pool_make(&lib);
    closefrom(3);
    lib.sprint_pool_acquire(pool, 2000, &conn);
}

/* Go polls with a descriptor of its own; its error is fatal to Go. */
static void closefrom_takes_gos_descriptors(void) {
    struct ending e;

    apart(close_all, NULL, &e);
    CHECK(e.signal == SIGABRT);
    CHECK(strstr(e.said, "netpoll") != NULL); /* failed, or its wake-up did */
    saw("%s: netpoll failed", how(&e));
}

static void closefrom_comes_before_the_load(void) {
    closefrom(3);
    load_and_use();
}

/* ------------------------------------------------------------------ threads */

/* Root is not held to RLIMIT_NPROC. */
static void without_threads(void *arg) {
    (void)arg;
    if (getuid() == 0)
        CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    limit_to(RLIMIT_NPROC, 1);
    load_and_use();
}

static void without_threads_go_cannot_start(void) {
    struct ending e;

    apart(without_threads, NULL, &e);
    CHECK(e.signal == SIGABRT);
    CHECK(strstr(e.said, "pthread_create failed") != NULL);
    saw("%s: pthread_create failed", how(&e));
}

static void not_allowed_to_lock(void *arg) {
    (void)arg;
    limit_to(RLIMIT_MEMLOCK, 8 << 20);
    if (getuid() == 0)
        CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    if (mlockall(MCL_FUTURE) != 0)
        exit(2);
    load_and_use();
}

static void a_small_lock_limit_and_mcl_future(void) {
    struct ending e;

    apart(not_allowed_to_lock, NULL, &e);
    CHECK(e.exit == 1);
    CHECK(strstr(e.said, "failed to map segment") != NULL);
    saw("dlopen: failed to map segment from shared object");
}

const struct row resource_rows[] = {
    ROW(address_space_of_4_gib_is_enough, "RLIMIT_AS of 4 GiB", "works"),
    LIMIT(address_space_of_600_mib_is_not, "RLIMIT_AS of 600 MiB",
          "Go ends the process at the load and says why"),
    ROW(mlockall_on_fault_does_not, "mlockall(CURRENT, FUTURE, ONFAULT) before the load",
        "less than 40 MiB more RSS"),
    LIMIT(mlockall_makes_gos_reserve_resident, "mlockall(CURRENT, FUTURE) before the load",
          "Go's reserve becomes resident"),
    LIMIT(a_small_lock_limit_and_mcl_future, "mlockall(FUTURE) and RLIMIT_MEMLOCK of 8 MiB",
          "dlopen answers an error"),
    LIMIT(without_threads_go_cannot_start, "RLIMIT_NPROC: no thread to be had",
          "Go aborts at the load and says why"),
    ROW(no_descriptor_left, "RLIMIT_NOFILE used up in use",
        "a status; goes on when there are some"),
    ROW(closefrom_comes_before_the_load, "closefrom(3) before the load", "works"),
    LIMIT(closefrom_takes_gos_descriptors, "closefrom(3), close_range(2) after the load",
          "Go aborts and says why"),
    END_OF_ROWS,
};
