/* signals.c - rules about signals that are meant for the host. */
#define _GNU_SOURCE
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

static sprint_pool pool_make(const struct sprint_dl *lib) {
    sprint_config config = 0;
    sprint_pool pool = 0;
    char ca[4096];

    snprintf(ca, sizeof ca, "%s/ca.pem", relay_dir);
    CHECK(lib->sprint_config_new(relay_address, &config) == SPRINT_OK);
    CHECK(lib->sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca) == SPRINT_OK);
    CHECK(lib->sprint_pool_new(config, &pool) == SPRINT_OK);
    lib->sprint_config_free(config);
    return pool;
}

static sprint_conn lease_echo(const struct sprint_dl *lib, sprint_pool pool) {
    sprint_conn conn = 0;

    CHECK(lib->sprint_pool_acquire(pool, 10000, &conn) == SPRINT_OK);
    CHECK(lib->sprint_conn_write(conn, "ECHO\n", 5, 5000) == SPRINT_OK);
    return conn;
}

/* Dials, handshakes, round trips and garbage: all that could make Go send itself SIGURG. */
static void keep_go_busy(const struct sprint_dl *lib) {
    sprint_pool pool = pool_make(lib);
    sprint_conn conn;
    char buf[64];
    int i, j;

    for (i = 0; i < 40; i++) {
        conn = lease_echo(lib, pool);
        for (j = 0; j < 50; j++)
            CHECK(lib->sprint_conn_write(conn, "0123456789abcdef", 16, 5000) == SPRINT_OK &&
                  lib->sprint_conn_read_exact(conn, buf, 16, 5000, NULL) == SPRINT_OK);
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

/* Host handlers without SA_RESTART see EINTR only from the host's own signals. */
static void system_calls_of_the_host_are_not_interrupted(void) {
    struct sprint_dl lib;
    int i, interrupted = 0;

    load(&lib);
    handle(SIGURG);
    for (i = 0; i < 1000; i++) {
        one_call(&lib);
        interrupted += poll(NULL, 0, 1) != 0;
    }
    CHECK(interrupted == 0 && seen == 0);
}

static void reset_by_the_relay(void) {
    const char *colon = strrchr(relay_control, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char host[64], answer[256] = "";
    int fd = -1;

    snprintf(host, sizeof host, "%.*s", (int)(colon - relay_control), relay_control);
    if (CHECK(getaddrinfo(host, colon + 1, &hints, &found) == 0)) {
        fd = socket(found->ai_family, SOCK_STREAM, 0);
        CHECK(connect(fd, found->ai_addr, found->ai_addrlen) == 0);
        freeaddrinfo(found);
    }
    CHECK(dprintf(fd, "POST /set?drop_idle=1 HTTP/1.0\r\nContent-Length: 0\r\n\r\n") > 0);
    CHECK(read(fd, answer, sizeof answer - 1) > 0);
    CHECK(strstr(answer, " 20") != NULL);
    close(fd);
}

static void write_to_a_peer_that_left(const struct sprint_dl *lib) {
    sprint_pool pool = pool_make(lib);
    sprint_conn conn = lease_echo(lib, pool);
    sprint_status status = SPRINT_OK;
    int i;

    reset_by_the_relay();
    for (i = 0; i < 2000 && status == SPRINT_OK; i++) {
        status = lib->sprint_conn_write(conn, "x", 1, 1000);
        sleep_ms(1);
    }
    CHECK(status != SPRINT_OK);
    lib->sprint_conn_release(conn); /* a close_notify that nobody takes */
    lib->sprint_pool_free(pool);
}

static void a_write_to_a_peer_that_left_raises_no_sigpipe(void) {
    struct sprint_dl lib;

    load(&lib);
    handle(SIGPIPE);
    write_to_a_peer_that_left(&lib);
    CHECK(seen == 0);
}

static void a_write_to_a_peer_that_left_does_not_kill_a_host_with_the_default(void) {
    struct sprint_dl lib;

    load(&lib);
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    write_to_a_peer_that_left(&lib);
}

static sigjmp_buf after_the_fault;

static void on_fault(int sig) {
    siglongjmp(after_the_fault, sig);
}

/* Set before the load: Go's handler must hand the fault of C code on. */
static void a_crash_handler_set_before_the_load_still_gets_the_hosts_faults(void) {
    struct sigaction mine = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    volatile int *volatile nowhere = NULL;
    struct sprint_dl lib;

    CHECK(sigaction(SIGSEGV, &mine, NULL) == 0);
    load(&lib);
    if (sigsetjmp(after_the_fault, 1) == 0) {
        *nowhere = 1;
        CHECK(!"the write went through");
    }
    one_call(&lib);
}

const struct rule signal_rules[] = {
    RULE(a_sigurg_handler_set_before_the_load_is_the_hosts_alone),
    RULE(a_sigurg_handler_set_after_the_load_is_the_hosts_alone),
    RULE(signals_to_the_process_run_on_the_hosts_thread),
    RULE(system_calls_of_the_host_are_not_interrupted),
    RULE(a_write_to_a_peer_that_left_raises_no_sigpipe),
    RULE(a_write_to_a_peer_that_left_does_not_kill_a_host_with_the_default),
    RULE(a_crash_handler_set_before_the_load_still_gets_the_hosts_faults),
    {NULL, NULL},
};
