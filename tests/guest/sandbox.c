/* sandbox.c - a row about a host that lets few system calls through. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"
#include "sandbox.h"

#define NUMBER(name) SYS_##name,
/* exit_group: this program ends, too. */
static const int let_through[] = {CALLS_TO_LOAD(NUMBER) CALLS_OF_POOLS(NUMBER)
                                      CALLS_OF_SECRETS(NUMBER) SYS_exit_group};
enum { COUNT = sizeof let_through / sizeof *let_through };

static void tell_which(int sig, siginfo_t *info, void *context) {
    char text[64];
    int n = snprintf(text, sizeof text, "system call %d is not in the list\n", info->si_syscall);

    (void)sig, (void)context;
    if (write(1, text, (size_t)n) < 0)
        _exit(3);
    _exit(2);
}

/* Any other call ends the process: with a word about which, if it was a host thread's. */
static void filter(void) {
    const struct sigaction act = {.sa_sigaction = tell_which, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sock_filter code[2 * COUNT + 2];
    struct sock_fprog program = {.len = 2 * COUNT + 2, .filter = code};
    int i, at = 0;

    code[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (i = 0; i < COUNT; i++) {
        code[at++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)let_through[i], 0, 1);
        code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    CHECK(sigaction(SIGSYS, &act, NULL) == 0);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* As a prober of health would, with the calls that the library needs anyway. */
static void ask_metrics(uint16_t port) {
    static const char request[] = "GET /metrics?runtime HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[256] = "";

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(s, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(write(s, request, sizeof request - 1) == sizeof request - 1);
    CHECK(read(s, answer, sizeof answer - 1) > 0 && strstr(answer, " 200 ") != NULL);
    close(s);
}

static sprint_pool pool_of(const struct sprint_dl *lib, const char *ca) {
    sprint_config config = 0;
    sprint_pool pool = 0;
    char named[64];

    snprintf(named, sizeof named, "localhost%s", strchr(relay_address, ':'));
    CHECK(lib->sprint_config_new(named, &config) == SPRINT_OK);
    if (ca != NULL)
        CHECK(lib->sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca) == SPRINT_OK);
    CHECK(lib->sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, 0) == SPRINT_OK);
    CHECK(lib->sprint_pool_new(config, &pool) == SPRINT_OK);
    lib->sprint_config_free(config);
    return pool;
}

static void use_pools(const struct sprint_dl *lib) {
    sprint_pool pool;
    sprint_conn conn;
    uint16_t port = 0;
    char buf[16], ca[4096], text[16384];
    size_t n;

    pool = pool_of(lib, NULL); /* the system's roots, which do not know the relay */
    CHECK(lib->sprint_pool_acquire(pool, 5000, &conn) == SPRINT_E_CERT);
    lib->sprint_pool_free(pool);
    snprintf(ca, sizeof ca, "%s/ca.pem", relay_dir);
    pool = pool_of(lib, ca);
    CHECK(lib->sprint_pool_start_cleanup(pool) == SPRINT_OK);
    CHECK(lib->sprint_pool_start_metrics(pool, &port) == SPRINT_OK);
    CHECK(lib->sprint_pool_warm_up(pool, 1, 5000) == SPRINT_OK);
    conn = lease_echo(lib, pool);
    CHECK(echoes(lib, conn));
    CHECK(lib->sprint_conn_read(conn, buf, sizeof buf, 5, &n) == SPRINT_E_TIMEOUT);
    CHECK(lib->sprint_conn_read(conn, buf, sizeof buf, 150, &n) == SPRINT_E_TIMEOUT);
    CHECK(lib->sprint_conn_try_read(conn, buf, sizeof buf, &n) == SPRINT_E_WOULD_BLOCK);
    CHECK(echoes(lib, conn));
    CHECK(lib->sprint_pool_rotate(pool) == SPRINT_OK);
    ask_metrics(port);
    CHECK(lib->sprint_pool_status_json(pool, text, sizeof text, &n) == SPRINT_OK);
    CHECK(lib->sprint_pool_close(pool, 0, NULL) == SPRINT_OK); /* cuts it off */
    lib->sprint_conn_release(conn);
    lib->sprint_pool_free(pool);
}

static void use_secrets(const struct sprint_dl *lib, int64_t backend) {
    static const uint32_t flags[] = {SPRINT_BUFFER_DEFAULT, SPRINT_BUFFER_FAST};
    char mac[32], text[16384];
    sprint_buffer secret;
    size_t i, n;

    CHECK(lib->sprint_memory_set(SPRINT_MEM_BACKEND, backend) == SPRINT_OK);
    for (i = 0; i < sizeof flags / sizeof *flags; i++) {
        CHECK(lib->sprint_buffer_random(32, flags[i], &secret) == SPRINT_OK);
        CHECK(lib->sprint_buffer_hmac(secret, SPRINT_HASH_SHA256, "m", 1, mac, 32, NULL) ==
              SPRINT_OK);
        CHECK(lib->sprint_buffer_seal(secret) == SPRINT_OK);
        CHECK(lib->sprint_buffer_read(secret, 0, mac, 32) == SPRINT_OK);
        lib->sprint_buffer_free(secret);
    }
    CHECK(lib->sprint_memory_self_check() == SPRINT_OK);
    CHECK(lib->sprint_memory_status_json(text, sizeof text, &n) == SPRINT_OK);
}

static void in_a_sandbox(void *arg) {
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct sprint_dl lib;

    (void)arg;
    filter();
    load(&lib);
    CHECK(lib.sprint_log_to_fd(nowhere, SPRINT_LOG_TRACE) == SPRINT_OK);
    CHECK(lib.sprint_events_to_fd(nowhere) == SPRINT_OK);
    use_pools(&lib);
    use_secrets(&lib, SPRINT_BACKEND_AUTO);
    use_secrets(&lib, SPRINT_BACKEND_MLOCK);
    litter(&lib);
}

static void a_filter_of_system_calls(void) {
    struct ending e;

    apart(in_a_sandbox, NULL, &e);
    if (CHECK(ended_well(&e)))
        saw("works with %d of them", COUNT);
}

const struct row sandbox_rows[] = {
    ROW(a_filter_of_system_calls, "seccomp(2): what docs/embedding.md lists, and no other call",
        "works"),
    END_OF_ROWS,
};
