/* pipes.c - rows about SIGPIPE: its meaning is the host's, and the library raises none. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

static volatile int raised;

static void count(int sig) {
    (void)sig;
    raised++;
}

/* What the host made of SIGPIPE, and when. */
struct meaning {
    void (*handler)(int);
    int after_load;
};

static void give_meaning(const struct meaning *m, struct sprint_dl *lib) {
    struct sigaction mine = {.sa_handler = m->handler, .sa_flags = SA_ONSTACK};

    if (m->after_load)
        load(lib);
    CHECK(sigaction(SIGPIPE, &mine, NULL) == 0);
    if (!m->after_load)
        load(lib);
}

/* The host writes to a pipe that nobody reads. */
static void the_host_writes(void *meaning) {
    struct sprint_dl lib;
    int ends[2];

    give_meaning(meaning, &lib);
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    errno = 0;
    CHECK(write(ends[1], "x", 1) < 0 && errno == EPIPE);
    printf("EPIPE, handler called %d times\n", raised);
}

/* The library writes to a peer that left. */
static void the_library_writes(void *meaning) {
    sprint_status status = SPRINT_OK;
    struct sprint_dl lib;
    char answer[256];
    sprint_pool pool;
    sprint_conn conn;
    int i;

    give_meaning(meaning, &lib);
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    ask_relay("POST /set?drop_idle=1", answer, sizeof answer);
    for (i = 0; i < 2000 && status == SPRINT_OK; i++) {
        status = lib.sprint_conn_write(conn, "x", 1, 1000);
        sleep_ms(1);
    }
    CHECK(status != SPRINT_OK);
    lib.sprint_conn_release(conn); /* a close_notify that nobody takes */
    lib.sprint_pool_free(pool);
    CHECK(raised == 0);
}

static void dies_of_sigpipe(int after_load) {
    struct meaning m = {SIG_DFL, after_load};
    struct ending e;

    apart(the_host_writes, &m, &e);
    CHECK(e.signal == SIGPIPE);
    saw("%s", how(&e));
}

static void gets_epipe(void (*handler)(int), int after_load, const char *told) {
    struct meaning m = {handler, after_load};
    struct ending e;

    apart(the_host_writes, &m, &e);
    CHECK(ended_well(&e));
    CHECK(strstr(e.said, told) != NULL);
    saw("%.*s", (int)strcspn(e.said, "\n"), e.said);
}

static void the_default_before_the_load_kills_the_host(void) {
    dies_of_sigpipe(0);
}

static void the_default_after_the_load_kills_the_host(void) {
    dies_of_sigpipe(1);
}

static void ignored_before_the_load_it_is_ignored(void) {
    gets_epipe(SIG_IGN, 0, "EPIPE, handler called 0");
}

static void ignored_after_the_load_it_is_ignored(void) {
    gets_epipe(SIG_IGN, 1, "EPIPE, handler called 0");
}

static void a_handler_set_before_the_load_is_called(void) {
    gets_epipe(count, 0, "EPIPE, handler called 1");
}

static void a_handler_set_after_the_load_is_called(void) {
    gets_epipe(count, 1, "EPIPE, handler called 1");
}

static void the_library_raises_none(void (*handler)(int), int after_load) {
    struct meaning m = {handler, after_load};
    struct ending e;

    apart(the_library_writes, &m, &e);
    CHECK(ended_well(&e));
}

static void a_write_to_a_peer_that_left_calls_no_handler(void) {
    the_library_raises_none(count, 0);
    the_library_raises_none(count, 1);
}

static void a_write_to_a_peer_that_left_does_not_kill(void) {
    the_library_raises_none(SIG_DFL, 0);
    the_library_raises_none(SIG_DFL, 1);
}

/* exec keeps what is ignored and resets what has a handler, which Go's is. */
static void a_child_of_a_host_that_ignores_it(void) {
    struct sprint_dl lib;
    char *args[] = {"/bin/grep", "SigIgn", "/proc/self/status", NULL};
    char line[64] = "";
    int out[2];
    pid_t child;

    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR && pipe(out) == 0);
    load(&lib);
    child = fork();
    if (child == 0) {
        dup2(out[1], 1);
        execv(args[0], args);
        _exit(127);
    }
    close(out[1]);
    CHECK(child > 0 && read(out[0], line, sizeof line - 1) > 0);
    CHECK((strtoull(line + strcspn(line, "\t"), NULL, 16) >> (SIGPIPE - 1) & 1) == 0);
    saw("not ignored in the child");
}

const struct row pipe_rows[] = {
    ROW(the_default_before_the_load_kills_the_host,
        "SIGPIPE default, set before: the host writes to a closed pipe", "dies of SIGPIPE (13)"),
    ROW(the_default_after_the_load_kills_the_host, "the same, set after the load",
        "dies of SIGPIPE (13)"),
    ROW(ignored_before_the_load_it_is_ignored, "SIGPIPE ignored, set before", "EPIPE"),
    ROW(ignored_after_the_load_it_is_ignored, "the same, set after the load", "EPIPE"),
    ROW(a_handler_set_before_the_load_is_called, "SIGPIPE handler, set before",
        "EPIPE, called once"),
    ROW(a_handler_set_after_the_load_is_called, "the same, set after the load",
        "EPIPE, called once"),
    ROW(a_write_to_a_peer_that_left_calls_no_handler,
        "the library writes to a peer that left; a handler", "a status, the handler not called"),
    ROW(a_write_to_a_peer_that_left_does_not_kill,
        "the library writes to a peer that left; the default", "a status, the host lives"),
    LIMIT(a_child_of_a_host_that_ignores_it, "exec in a host that ignored SIGPIPE at the load",
          "the new program has the default"),
    END_OF_ROWS,
};
