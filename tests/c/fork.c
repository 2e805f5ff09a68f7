/* fork.c - rules about children forked after the load. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "rules.h"
#include "support.h"

/* What the child tells its parent; it has no stdio to trust. */
struct testimony {
    int asked;                 /**< calls made */
    int not_refused;           /**< of these, that did not say FORKED */
    char who[64];              /**< the last such one */
    sprint_status said;        /**< and what it said */
    int says_forked;           /**< the last error is about the fork */
    int wiped, named, version; /**< what works in a child too */
};

static pid_t by_fork(void) {
    return fork();
}

/* Runs no atfork handlers: only the kernel can tell the library. */
static pid_t by_raw_clone(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void testify(struct testimony *t, const uint64_t *live) {
    char text[128] = "";
    unsigned char secret[4] = {1, 2, 3, 4};
    sprint_status status;
    int i;

    for (i = 0; i < call_count; i++) {
        status = calls[i].run(live[calls[i].kind]);
        if (calls[i].is_void)
            continue;
        t->asked++;
        if (status != SPRINT_E_FORKED) {
            t->not_refused++;
            t->said = status;
            snprintf(t->who, sizeof t->who, "%s", calls[i].name);
        }
    }
    sprint_last_error(text, sizeof text);
    t->says_forked = strstr(text, "fork") != NULL;
    sprint_wipe(secret, sizeof secret);
    t->wiped = secret[0] == 0 && secret[3] == 0;
    t->named = strcmp(sprint_errname(SPRINT_E_FORKED), "SPRINT_E_FORKED") == 0;
    t->version = sprint_version() != NULL;
}

struct child {
    pid_t pid;
    int status;
};

static int is_gone(void *arg) {
    struct child *c = arg;

    return waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static void every_call_is_refused_in_a_child(pid_t (*make_child)(void)) {
    struct testimony *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sprint_memory_stats memory = {.struct_size = sizeof memory};
    uint64_t live[KINDS] = {0}, refused;
    char buf[8];
    size_t n;
    struct child child = {.status = -1};

    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &live[KIND_CONFIG]));
    live[KIND_POOL] = pool_make((struct pool_options){.max_connections = 1});
    live[KIND_CONN] = lease_echo(live[KIND_POOL]);
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &live[KIND_BUFFER]));
    calls_config = live[KIND_CONFIG];
    calls_conn = live[KIND_CONN];
    calls_buffer = live[KIND_BUFFER];
    CHECK_IS(SPRINT_OK, sprint_memory_stats_get(&memory));
    refused = memory.forks_refused;

    child.pid = make_child();
    if (child.pid == 0) {
        testify(t, live);
        _exit(0);
    }
    CHECK(child.pid > 0);
    if (!CHECK(eventually(is_gone, &child))) {
        kill(child.pid, SIGKILL);
        waitpid(child.pid, &child.status, 0);
    }
    CHECK(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0);
    if (!CHECK(t->asked > 30 && t->not_refused == 0))
        printf("     %d calls, %d not refused, among them %s: %s\n", t->asked, t->not_refused,
               t->who, sprint_errname(t->said));
    CHECK(t->says_forked && t->wiped && t->named && t->version);

    /* Nothing that the child did, releases and frees included, reaches the parent. */
    CHECK_IS(SPRINT_OK, sprint_conn_request(live[KIND_CONN], "mine", 4, buf, 8, 0, 5000, &n));
    CHECK(n == 4 && stats_of(live[KIND_POOL]).lent == 1);
    CHECK_IS(SPRINT_OK, sprint_buffer_len(live[KIND_BUFFER], &n));
    CHECK_IS(SPRINT_OK, sprint_memory_stats_get(&memory));
    CHECK(memory.forks_refused >= refused + (uint64_t)t->asked);
    sprint_conn_release(live[KIND_CONN]);
    sprint_pool_free(live[KIND_POOL]);
    sprint_config_free(live[KIND_CONFIG]);
    sprint_buffer_free(live[KIND_BUFFER]);
    munmap(t, sizeof *t);
}

static void every_call_is_refused_after_fork(void) {
    every_call_is_refused_in_a_child(by_fork);
}

static void every_call_is_refused_after_a_raw_clone(void) {
    every_call_is_refused_in_a_child(by_raw_clone);
}

const struct rule fork_rules[] = {
    RULE(every_call_is_refused_after_fork),
    RULE(every_call_is_refused_after_a_raw_clone),
    NO_MORE_RULES,
};
