/* contest.c - run the cases of a contest. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "contest.h"
#include "crew.h"
#include "rounds.h"

/* A batch takes this long at least, so that reading the clock costs below 1 % of it. */
enum { BATCH_NS = 5000 };

/* Operations at the same time, and those that the CPU time is taken from, run this long
 * if the case does not say. */
enum { BLOCK_US = 10000 };

struct contest_case *contest_case(struct contest *c, const char *name, int rounds, int threads) {
    struct contest_case *k = &c->cases[c->count++];

    if (c->count > MAX_CASES)
        abort();
    k->name = name;
    k->rounds = (rounds * c->percent + 99) / 100;
    k->threads = threads;
    k->cpu_us = BLOCK_US;
    return k;
}

int contest_measured(const struct contender *e) {
    return e->missing[0] == '\0';
}

/* why is NULL if nothing is wrong. */
static void lose(struct contender *e, const char *why) {
    if (why != NULL)
        snprintf(e->missing, sizeof e->missing, "%s", why);
}

struct contender *contest_enter(struct contest_case *k, const char *name, const char *variant,
                                operation *operate, void *state, const char *missing) {
    struct contender *e = &k->contenders[k->count++];
    int i;

    if (k->count > MAX_CONTENDERS)
        abort();
    e->name = name;
    e->variant = variant;
    e->operate = operate;
    e->ops = 1;
    lose(e, missing);
    for (i = 0; i < MAX_CREW; i++)
        e->state[i] = state;
    return e;
}

void contest_target_of(struct contest_case *k, const char *variant, const char *peer,
                       enum figure figure, double ratio) {
    if (k->target_count == MAX_TARGETS)
        abort();
    k->targets[k->target_count++] = (struct target){variant, peer, figure, ratio};
}

void contest_target(struct contest_case *k, const char *variant, const char *peer, double ratio) {
    contest_target_of(k, variant, peer, P50, ratio);
}

void contest_fact(struct contest *c, const char *name, const char *unit, double value,
                  double limit) {
    if (c->fact_count == MAX_FACTS)
        abort();
    c->facts[c->fact_count++] = (struct fact){name, unit, value, limit};
}

void contest_version(struct contest *c, const char *name, const char *text) {
    if (c->version_count == MAX_VERSIONS)
        abort();
    c->versions[c->version_count].name = name;
    c->versions[c->version_count++].text = text;
}

/* Nanoseconds of a batch; 0 when the contender is lost. */
static uint64_t run_batch(struct contender *e) {
    uint64_t started = now_ns(), ended;
    const char *failure = NULL;
    long op;

    for (op = 0; op < e->batch && failure == NULL; op++)
        failure = e->operate(e->state[0]);
    ended = now_ns();
    lose(e, failure);
    return failure == NULL ? ended - started : 0;
}

/* Operations done, and the wall clock they took. */
static long run_block(struct contender *e, int threads, long us, uint64_t *elapsed) {
    const char *failure;
    long ops = crew_work(e->operate, e->state, threads, us, elapsed, &failure);

    lose(e, failure);
    return ops * e->ops;
}

static double sample(struct contender *e, int threads) {
    uint64_t elapsed;
    long ops;

    if (threads == 1)
        return (double)run_batch(e) / (double)(e->batch * e->ops);
    ops = run_block(e, threads, BLOCK_US, &elapsed);
    return (double)elapsed / (double)ops;
}

/* The best of some tries, so that a preemption does not pass for a long batch. */
static void choose_batch(struct contender *e) {
    uint64_t took, best;
    int try;

    for (e->batch = 1; contest_measured(e); e->batch *= 2) {
        best = UINT64_MAX;
        for (try = 0; try < 5; try++) {
            took = run_batch(e);
            best = took < best ? took : best;
        }
        if (best >= BATCH_NS)
            return;
    }
}

static void warm_up(struct contender *e, int threads, int crowd) {
    uint64_t elapsed;
    double one;

    if (crowd > 0)
        lose(e, e->collect(e->state[0], &one, 1));
    else if (threads == 1)
        choose_batch(e);
    else
        run_block(e, threads, BLOCK_US, &elapsed);
}

static void for_each_state(struct contender *e, int threads, operation *what) {
    int t;

    for (t = 0; what != NULL && t < threads && contest_measured(e); t++)
        lose(e, what(e->state[t]));
}

static void begin(struct contest_case *k) {
    struct contender *e;

    for (e = k->contenders; e < k->contenders + k->count; e++) {
        for_each_state(e, k->threads, e->begin);
        if (contest_measured(e))
            warm_up(e, k->threads, k->crowd);
    }
}

static void end(struct contest_case *k) {
    struct contender *e;

    for (e = k->contenders; e < k->contenders + k->count; e++)
        for_each_state(e, k->threads, e->end);
}

/* One contender's turn in a round: one sample, or a crowd's. */
static void take_turn(struct contender *e, const struct contest_case *k, double *samples,
                      int room) {
    if (!contest_measured(e))
        return;
    if (k->crowd > 0)
        lose(e, e->collect(e->state[0], samples, room));
    else
        *samples = sample(e, k->threads);
}

static void measure_latency(struct contest *c, struct contest_case *k, int repeat) {
    double *samples = calloc((size_t)k->rounds * MAX_CONTENDERS, sizeof *samples);
    int order[MAX_CONTENDERS], round, step = k->crowd > 0 ? k->crowd : 1, room, i, p;

    if (samples == NULL)
        abort();
    for (round = 0; round < k->rounds; round += step) {
        random_order(&c->random_now, order, k->count);
        room = step < k->rounds - round ? step : k->rounds - round;
        for (i = 0; i < k->count; i++) {
            p = order[i];
            take_turn(&k->contenders[p], k, samples + p * k->rounds + round, room);
        }
    }
    for (p = 0; p < k->count; p++)
        figures_from(&k->contenders[p].figures[repeat], samples + p * k->rounds, k->rounds);
    free(samples);
}

/* One turn of a crowd for its CPU time alone. */
static long collect_unseen(struct contender *e, int count) {
    double *samples = calloc((size_t)count, sizeof *samples);

    if (samples == NULL)
        abort();
    lose(e, e->collect(e->state[0], samples, count));
    free(samples);
    return count;
}

/*
 * Runtimes have helper threads, so the whole process is asked, and only while one
 * contender works: a block of its own, begun when the process has been seen idle.
 */
static void measure_cpu(struct contest *c, struct contest_case *k, int repeat) {
    int order[MAX_CONTENDERS], i;
    struct contender *e;
    uint64_t before, elapsed;
    long ops;

    random_order(&c->random_now, order, k->count);
    for (i = 0; i < k->count; i++) {
        e = &k->contenders[order[i]];
        if (!contest_measured(e))
            continue;
        settle();
        before = cpu_ns();
        if (k->crowd > 0)
            ops = collect_unseen(e, k->crowd);
        else
            ops = run_block(e, k->threads, k->cpu_us, &elapsed);
        e->figures[repeat].cpu = (double)(cpu_ns() - before) / (double)ops;
    }
}

int contest_run(struct contest *c) {
    int repeat, i, p, failed = 0;

    crew_start();
    for (repeat = 0; repeat < c->repeats; repeat++) {
        for (i = 0; i < c->count; i++) {
            begin(&c->cases[i]);
            measure_latency(c, &c->cases[i], repeat);
            measure_cpu(c, &c->cases[i], repeat);
            end(&c->cases[i]);
        }
    }
    crew_stop();
    contest_table(c);
    if (c->json != NULL && contest_json(c) != 0)
        failed = 1;
    for (i = 0; i < c->count; i++)
        for (p = 0; p < c->cases[i].count; p++)
            failed |= !contest_measured(&c->cases[i].contenders[p]);
    return failed;
}

int contest_options(struct contest *c, int argc, char **argv) {
    static const struct option options[] = {
        {"json", required_argument, NULL, 'j'},
        {"percent", required_argument, NULL, 'q'},
        {"repeats", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int option;

    c->repeats = 3;
    c->percent = 100;
    c->seed = now_ns();
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            c->json = optarg;
            break;
        case 'q':
            c->percent = atoi(optarg);
            break;
        case 'n':
            c->repeats = atoi(optarg);
            break;
        case 's':
            c->seed = strtoull(optarg, NULL, 10);
            break;
        default:
            return -1;
        }
    }
    if (c->repeats < 1 || c->repeats > MAX_REPEATS || c->percent < 1 || c->percent > 1000 ||
        c->seed == 0) {
        fprintf(stderr, "%s: a value is out of range\n", argv[0]);
        return -1;
    }
    c->random_now = c->seed;
    return optind;
}
