/* crashes.c - rows about faults in the host's own code, and about its stacks for signals. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

static sigjmp_buf after_the_fault;

static void on_fault(int sig) {
    siglongjmp(after_the_fault, sig);
}

static void fault(void) {
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

static void fault_after_a_call(void *arg) {
    struct sprint_dl lib;

    (void)arg;
    load(&lib);
    fault();
}

static void a_fault_kills_as_it_did(void) {
    struct ending e;

    apart(fault_after_a_call, NULL, &e);
    CHECK(e.signal == SIGSEGV);
    CHECK(e.said[0] == '\0');
    saw("%s, \"%s\" on stderr", how(&e), e.said);
}

static void a_handler_gets_the_fault(int after_load) {
    struct sigaction mine = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    struct sprint_dl lib;
    int sig;

    if (after_load)
        load(&lib);
    CHECK(sigaction(SIGSEGV, &mine, NULL) == 0);
    if (!after_load)
        load(&lib);
    if ((sig = sigsetjmp(after_the_fault, 1)) == 0) {
        fault();
        CHECK(!"the write went through");
    }
    CHECK(sig == SIGSEGV);
    one_call(&lib);
}

/* Go's handler must hand the fault of C code on. */
static void a_handler_set_before_the_load_gets_the_fault(void) {
    a_handler_gets_the_fault(0);
}

static void a_handler_set_after_the_load_gets_the_fault(void) {
    a_handler_gets_the_fault(1);
}

static struct sigaction former;

static void chain(int sig, siginfo_t *info, void *context) {
    if (former.sa_flags & SA_SIGINFO)
        former.sa_sigaction(sig, info, context);
}

/* The host's first handler, then the library, then a crash reporter that passes on. */
static void handlers_in_a_chain_are_called_in_turn(void) {
    struct sigaction first = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    struct sigaction second = {.sa_sigaction = chain, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    struct sprint_dl lib;

    CHECK(sigaction(SIGSEGV, &first, NULL) == 0);
    load(&lib);
    CHECK(sigaction(SIGSEGV, &second, &former) == 0);
    if (sigsetjmp(after_the_fault, 1) == 0) {
        fault();
        CHECK(!"the write went through");
    }
    one_call(&lib);
}

/* ------------------------------------------------------------------ alternate stacks */

static void use_stack(int sig) {
    (void)sig;
}

static void with_stack_of(size_t size, int disabled) {
    struct sigaction mine = {.sa_handler = use_stack, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_size = size}, now;
    struct sprint_dl lib;
    int i;

    load(&lib); /* the first call gave this thread Go's stack */
    if (disabled)
        stack.ss_flags = SS_DISABLE;
    else
        stack.ss_sp = malloc(size);
    CHECK(sigaltstack(&stack, NULL) == 0);
    CHECK(sigaction(SIGUSR1, &mine, NULL) == 0);
    for (i = 0; i < 2000; i++) {
        one_call(&lib);
        litter(&lib);
        if (i % 100 == 0 && size != 2048) /* smaller than a frame of the kernel's */
            CHECK(raise(SIGUSR1) == 0);
    }
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK(disabled ? now.ss_flags & SS_DISABLE : now.ss_sp == stack.ss_sp);
}

static void a_thread_without_one_works(void) {
    with_stack_of(0, 1);
}

static void a_thread_with_2048_bytes_works(void) {
    with_stack_of(2048, 0);
}

static void a_thread_with_8192_bytes_works(void) {
    with_stack_of(8192, 0);
}

static void *has_its_own(void *arg) {
    stack_t mine = {.ss_size = 65536, .ss_sp = malloc(65536)}, now;

    CHECK(sigaltstack(&mine, NULL) == 0);
    one_call(arg); /* the first one of this thread */
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK(now.ss_sp == mine.ss_sp && now.ss_size == mine.ss_size);
    return NULL;
}

static void a_threads_own_one_is_kept(void) {
    struct sprint_dl lib;
    pthread_t thread;

    load(&lib);
    CHECK(pthread_create(&thread, NULL, has_its_own, &lib) == 0);
    pthread_join(thread, NULL);
}

/* A handler that needs 48 KiB of stack, from the far end on. */
static void greedy(int sig) {
    volatile char use[48 * 1024];
    size_t i;

    (void)sig;
    for (i = sizeof use; i > 0; i -= 1024)
        use[i - 1] = 1;
}

static void a_handler_that_needs_48_kib_has_a_stack_of_its_own(void) {
    struct sigaction mine = {.sa_handler = greedy, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_size = 256 * 1024, .ss_sp = malloc(256 * 1024)};
    struct sprint_dl lib;

    CHECK(sigaltstack(&stack, NULL) == 0);
    load(&lib);
    CHECK(sigaction(SIGUSR1, &mine, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0);
    one_call(&lib);
}

static void a_first_call_gives_a_thread_gos_stack(void) {
    struct sprint_dl lib;
    stack_t now;

    load(&lib);
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK((now.ss_flags & SS_DISABLE) == 0 && now.ss_size == 32 * 1024);
    saw("%zu bytes", now.ss_size);
}

const struct row crash_rows[] = {
    ROW(a_fault_kills_as_it_did, "the host's own NULL write, SIGSEGV default",
        "signal 11, nothing on stderr"),
    ROW(a_handler_set_before_the_load_gets_the_fault, "SIGSEGV handler, set before the load",
        "called; calls go on"),
    ROW(a_handler_set_after_the_load_gets_the_fault, "SIGSEGV handler, set after the load",
        "called; calls go on"),
    ROW(handlers_in_a_chain_are_called_in_turn, "SIGSEGV handlers before and after that chain",
        "the first is reached through Go's"),
    ROW(a_thread_without_one_works, "sigaltstack(2) disabled after the first call",
        "calls go on, it stays disabled"),
    ROW(a_thread_with_2048_bytes_works, "sigaltstack(2) of 2048 bytes", "calls go on, it stays"),
    ROW(a_thread_with_8192_bytes_works, "sigaltstack(2) of 8192 bytes", "calls go on, it stays"),
    ROW(a_threads_own_one_is_kept, "sigaltstack(2) of a thread before its first call", "it stays"),
    ROW(a_handler_that_needs_48_kib_has_a_stack_of_its_own,
        "handler of 48 KiB, own stack before the first call", "runs"),
    LIMIT(a_first_call_gives_a_thread_gos_stack, "the stack for signals of a thread that had none",
          "Go's, of 32 KiB, from the first call"),
    END_OF_ROWS,
};
