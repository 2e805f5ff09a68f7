/* support.c - what the rows have in common. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

const char *library_path, *relay_address, *relay_control, *relay_dir, *tools_dir;

static atomic_int failures;

int check(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        atomic_fetch_add(&failures, 1);
        printf("     %s:%d: %s\n", file, line, what);
        fflush(stdout);
    }
    return holds;
}

int failed_checks(void) {
    return atomic_load(&failures);
}

void saw(const char *format, ...) {
    va_list args;

    printf("SAW ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

static void take_down(int from, int pid, struct ending *e) {
    long until = now_ms() + 30000;
    struct pollfd p = {.fd = from, .events = POLLIN};
    size_t len = 0;
    char drop[1024];
    int status = 0, gone;
    ssize_t n;

    memset(e, 0, sizeof *e);
    e->exit = -1;
    while (from >= 0 && now_ms() < until) {
        if (poll(&p, 1, (int)(until - now_ms())) <= 0)
            continue;
        if (len < sizeof e->said - 1)
            n = read(from, e->said + len, sizeof e->said - 1 - len);
        else
            n = read(from, drop, sizeof drop); /* so that the writer goes on */
        if (n <= 0)
            break;
        if (len < sizeof e->said - 1)
            len += (size_t)n;
    }
    while ((gone = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < until)
        sleep_ms(1);
    if (gone == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        e->signal = SIGALRM;
    } else if (WIFSIGNALED(status))
        e->signal = WTERMSIG(status);
    else
        e->exit = WEXITSTATUS(status);
}

void await(int pid, struct ending *e) {
    take_down(-1, pid, e);
}

/* A child whose output comes through a pipe; 0 in the child. */
static int start(int *from) {
    const struct rlimit no_core = {0, 0};
    int out[2], child;

    fflush(stdout);
    if (!CHECK(pipe(out) == 0))
        exit(1);
    child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        return 0;
    }
    CHECK(child > 0);
    close(out[1]);
    *from = out[0];
    return child;
}

void apart(void (*what)(void *arg), void *arg, struct ending *e) {
    int from, child = start(&from);

    if (child == 0) {
        atomic_store(&failures, 0);
        what(arg);
        fflush(stdout);
        _exit(failed_checks() == 0 ? 0 : 1);
    }
    take_down(from, child, e);
    close(from);
}

void program(const char *const *args, struct ending *e) {
    int from, child = start(&from);

    if (child == 0) {
        execvp(args[0], (char *const *)args);
        _exit(127);
    }
    take_down(from, child, e);
    close(from);
}

const char *how(const struct ending *e) {
    static char text[2][32];
    static int turn;
    char *t = text[turn ^= 1];

    if (e->signal != 0)
        snprintf(t, sizeof text[0], "signal %d", e->signal);
    else
        snprintf(t, sizeof text[0], "exit %d", e->exit);
    return t;
}

int ended_well(const struct ending *e) {
    if (e->exit != 0)
        printf("     %s\n%s\n", how(e), e->said);
    return e->exit == 0;
}

void load(struct sprint_dl *lib) {
    char why[256];

    if (sprint_dl_load(library_path, lib, why, sizeof why) != SPRINT_OK) {
        printf("     load: %s\n", why);
        exit(1);
    }
    one_call(lib);
}

void one_call(const struct sprint_dl *lib) {
    sprint_config config = 0;

    CHECK(lib->sprint_config_new("relay.test:443", &config) == SPRINT_OK);
    CHECK(lib->sprint_config_set_str(config, SPRINT_OPT_NAMESPACE, "guest") == SPRINT_OK);
    lib->sprint_config_free(config);
}

void litter(const struct sprint_dl *lib) {
    char text[2048];

    lib->sprint_memory_status_json(text, sizeof text, NULL);
}

static void *work(void *arg) {
    int i;

    for (i = 0; i < 300; i++)
        one_call(arg);
    return NULL;
}

void work_on_four_threads(struct sprint_dl *lib) {
    pthread_t threads[4];
    int i;

    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, work, lib) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

sprint_pool pool_make(const struct sprint_dl *lib) {
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

sprint_conn lease_echo(const struct sprint_dl *lib, sprint_pool pool) {
    sprint_conn conn = 0;

    CHECK(lib->sprint_pool_acquire(pool, 10000, &conn) == SPRINT_OK);
    CHECK(lib->sprint_conn_write(conn, "ECHO\n", 5, 5000) == SPRINT_OK);
    return conn;
}

int echoes(const struct sprint_dl *lib, sprint_conn conn) {
    char buf[16];

    return lib->sprint_conn_write(conn, "0123456789abcdef", 16, 5000) == SPRINT_OK &&
           lib->sprint_conn_read_exact(conn, buf, 16, 5000, NULL) == SPRINT_OK &&
           memcmp(buf, "0123456789abcdef", 16) == 0;
}

void ask_relay(const char *request, char *text, size_t cap) {
    const char *colon = strrchr(relay_control, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char host[64];
    size_t len = 0;
    ssize_t n;
    int fd = -1;

    snprintf(host, sizeof host, "%.*s", (int)(colon - relay_control), relay_control);
    if (CHECK(getaddrinfo(host, colon + 1, &hints, &found) == 0)) {
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(connect(fd, found->ai_addr, found->ai_addrlen) == 0);
        freeaddrinfo(found);
    }
    CHECK(dprintf(fd, "%s HTTP/1.0\r\nContent-Length: 0\r\n\r\n", request) > 0);
    while (len + 1 < cap && (n = read(fd, text + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    CHECK(strstr(text, " 20") != NULL);
    close(fd);
}

int special_policy(void) {
    struct sched_param least = {.sched_priority = 1}, none = {0};

    if (sched_setscheduler(0, SCHED_FIFO, &least) == 0)
        return SCHED_FIFO;
    CHECK(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
    return SCHED_BATCH;
}

void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

long now_ms(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int eventually(int (*cond)(void *arg), void *arg) {
    const long until = now_ms() + 30000;

    while (!cond(arg)) {
        if (now_ms() > until)
            return 0;
        sleep_ms(2);
    }
    return 1;
}

void thread_status(int tid, const char *key, char *value, size_t cap) {
    char path[64], line[256];
    size_t len = strlen(key);
    FILE *f;

    value[0] = '\0';
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    if ((f = fopen(path, "r")) == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, len) == 0 && line[len] == ':')
            snprintf(value, cap, "%.*s", (int)strcspn(line + len + 2, "\n"), line + len + 2);
    fclose(f);
}

long process_kb(const char *key) {
    char value[64];

    thread_status(getpid(), key, value, sizeof value);
    return strtol(value, NULL, 10);
}

int other_threads(void (*each)(int tid, void *arg), void *arg) {
    DIR *dir = opendir("/proc/self/task");
    int self = (int)syscall(SYS_gettid), tid, count = 0;
    struct dirent *e;

    while ((e = readdir(dir)) != NULL) {
        tid = atoi(e->d_name);
        if (tid == 0 || tid == self)
            continue;
        each(tid, arg);
        count++;
    }
    closedir(dir);
    return count;
}
