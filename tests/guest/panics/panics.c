/*
 * panics.c - a bug of ours, in every call: the library is one that panics on demand
 * (capi/demand.go), the calls are those of tests/c/calls.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../c/calls.h"
#include "../guest.h"

enum { NO_PANIC, PANIC, NIL_DEREFERENCE, INDEX };

int32_t sprint_test_panic(int32_t kind);

static struct sprint_dl lib;

struct objects {
    uint64_t of[KINDS];
};

static void make(struct objects *o) {
    o->of[KIND_NONE] = 0;
    CHECK(sprint_config_new(relay_address, &o->of[KIND_CONFIG]) == SPRINT_OK);
    o->of[KIND_POOL] = pool_make(&lib);
    o->of[KIND_CONN] = lease_echo(&lib, o->of[KIND_POOL]);
    CHECK(sprint_buffer_random(32, 0, &o->of[KIND_BUFFER]) == SPRINT_OK);
}

static int all_work(const struct objects *o) {
    sprint_pool_stats stats = {.struct_size = sizeof stats};
    unsigned char mac[32];

    return CHECK(sprint_config_set_int(o->of[KIND_CONFIG], SPRINT_OPT_MIN_IDLE, 0) == SPRINT_OK) &&
           CHECK(sprint_pool_stats_get(o->of[KIND_POOL], &stats) == SPRINT_OK) &&
           CHECK(echoes(&lib, o->of[KIND_CONN])) &&
           CHECK(sprint_buffer_hmac(o->of[KIND_BUFFER], SPRINT_HASH_SHA256, "x", 1, mac, sizeof mac,
                                    NULL) == SPRINT_OK);
}

static void end(struct objects *o) {
    sprint_conn_release(o->of[KIND_CONN]);
    sprint_pool_free(o->of[KIND_POOL]);
    sprint_buffer_free(o->of[KIND_BUFFER]);
    sprint_config_free(o->of[KIND_CONFIG]);
}

static int says(const char *word) {
    char text[512];

    sprint_last_error(text, sizeof text);
    if (CHECK(strstr(text, word) != NULL))
        return 1;
    printf("     the last error is: %s\n", text);
    return 0;
}

struct tally {
    int internal, ended, c_alone;
};

/* A call on a fresh object, with a panic in it; every other object is none the worse. */
static void panic_in(const struct call *call, int kind, const char *text,
                     const struct objects *bystanders, struct tally *tally) {
    struct objects mine, companions;
    sprint_status status;
    int left;

    make(&mine);
    make(&companions);
    calls_config = companions.of[KIND_CONFIG];
    calls_conn = companions.of[KIND_CONN];
    calls_buffer = companions.of[KIND_BUFFER];
    sprint_test_panic(kind);
    status = call->run(mine.of[call->kind]);
    left = sprint_test_panic(NO_PANIC);
    if (left != NO_PANIC) {
        tally->c_alone++; /* the call did not get as far as Go */
    } else if (call->is_void) {
        tally->ended++;
    } else {
        tally->internal++;
        if (!CHECK(status == SPRINT_E_INTERNAL) || !says(text))
            printf("     %s: %s\n", call->name, sprint_errname(status));
        if (call->kind != KIND_NONE &&
            (!CHECK(call->run(mine.of[call->kind]) == SPRINT_E_INTERNAL) || !says("poisoned")))
            printf("     %s, once more\n", call->name);
    }
    CHECK(all_work(bystanders));
    end(&mine);
    end(&companions);
}

static void panic_in_each(enum kind kind, int least) {
    struct tally tally = {0};
    struct objects bystanders;
    int i;

    load(&lib);
    make(&bystanders);
    for (i = 0; i < call_count; i++)
        if (calls[i].kind == kind)
            panic_in(&calls[i], PANIC, "internal error: on demand", &bystanders, &tally);
    CHECK(tally.internal >= least);
    saw("%d INTERNAL and poisoned, %d ends survived, %d without Go", tally.internal, tally.ended,
        tally.c_alone);
    end(&bystanders);
}

static void in_calls_on_a_config(void) {
    panic_in_each(KIND_CONFIG, 4);
}

static void in_calls_on_a_pool(void) {
    panic_in_each(KIND_POOL, 12);
}

static void in_calls_on_a_lease(void) {
    panic_in_each(KIND_CONN, 8);
}

static void in_calls_on_a_secret(void) {
    panic_in_each(KIND_BUFFER, 14);
}

static void in_calls_that_make_something(void) {
    panic_in_each(KIND_NONE, 1);
}

static const struct call *call_named(const char *name) {
    int i;

    for (i = 0; i < call_count; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    CHECK(!"a call of that name");
    exit(1);
}

static void of_the_runtimes_own(int kind, const char *text) {
    const struct call *call = call_named("sprint_pool_stats_get");
    struct objects bystanders;
    struct tally tally = {0};

    load(&lib);
    make(&bystanders);
    panic_in(call, kind, text, &bystanders, &tally);
    CHECK(tally.internal == 1);
    end(&bystanders);
}

static void a_nil_dereference(void) {
    of_the_runtimes_own(NIL_DEREFERENCE, "invalid memory address or nil pointer dereference");
}

static void an_index_out_of_range(void) {
    of_the_runtimes_own(INDEX, "index out of range");
}

/* A lease with a call that was broken off is not given to the next. */
static void a_poisoned_lease_is_not_reused(void) {
    struct objects o;
    sprint_conn next;
    uint64_t id, other;

    load(&lib);
    make(&o);
    CHECK(sprint_conn_id(o.of[KIND_CONN], &id) == SPRINT_OK);
    sprint_test_panic(PANIC);
    CHECK(sprint_conn_write(o.of[KIND_CONN], "x", 1, 1000) == SPRINT_E_INTERNAL);
    sprint_conn_release(o.of[KIND_CONN]);
    CHECK(sprint_pool_acquire(o.of[KIND_POOL], 5000, &next) == SPRINT_OK);
    CHECK(sprint_conn_id(next, &other) == SPRINT_OK && other != id);
    sprint_conn_release(next);
    o.of[KIND_CONN] = 0;
    end(&o);
}

static void panic_once(void) {
    struct objects o;

    load(&lib);
    make(&o);
    sprint_test_panic(PANIC);
    CHECK(sprint_conn_write(o.of[KIND_CONN], "x", 1, 1000) == SPRINT_E_INTERNAL);
}

static void it_is_told_in_the_log_only(void) {
    int ends[2], out[2], saved[2] = {dup(1), dup(2)};
    char log[8192] = "", said[64];

    load(&lib);
    CHECK(pipe(out) == 0 && dup2(out[1], 1) == 1 && dup2(out[1], 2) == 2);
    panic_once();
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(out[1]);
    CHECK(read(out[0], said, sizeof said) == 0);
    CHECK(pipe(ends) == 0 && sprint_log_to_fd(ends[1], SPRINT_LOG_ERROR) == SPRINT_OK);
    panic_once();
    CHECK(read(ends[0], log, sizeof log - 1) > 0);
    CHECK(strstr(log, "on demand") != NULL && strstr(log, "\"stack\"") != NULL);
    CHECK(sprint_log_to_fd(-1, SPRINT_LOG_ERROR) == SPRINT_OK);
}

/* A host whose handler does not hand on what is not its own. */
static void last_words(int sig) {
    static const char text[] = "SAW the host's handler was called\n";

    (void)sig;
    (void)!write(1, text, sizeof text - 1);
    _exit(0);
}

static void a_handler_that_does_not_chain_gets_it(void) {
    struct sigaction mine = {.sa_handler = last_words, .sa_flags = SA_ONSTACK};
    struct objects o;

    load(&lib);
    make(&o);
    CHECK(sigaction(SIGSEGV, &mine, NULL) == 0);
    sprint_test_panic(NIL_DEREFERENCE);
    CHECK(sprint_conn_write(o.of[KIND_CONN], "x", 1, 1000) == SPRINT_E_INTERNAL);
    CHECK(!"the handler was called");
}

static const struct row rows[] = {
    ROW(in_calls_on_a_config, "a panic in each call on a config",
        "INTERNAL with its text, that handle poisoned, others go on"),
    ROW(in_calls_on_a_pool, "a panic in each call on a pool", "the same"),
    ROW(in_calls_on_a_lease, "a panic in each call on a lease", "the same"),
    ROW(in_calls_on_a_secret, "a panic in each call on a secret", "the same"),
    ROW(in_calls_that_make_something, "a panic in calls that make something",
        "INTERNAL; the next works"),
    ROW(a_nil_dereference, "a nil dereference in Go", "INTERNAL with its text"),
    ROW(an_index_out_of_range, "an index out of range in Go", "INTERNAL with its text"),
    ROW(a_poisoned_lease_is_not_reused, "a lease with a call that was broken off",
        "its release closes the connection"),
    ROW(it_is_told_in_the_log_only, "what is told of a panic",
        "nothing on stdout or stderr; stack in the log"),
    LIMIT(a_handler_that_does_not_chain_gets_it,
          "a nil dereference; the host's SIGSEGV handler, set later, does not chain",
          "the host's handler decides"),
    END_OF_ROWS,
};

const struct group groups[] = {
    {"Bugs of ours: panics on demand", rows},
    {NULL, NULL},
};
