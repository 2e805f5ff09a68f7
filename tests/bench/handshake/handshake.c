/*
 * handshake.c - what a new connection costs: connect, handshake, one line and its answer,
 * and the end. The answer brings the session tickets, so that with a relay that gives any
 * the next connection resumes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "stack.h"

enum { ROUNDS = 300 };

static struct contest contest = {
    .name = "handshake",
    .title = "connect, handshake, one line and its answer, close",
};

struct caller {
    const struct stack *stack;
    const struct surroundings *at;
};

static const char *exchange(const struct stack *stack, void *session) {
    static const char line[] = "PING\n", want[] = "ERR login first\n";
    char answer[sizeof want - 1];
    const char *failure = stack->write(session, line, sizeof line - 1);

    if (failure == NULL)
        failure = stack->read(session, answer, sizeof answer);
    if (failure == NULL && memcmp(answer, want, sizeof answer) != 0)
        failure = "the relay answered something else";
    return failure;
}

/* Whether the handshake resumed is told if resumed is not NULL. */
static const char *call(const struct caller *c, int *resumed) {
    void *session;
    const char *failure = c->stack->connect(c->at, &session);

    if (failure != NULL)
        return failure;
    failure = exchange(c->stack, session);
    if (failure == NULL && resumed != NULL)
        *resumed = c->stack->resumed(session);
    c->stack->close(session);
    return failure;
}

static const char *one_call(void *state) {
    return call(state, NULL);
}

/* The second call resumes, or it must not. */
static const char *try_out(const struct caller *c, int wanted) {
    int resumed = !wanted;
    const char *failure = call(c, NULL);

    if (failure == NULL)
        failure = call(c, &resumed);
    if (failure == NULL && resumed != wanted)
        failure = wanted ? "the session was not resumed" : "the session was resumed";
    return failure;
}

int main(int argc, char **argv) {
    static const struct stack *const stacks[] = {&stack_sprint, &stack_openssl, &stack_rustls};
    int resume, first = contest_options(&contest, argc, argv);
    struct contest_case *k;
    struct surroundings at;
    const char *missing;
    struct caller *c;
    size_t i;

    if (first < 0 || argc - first != 5) {
        fprintf(stderr, "usage: see tests/bench/tls/run\n");
        return 2;
    }
    argv += first;
    at = (struct surroundings){.tls_address = argv[0],
                               .ca_file = argv[1],
                               .sprint_lib = argv[2],
                               .rust_lib = strcmp(argv[3], "none") == 0 ? NULL : argv[3]};
    resume = strcmp(argv[4], "resumed") == 0;
    if (resume)
        contest.name = "handshake-resumed";
    k = contest_case(&contest, resume ? "resumed" : "full", ROUNDS, 1);
    k->cpu_us = 200000;
    for (i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        if (stacks[i] == &stack_rustls && at.rust_lib == NULL)
            continue;
        if ((c = calloc(1, sizeof *c)) == NULL)
            abort();
        *c = (struct caller){stacks[i], &at};
        missing = try_out(c, resume);
        contest_enter(k, c->stack->name, i == 0 ? "" : NULL, one_call, c, missing);
        if (missing == NULL)
            contest_version(&contest, c->stack->name, c->stack->version());
    }
    contest_target(k, "", "openssl", 1.1);
    if (at.rust_lib != NULL)
        contest_target(k, "", "rustls", 1.1);
    return contest_run(&contest);
}
