/*
 * lease.c - what it costs to lease a connection and give it back, and who waits how long.
 *
 * "in Go" is package pool and its peers used by goroutines; "noprobe" is our state machine
 * alone, on stand-ins for connections, beside peers with trivial resources; "probe" is
 * with TLS connections that are looked at, beside peers that look at a TCP socket.
 * "through C" is the shared library used by threads, beside Rust pools that look at a TCP
 * socket when they hand it out.
 */
#include <stdio.h>

#include "lender.h"

struct surroundings surroundings;

static struct contest contest = {
    .name = "lease",
    .title = "a connection acquired and released, nothing done with it",
};

static void enter_go_cycles(const char *name, int rounds, const struct load *load, double ratio) {
    struct contest_case *k = contest_case(&contest, name, rounds, 1);

    enter_go(k, load, "sprint_noprobe", "noprobe");
    enter_go(k, load, "puddle", NULL);
    enter_go(k, load, "goredis", NULL);
    enter_go(k, load, "sprint", "probe");
    enter_go(k, load, "puddle_peek", NULL);
    enter_go(k, load, "goredis_peek", NULL);
    contest_target(k, "noprobe", "puddle", ratio);
    contest_target(k, "noprobe", "goredis", 1);
    contest_target(k, "probe", "puddle_peek", 1);
    contest_target(k, "probe", "goredis_peek", 1);
}

static void enter_c_cycles(const char *name, int rounds, const struct load *load) {
    static const char *const peers[] = {"r2d2", "bb8", "deadpool"};
    struct contest_case *k = contest_case(&contest, name, rounds, 1);
    int i;

    enter_sprint(k, load);
    for (i = 0; i < 3; i++) {
        enter_rust(k, load, peers[i], 1);
        enter_rust(k, load, peers[i], 0);
        contest_target(k, "", peers[i], 1);
    }
}

static struct contest_case *collecting_case(const char *name, const struct load *load) {
    struct contest_case *k = contest_case(&contest, name, 20 * load->callers, 1);

    k->crowd = 10 * load->callers;
    k->rounds -= k->rounds % load->callers;
    if (k->rounds < k->crowd)
        k->rounds = k->crowd;
    return k;
}

static void enter_waits(const struct load *load) {
    struct contest_case *k = collecting_case("in Go, 1000 on 50, 1 ms held", load);

    enter_go(k, load, "sprint", "probe");
    enter_go(k, load, "puddle_peek", NULL);
    enter_go(k, load, "goredis_peek", NULL);
    contest_target_of(k, "probe", NULL, P99, 1.5);

    k = collecting_case("through C, 1000 on 50, 1 ms held", load);
    enter_sprint(k, load);
    enter_rust(k, load, "r2d2", 1);
    enter_rust(k, load, "bb8", 1);
    enter_rust(k, load, "deadpool", 1);
    contest_target_of(k, "", NULL, P99, 1.5);
}

int main(int argc, char **argv) {
    static const struct load one = {1, 1, 500}, enough = {32, 32, 200}, scarce = {32, 16, 200},
                             crowded = {1000, 50, 0};
    int first = contest_options(&contest, argc, argv);

    if (first < 0 || argc - first != 6) {
        fprintf(stderr, "usage: see tests/bench/lease/run\n");
        return 2;
    }
    argv += first;
    surroundings = (struct surroundings){argv[0], argv[1], argv[2], argv[3], argv[4], argv[5]};
    enter_go_cycles("in Go, 1 caller", 300, &one, 0.35);
    enter_go_cycles("in Go, 32 on 32", 60, &enough, 0.40);
    enter_go_cycles("in Go, 32 on 16", 60, &scarce, 0.60);
    enter_c_cycles("through C, 1 thread", 300, &one);
    enter_c_cycles("through C, 32 on 32", 40, &enough);
    enter_c_cycles("through C, 32 on 16", 40, &scarce);
    enter_waits(&crowded);
    note_versions(&contest);
    note_allocations(&contest);
    return contest_run(&contest);
}
