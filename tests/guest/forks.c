/* forks.c - rows about children: made before the load and after, by whatever way. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static struct sprint_dl lib;

/* What a child of a process that uses the library gets: FORKED, at once, for each kind of
 * call. It has no stdio to trust. */
static int is_refused(sprint_pool pool, sprint_conn conn, sprint_buffer buffer) {
    sprint_memory_stats stats = {.struct_size = sizeof stats};
    sprint_config config;
    sprint_conn other;
    char byte;
    size_t n;

    lib.sprint_conn_discard(conn); /* frees are ignored */
    lib.sprint_pool_free(pool);
    lib.sprint_buffer_free(buffer);
    return lib.sprint_config_new("relay.test:443", &config) == SPRINT_E_FORKED &&
           lib.sprint_pool_acquire(pool, 0, &other) == SPRINT_E_FORKED &&
           lib.sprint_conn_read(conn, &byte, 1, -1, &n) == SPRINT_E_FORKED &&
           lib.sprint_buffer_len(buffer, &n) == SPRINT_E_FORKED &&
           lib.sprint_memory_stats_get(&stats) == SPRINT_E_FORKED;
}

static pid_t by_fork(void) {
    return fork();
}

/* Runs no atfork handlers, and neither does the next: only the kernel tells the library. */
static pid_t by_clone(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t by_underscore_fork(void) {
    return _Fork();
}

/* As daemon(3) does it, but for the terminal and the directory. */
static pid_t by_daemon(void) {
    pid_t child = fork();
    int status;

    if (child != 0)
        return child;
    setsid();
    if ((child = fork()) == 0)
        return 0;
    _exit(waitpid(child, &status, 0) == child && status == 0 ? 0 : 1);
}

static void a_child_is_refused(pid_t (*make_child)(void)) {
    sprint_buffer buffer = 0;
    sprint_pool pool;
    sprint_conn conn;
    struct ending e;
    pid_t child;

    load(&lib);
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    CHECK(lib.sprint_buffer_random(32, 0, &buffer) == SPRINT_OK);
    child = make_child();
    if (child == 0)
        _exit(is_refused(pool, conn, buffer) ? 0 : 1);
    await(child, &e);
    CHECK(ended_well(&e));
    CHECK(echoes(&lib, conn)); /* the parent's, as before */
}

static void a_forked_child_is_refused(void) {
    a_child_is_refused(by_fork);
}

static void a_cloned_child_is_refused(void) {
    a_child_is_refused(by_clone);
}

static void a_child_of_underscore_fork_is_refused(void) {
    a_child_is_refused(by_underscore_fork);
}

static void a_daemon_made_after_the_load_is_refused(void) {
    a_child_is_refused(by_daemon);
}

/* A host may fork first, as daemon(3) does, and load in the child. */
static void loads_and_works(void *arg) {
    (void)arg;
    load(&lib);
    work_on_four_threads(&lib);
}

static void a_child_forked_before_the_load_may_load(void) {
    struct ending e;

    apart(loads_and_works, NULL, &e);
    CHECK(ended_well(&e));
    load(&lib);
}

static void a_daemon_made_before_the_load_may_load(void) {
    struct ending e;
    pid_t child = by_daemon();

    if (child == 0) {
        loads_and_works(NULL);
        _exit(failed_checks() == 0 ? 0 : 1);
    }
    await(child, &e);
    CHECK(ended_well(&e));
}

static void a_child_that_execs_is_not_concerned(void) {
    char *args[] = {"/bin/sh", "-c", "kill -URG $$; exit 7", NULL};
    struct ending e;
    pid_t child;

    load(&lib);
    child = fork();
    if (child == 0) {
        execv(args[0], args);
        _exit(127);
    }
    await(child, &e);
    CHECK(e.exit == 7);
    if ((child = vfork()) == 0) {
        execv(args[0], args);
        _exit(127);
    }
    await(child, &e);
    CHECK(e.exit == 7);
    CHECK(system("exit 7") == 7 << 8);
    one_call(&lib);
}

static pid_t child_that(void (*ends)(void)) {
    pid_t child = fork();

    if (child == 0) {
        ends();
        _exit(99);
    }
    return child;
}

static void crashes(void) {
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

static void exits(void) {
    exit(0);
}

static void ends_its_thread(void) {
    pthread_exit(NULL);
}

static void aborts(void) {
    abort();
}

static void children_end_as_they_would(void) {
    struct ending e[4];
    sprint_pool pool;
    sprint_conn conn;

    load(&lib);
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    await(child_that(crashes), &e[0]);
    await(child_that(exits), &e[1]);
    await(child_that(ends_its_thread), &e[2]);
    await(child_that(aborts), &e[3]);
    CHECK(e[0].signal == SIGSEGV && e[1].exit == 0 && e[2].exit == 0 && e[3].signal == SIGABRT);
    CHECK(echoes(&lib, conn));
    saw("%s, exit %d, exit %d, signal %d", how(&e[0]), e[1].exit, e[2].exit, e[3].signal);
}

static int open_at_relay(void) {
    char answer[1024];
    const char *open;

    ask_relay("GET /stats", answer, sizeof answer);
    open = strstr(answer, "\"open\":");
    return CHECK(open != NULL) ? atoi(open + 7) : -1;
}

static int relay_has(void *arg) {
    return open_at_relay() == *(int *)arg;
}

/* The child has the socket, too: a mere close(2) would not end the connection. */
static void a_discard_ends_a_connection_that_a_child_has(void) {
    int none = 0, ends[2];
    sprint_pool pool;
    sprint_conn conn;
    struct ending e;
    pid_t child;
    char byte;

    load(&lib);
    CHECK(eventually(relay_has, &none)); /* of the rows before */
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    CHECK(open_at_relay() == 1 && pipe(ends) == 0);
    child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1); /* until the parent is done */
    }
    lib.sprint_conn_discard(conn);
    CHECK(eventually(relay_has, &none));
    CHECK(kill(child, 0) == 0);
    close(ends[1]);
    await(child, &e);
    CHECK(ended_well(&e));
}

/* The address of a secret that the parent has open. */
static void a_child_has_no_secrets(void) {
    static const char secret[16] = "sixteen letters";
    char copy[16];
    sprint_buffer buffer = 0;
    struct ending e;
    void *data = NULL;
    pid_t child;

    memcpy(copy, secret, sizeof copy);
    load(&lib);
    CHECK(lib.sprint_buffer_from(copy, sizeof copy, 0, &buffer) == SPRINT_OK);
    CHECK(lib.sprint_buffer_open(buffer, SPRINT_READ, &data, NULL) == SPRINT_OK);
    CHECK(memcmp(data, secret, sizeof secret) == 0);
    child = fork();
    if (child == 0)
        _exit(memcmp(data, secret, sizeof secret) == 0 ? 1 : 0);
    await(child, &e);
    CHECK(e.signal == SIGSEGV || e.exit == 0);
    saw("%s", e.signal != 0 ? "not mapped" : "wiped");
}

static int status_of_unshare(void) {
    struct ending e;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

    if (child == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    await(child, &e);
    return e.exit;
}

/* A process with threads may not enter a new user namespace. */
static void unshare_of_users_comes_before_the_load(void) {
    int before = status_of_unshare(), after;

    load(&lib);
    after = unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
    CHECK(after == EINVAL);
    saw("before: %s, after: %s", before == 0 ? "ok" : strerror(before), strerror(after));
}

const struct row fork_rows[] = {
    ROW(a_forked_child_is_refused, "fork() after the load", "FORKED at once, frees ignored"),
    ROW(a_cloned_child_is_refused, "clone(2), which runs no handlers",
        "FORKED at once, frees ignored"),
    ROW(a_child_of_underscore_fork_is_refused, "_Fork(), which runs no handlers",
        "FORKED at once, frees ignored"),
    ROW(a_daemon_made_after_the_load_is_refused, "daemon() after the load",
        "FORKED at once, frees ignored"),
    ROW(a_child_forked_before_the_load_may_load, "fork() before the load, a load in each",
        "both work"),
    ROW(a_daemon_made_before_the_load_may_load, "daemon() before the load", "works"),
    ROW(a_child_that_execs_is_not_concerned, "fork and exec, vfork and exec, system()",
        "as ever; SIGURG ignored"),
    ROW(children_end_as_they_would, "a child crashes, exits, ends its thread, aborts",
        "signal 11, exit 0, exit 0, signal 6; no hang"),
    ROW(a_discard_ends_a_connection_that_a_child_has, "a child inherits the sockets",
        "a discard reaches the peer all the same"),
    ROW(a_child_has_no_secrets, "a child inherits the memory", "no secret in it"),
    LIMIT(unshare_of_users_comes_before_the_load, "unshare(CLONE_NEWUSER) after the load",
          "EINVAL: Go has threads"),
    END_OF_ROWS,
};
