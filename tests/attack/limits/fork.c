/* fork.c - rules about a child that is forked while a buffer is in some state. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limits.h"

static pid_t by_fork(void) {
    return fork();
}

/* Runs no atfork handlers: only the kernel can tell the library. */
static pid_t by_raw_clone(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* In the child: the kernel reads the address for it, so that a fault is an error. */
static void nothing_is_at(const void *address) {
    static const unsigned char zeros[CONTENT];
    unsigned char got[CONTENT];
    int ends[2];
    ssize_t n;

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    n = write(ends[1], address, sizeof got);
    if (n < 0) {
        CHECK(errno == EFAULT);
        return;
    }
    /* Pages of the mlock backend are emptied, those of secretmem are not there. */
    CHECK(backend == SPRINT_BACKEND_MLOCK);
    CHECK(n == sizeof got && read(ends[0], got, sizeof got) == n);
    CHECK(memcmp(got, zeros, sizeof got) == 0);
}

static void every_call_is_refused(sprint_buffer buffer) {
    unsigned char bytes[64];
    sprint_buffer other;
    size_t n;
    void *data;
    int32_t equal;

    CHECK(sprint.sprint_buffer_len(buffer, &n) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_read(buffer, 0, bytes, 1) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_write(buffer, 0, "", 1) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_open(buffer, SPRINT_READ, &data, NULL) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_open(buffer, SPRINT_WRITE, &data, NULL) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_close(buffer) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_equal(buffer, buffer, &equal) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_seal(buffer) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_hmac(buffer, SPRINT_HASH_SHA256, "", 0, bytes, sizeof bytes, &n) ==
          SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_alloc(CONTENT, SPRINT_BUFFER_DEFAULT, &other) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_buffer_random(CONTENT, SPRINT_BUFFER_DEFAULT, &other) == SPRINT_E_FORKED);
    CHECK(sprint.sprint_memory_set(SPRINT_MEM_BACKEND, backend) == SPRINT_E_FORKED);
    sprint.sprint_buffer_free(buffer);
}

static void child_has_nothing(pid_t (*make_child)(void), const struct secrets *all, int mode,
                              int sealed) {
    sprint_buffer buffer = all->buffers[0];
    int status = 0;
    void *address;
    pid_t child;

    /* The place of one at rest is learnt by opening it. */
    CHECK_IS(SPRINT_OK,
             sprint.sprint_buffer_open(buffer, mode ? mode : SPRINT_READ, &address, NULL));
    if (mode == 0)
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_close(buffer));
    if (sealed)
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_seal(buffer));

    child = make_child();
    if (child == 0) {
        nothing_is_at(address);
        every_call_is_refused(buffer);
        _exit(checks_failed());
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    if (mode != 0)
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_close(buffer));
    CHECK(secrets_intact(all) == all->count);
}

static void a_child_has_nothing(int mode, int sealed) {
    struct secrets all = secrets_new(2);

    load();
    CHECK_IS(SPRINT_OK, secrets_fill(&all));
    child_has_nothing(by_fork, &all, mode, sealed);
    child_has_nothing(by_raw_clone, &all, mode, sealed);
    secrets_free(&all);
}

static void a_child_has_nothing_of_a_secret_at_rest(void) {
    a_child_has_nothing(0, 0);
}

static void a_child_has_nothing_of_a_secret_open_for_reading(void) {
    a_child_has_nothing(SPRINT_READ, 0);
}

static void a_child_has_nothing_of_a_secret_open_for_writing(void) {
    a_child_has_nothing(SPRINT_WRITE, 0);
}

static void a_child_has_nothing_of_a_sealed_secret(void) {
    a_child_has_nothing(0, 1);
}

const struct rule fork_rules[] = {
    RULE(a_child_has_nothing_of_a_secret_at_rest),
    RULE(a_child_has_nothing_of_a_secret_open_for_reading),
    RULE(a_child_has_nothing_of_a_secret_open_for_writing),
    RULE(a_child_has_nothing_of_a_sealed_secret),
    {NULL, NULL},
};
