/*
 * rtt.c - what an echo over TLS costs, against the peers that a user has.
 *
 * All peers live in this one process and talk to the same server, and their operations
 * are interleaved one by one in a new random order each round: on a shared machine a
 * fixed order flatters whoever runs after a thread that has just kept the core awake.
 *
 * CPU time is another matter. The Go peers have helper threads, so only the whole
 * process can be asked, and then only while a single peer works: each peer runs a block
 * of its own, begun when the process has been seen idle, so that no other runtime's
 * spinning is put on its bill.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "rounds.h"

static struct bench bench = {.repeats = 3};
static uint64_t random_state;
static unsigned char out[16384], in[sizeof out];

static const struct stack *const all_stacks[] = {
    &stack_tcp,      &stack_openssl, &stack_openssl_readahead, &stack_rustls,
    &stack_gopoller, &stack_sprint,  &stack_sprint_request,
};

static const struct bench_case dense_cases[] = {
    {"64 B", 64, 0, 5000, 4000},
    {"1 KiB", 1024, 0, 5000, 4000},
    {"16 KiB", 16384, 0, 5000, 4000},
};

/* How an order path really runs: a message, then nothing for a while. */
static const struct bench_case sparse_cases[] = {
    {"64 B after 1 ms", 64, 1000, 1000, 250},
    {"64 B after 20 ms", 64, 20000, 200, 50},
};

static void lost(struct entrant *e, const char *why) {
    snprintf(e->why, sizeof e->why, "%s", why);
    e->missing = 1;
    fprintf(stderr, "rtt: %s: %s\n", e->stack->name, e->why);
}

/* One operation, timed and then verified. 0 when the peer is lost. */
static uint64_t operate(struct entrant *e, size_t size) {
    uint64_t started, ended, stamp = next_random(&random_state);
    const char *failure;

    memcpy(out, &stamp, sizeof stamp);
    memcpy(out + size - sizeof stamp, &stamp, sizeof stamp);
    started = now_ns();
    failure = stack_roundtrip(e->stack, e->session, out, in, size);
    ended = now_ns();
    if (failure == NULL && memcmp(in, out, size) != 0)
        failure = "the echo differs from what was sent";
    if (failure != NULL) {
        lost(e, failure);
        return 0;
    }
    return ended - started;
}

static void measure_latency(int c, int repeat) {
    const struct bench_case *k = &bench.cases[c];
    double *samples = calloc((size_t)k->rounds * MAX_PEERS, sizeof *samples);
    int order[MAX_PEERS], round, i, p;

    if (samples == NULL)
        abort();
    for (round = 0; round < k->rounds; round++) {
        random_order(&random_state, order, bench.peers);
        for (i = 0; i < bench.peers; i++) {
            p = order[i];
            if (bench.entrants[p].missing)
                continue;
            silence(k->gap_us);
            samples[p * k->rounds + round] = (double)operate(&bench.entrants[p], k->size);
        }
    }
    for (p = 0; p < bench.peers; p++)
        figures_from(&bench.figures[c][p][repeat], samples + p * k->rounds, k->rounds);
    free(samples);
}

static void measure_cpu(int c, int repeat) {
    const struct bench_case *k = &bench.cases[c];
    int order[MAX_PEERS], i, op;
    struct entrant *e;
    uint64_t before;

    random_order(&random_state, order, bench.peers);
    for (i = 0; i < bench.peers; i++) {
        e = &bench.entrants[order[i]];
        settle();
        before = cpu_ns();
        for (op = 0; op < k->cpu_ops && !e->missing; op++) {
            silence(k->gap_us);
            operate(e, k->size);
        }
        bench.figures[c][order[i]][repeat].cpu = (double)(cpu_ns() - before) / k->cpu_ops;
    }
}

/* Plain TCP echoes from the start, and so does what sends the line by itself. */
static const char *open_session(struct entrant *e, const struct surroundings *at) {
    const char *failure = e->stack->connect(at, &e->session);

    if (failure != NULL || e->stack == &stack_tcp || e->stack->write == NULL)
        return failure;
    return e->stack->write(e->session, ECHO_LINE, sizeof ECHO_LINE - 1);
}

static void open_peers(const struct surroundings *at) {
    const char *failure;
    struct entrant *e;
    int p, op;

    for (p = 0; p < bench.peers; p++) {
        e = &bench.entrants[p];
        if ((failure = open_session(e, at)) != NULL)
            lost(e, failure);
        for (op = 0; op < 200 && !e->missing; op++)
            operate(e, 64 << op % 9);
    }
}

static int wanted(const char *list, const char *name) {
    size_t len = strlen(name);
    const char *at;

    for (at = list; (at = strstr(at, name)) != NULL; at += len)
        if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
            return 1;
    return 0;
}

/* Whether every name of the list is a peer's. */
static int choose_peers(const char *list) {
    int names = 1;
    size_t i;

    for (i = 0; i < sizeof all_stacks / sizeof *all_stacks; i++)
        if (wanted(list, all_stacks[i]->name))
            bench.entrants[bench.peers++].stack = all_stacks[i];
    for (; *list != '\0'; list++)
        names += *list == ',';
    return names == bench.peers;
}

static void choose_cases(int sparse, int percent) {
    int i;

    bench.name = sparse ? "rtt-sparse" : "rtt";
    bench.case_count = sparse ? 2 : 3;
    for (i = 0; i < bench.case_count; i++) {
        bench.cases[i] = sparse ? sparse_cases[i] : dense_cases[i];
        bench.cases[i].rounds = bench.cases[i].rounds * percent / 100;
        bench.cases[i].cpu_ops = bench.cases[i].cpu_ops * percent / 100;
    }
}

static int write_json(const char *path) {
    FILE *f = fopen(path, "w");

    if (f == NULL) {
        perror(path);
        return -1;
    }
    report_json(&bench, f);
    return fclose(f);
}

static int run(const struct surroundings *at, const char *json) {
    int repeat, c, p, failed = 0;

    open_peers(at);
    for (repeat = 0; repeat < bench.repeats; repeat++) {
        for (c = 0; c < bench.case_count; c++) {
            measure_latency(c, repeat);
            measure_cpu(c, repeat);
        }
    }
    report_table(&bench, stdout);
    if (json != NULL && write_json(json) != 0)
        failed = 1;
    for (p = 0; p < bench.peers; p++) {
        failed |= bench.entrants[p].missing;
        if (!bench.entrants[p].missing)
            bench.entrants[p].stack->close(bench.entrants[p].session);
    }
    return failed;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"tls", required_argument, NULL, 't'},
        {"tcp", required_argument, NULL, 'r'},
        {"ca", required_argument, NULL, 'c'},
        {"sprint", required_argument, NULL, 'l'},
        {"gopoller", required_argument, NULL, 'g'},
        {"rustls", required_argument, NULL, 'R'},
        {"json", required_argument, NULL, 'j'},
        {"peers", required_argument, NULL, 'p'},
        {"repeats", required_argument, NULL, 'n'},
        {"percent", required_argument, NULL, 'q'},
        {"seed", required_argument, NULL, 's'},
        {"sparse", no_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    struct surroundings at = {NULL, NULL, NULL, NULL, NULL, NULL};
    const char *json = NULL, *peers = NULL;
    int option, sparse = 0, percent = 100;

    bench.seed = now_ns();
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 't':
            at.tls_address = optarg;
            break;
        case 'r':
            at.tcp_address = optarg;
            break;
        case 'c':
            at.ca_file = optarg;
            break;
        case 'l':
            at.sprint_lib = optarg;
            break;
        case 'g':
            at.go_lib = optarg;
            break;
        case 'R':
            at.rust_lib = optarg;
            break;
        case 'j':
            json = optarg;
            break;
        case 'p':
            peers = optarg;
            break;
        case 'n':
            bench.repeats = atoi(optarg);
            break;
        case 'q':
            percent = atoi(optarg);
            break;
        case 's':
            bench.seed = strtoull(optarg, NULL, 10);
            break;
        case 'd':
            sparse = 1;
            break;
        default:
            return 2;
        }
    }
    if (at.tls_address == NULL || at.tcp_address == NULL || at.ca_file == NULL ||
        at.sprint_lib == NULL || at.go_lib == NULL || at.rust_lib == NULL || bench.seed == 0 ||
        bench.repeats < 1 || bench.repeats > MAX_REPEATS || percent < 5 || percent > 1000) {
        fprintf(stderr, "usage: see tests/bench/rtt/run\n");
        return 2;
    }
    random_state = bench.seed;
    if (peers == NULL)
        peers = sparse ? "tcp,openssl,openssl_readahead,sprint"
                       : "tcp,openssl,openssl_readahead,rustls,gopoller,sprint,sprint_request";
    if (!choose_peers(peers)) {
        fprintf(stderr, "rtt: %s: not a list of peers\n", peers);
        return 2;
    }
    choose_cases(sparse, percent);
    return run(&at, json);
}
