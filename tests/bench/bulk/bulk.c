/*
 * bulk.c - many bytes one way over TLS, to the relay and from it. The relay encrypts and
 * decrypts, too: where it is the slower side the wall clocks are alike, and the CPU time,
 * which is this process's alone, tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "stack.h"

/* A turn moves CHUNK bytes by PIECEs; a case comes to 256 MiB each. */
enum { CHUNK = 4 << 20, PIECE = 64 << 10, ROUNDS = 64, KIB = 1024 };

static struct contest contest = {
    .name = "bulk",
    .title = "256 MiB one way over TLS 1.3 on loopback, per KiB",
};

struct transfer {
    const struct stack *stack;
    void *session;
    char buffer[PIECE];
};

static const char *expect(struct transfer *t, const char *line) {
    char answer[32];
    const char *failure = t->stack->read(t->session, answer, strlen(line));

    if (failure != NULL)
        return failure;
    return memcmp(answer, line, strlen(line)) == 0 ? NULL : "the relay answered something else";
}

static const char *say(struct transfer *t, const char *line) {
    return t->stack->write(t->session, line, strlen(line));
}

static const char *upload(void *state) {
    struct transfer *t = state;
    const char *failure = say(t, "TAKE 4194304\n");
    int done;

    for (done = 0; done < CHUNK && failure == NULL; done += PIECE)
        failure = t->stack->write(t->session, t->buffer, PIECE);
    return failure != NULL ? failure : expect(t, "TOOK 4194304\n");
}

static const char *download(void *state) {
    struct transfer *t = state;
    const char *failure = say(t, "GIVE 4194304\n");
    int done;

    for (done = 0; done < CHUNK && failure == NULL; done += PIECE)
        failure = t->stack->read(t->session, t->buffer, PIECE);
    return failure;
}

static void enter(const char *name, operation *operate, const struct surroundings *at) {
    static const struct stack *const stacks[] = {&stack_sprint, &stack_openssl,
                                                 &stack_openssl_readahead, &stack_rustls};
    struct contest_case *k = contest_case(&contest, name, ROUNDS, 1);
    const char *missing;
    struct transfer *t;
    size_t i;

    k->cpu_us = 200000;
    for (i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        if (stacks[i] == &stack_rustls && at->rust_lib == NULL)
            continue;
        t = calloc(1, sizeof *t);
        if (t == NULL)
            abort();
        t->stack = stacks[i];
        missing = t->stack->connect(at, &t->session);
        contest_enter(k, t->stack->name, i == 0 ? "" : NULL, operate, t, missing)->ops =
            CHUNK / KIB;
        if (missing == NULL)
            contest_version(&contest, t->stack->name, t->stack->version());
    }
    contest_target(k, "", "openssl", 1.0);
    contest_target_of(k, "", "openssl", CPU, 1.0);
}

int main(int argc, char **argv) {
    int first = contest_options(&contest, argc, argv);
    struct surroundings at;

    if (first < 0 || argc - first != 4) {
        fprintf(stderr, "usage: see tests/bench/tls/run\n");
        return 2;
    }
    argv += first;
    at = (struct surroundings){.tls_address = argv[0],
                               .ca_file = argv[1],
                               .sprint_lib = argv[2],
                               .rust_lib = strcmp(argv[3], "none") == 0 ? NULL : argv[3]};
    enter("to the relay", upload, &at);
    contest.version_count = 0; /* the same again */
    enter("from the relay", download, &at);
    return contest_run(&contest);
}
