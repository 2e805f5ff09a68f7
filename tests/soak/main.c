/* main.c - the soak: four pools on four relays, 64 threads, a fault every second.
 *
 *   soak SECONDS COMPARE ADDRESS CONTROL DIR [ADDRESS CONTROL DIR...]
 *
 * COMPARE is compare.py. Exit 1 if a rule was broken; each is named where it is found. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "soak.h"
#include "support.h"

enum { STRIKES = 3, STRIKE_MS = 100, TELL_EVERY_S = 10, ROTATE_EVERY_S = 3, MOST_TOLD = 50 };

extern char **environ;
struct group groups[POOLS];
static atomic_int broken;

void wrong(const char *format, ...) {
    va_list args;
    char text[512];

    if (atomic_fetch_add(&broken, 1) >= MOST_TOLD)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("WRONG %s\n", text);
    fflush(stdout);
}

int wrongs(void) {
    return atomic_load(&broken);
}

static int must(sprint_status status, const char *what) {
    char text[256];

    if (status == SPRINT_OK)
        return 1;
    sprint_last_error(text, sizeof text);
    wrong("%s: %s: %s", what, sprint_errname(status), text);
    return 0;
}

static void group_open(struct group *g) {
    static const struct {
        int32_t option;
        int64_t value;
    } settings_of_ints[] = {
        {SPRINT_OPT_MAX_CONNECTIONS, MAX_CONNECTIONS},
        {SPRINT_OPT_MIN_IDLE, MIN_IDLE},
        {SPRINT_OPT_CONNECT_TIMEOUT_MS, BUDGET_MS},
        {SPRINT_OPT_CIRCUIT_BREAKER_COOLDOWN_MS, COOLDOWN_MS},
        {SPRINT_OPT_MAX_LIFETIME_MS, 15000}, /* all ages within a round of faults */
        {SPRINT_OPT_IDLE_TIMEOUT_MS, 5000},
        {SPRINT_OPT_KEY_ROTATION_INTERVAL_MS, 20000},
        {SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS, 10000},
        {SPRINT_OPT_PROBE_SWEEP_MS, 1000},
        {SPRINT_OPT_METRICS_PORT, 0},
    };
    sprint_config config = 0;
    pthread_rwlockattr_t writers_first;
    uint16_t port = 0;
    char ca[4096];
    size_t i;

    pthread_rwlockattr_init(&writers_first);
    pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&g->asking, &writers_first);
    snprintf(ca, sizeof ca, "%s/ca.pem", g->dir);
    must(sprint_config_new(g->address, &config), "settings");
    must(sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca), "the root");
    for (i = 0; i < sizeof settings_of_ints / sizeof *settings_of_ints; i++)
        must(sprint_config_set_int(config, settings_of_ints[i].option, settings_of_ints[i].value),
             "an option");
    must(sprint_pool_new(config, &g->pool), "a pool");
    sprint_config_free(config);
    must(sprint_pool_start_metrics(g->pool, &port), "metrics");
    must(sprint_pool_start_cleanup(g->pool), "cleanup");
    snprintf(g->metrics, sizeof g->metrics, "127.0.0.1:%u", port);
}

static sprint_pool_stats stats(struct group *g) {
    sprint_pool_stats s = {.struct_size = sizeof s};

    must(sprint_pool_stats_get(g->pool, &s), "stats");
    return s;
}

static int is_whole(void *group) {
    sprint_pool_stats s = stats(group);

    return s.healthy && s.breaker_state == SPRINT_BREAKER_CLOSED && s.idle == MIN_IDLE &&
           s.lent + s.waiting + s.dialing == 0;
}

/* Nobody calls, every pool has its least connections: what the process has then is its own. */
static struct sample rest(void) {
    sprint_memory_stats memory = {.struct_size = sizeof memory};
    int i;

    traffic_park();
    for (i = 0; i < POOLS; i++) {
        must(sprint_pool_resize(groups[i].pool, MIN_IDLE, MIN_IDLE), "resize");
        if (!eventually(is_whole, &groups[i]))
            wrong("pool %d is not whole without a fault", i);
    }
    must(sprint_memory_stats_get(&memory), "memory");
    if (memory.buffers != 0)
        wrong("%llu secrets were left", (unsigned long long)memory.buffers);
    return watch_now();
}

static void back_to_work(void) {
    int i;

    for (i = 0; i < POOLS; i++)
        must(sprint_pool_resize(groups[i].pool, MAX_CONNECTIONS, MIN_IDLE), "resize");
    traffic_go_on();
}

static long sum_of_errors(struct group *g) {
    long sum = 0;
    int kind;

    for (kind = 0; kind < KINDS; kind++)
        sum += atomic_load(&g->errors[kind]);
    return sum;
}

static void tell(int second) {
    char when[32];
    long good = 0, errors = 0;
    int i;

    for (i = 0; i < POOLS; i++) {
        good += atomic_load(&groups[i].good);
        errors += sum_of_errors(&groups[i]);
    }
    snprintf(when, sizeof when, "%5d s", second);
    printf("%s %9ld good %7ld errors %3d wrong  ", when, good, errors, wrongs());
    watch_print("", watch_now());
    fflush(stdout);
}

/* One fault in each second, for STRIKES x STRIKE_MS. The keys of one pool after the other are
 * rotated, under faults and without: that explains no error. */
static void suffer(int from, int to, int keep) {
    int64_t began = now_ms();
    int second, strike;

    for (second = from; second < to; second++) {
        if (second % ROTATE_EVERY_S == 0)
            must(sprint_pool_rotate(groups[second / ROTATE_EVERY_S % POOLS].pool), "rotate");
        fault_put(second);
        for (strike = 1; strike < STRIKES; strike++) {
            sleep_ms(STRIKE_MS);
            fault_again();
        }
        sleep_ms(STRIKE_MS);
        fault_heal();
        if (keep)
            watch_keep(watch_now());
        else
            watch_now();
        if (second % TELL_EVERY_S == TELL_EVERY_S - 1)
            tell(second + 1);
        if (began + (second - from + 1) * 1000 > now_ms())
            sleep_ms(began + (second - from + 1) * 1000 - now_ms());
    }
}

/* What the pool counted is what callers did; JSON and Prometheus say the same. */
static void compare(char *script) {
    char *args[POOLS + 3] = {"python3", script};
    int i, status = -1;
    pid_t child;

    for (i = 0; i < POOLS; i++) {
        args[i + 2] = groups[i].metrics;
        if (stats(&groups[i]).acquires != (uint64_t)atomic_load(&groups[i].leases))
            wrong("pool %d counted %llu leases, its callers %ld", i,
                  (unsigned long long)stats(&groups[i]).acquires, atomic_load(&groups[i].leases));
    }
    fflush(stdout);
    if (posix_spawnp(&child, "python3", NULL, NULL, args, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0)
        wrong("the counters in JSON and in Prometheus differ");
}

static void summary(void) {
    int i, kind;

    fault_table();
    printf("\n%-4s %9s %9s %10s  errors\n", "pool", "leases", "good", "slowest");
    for (i = 0; i < POOLS; i++) {
        struct group *g = &groups[i];

        printf("%-4d %9ld %9ld %7ld ms ", i, atomic_load(&g->leases), atomic_load(&g->good),
               atomic_load(&g->slowest_ms));
        for (kind = 0; kind < KINDS; kind++)
            if (atomic_load(&g->errors[kind]) > 0)
                printf(" %s %ld", kind == GARBLED ? "GARBLED" : sprint_errname(-kind) + 9,
                       atomic_load(&g->errors[kind]));
        printf("\n");
        if (atomic_load(&g->good) < 100 || sum_of_errors(g) == 0)
            wrong("pool %d did too little, or no fault was felt", i);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    int seconds = argc > 1 ? atoi(argv[1]) : 0, warm = seconds / 5 < 60 ? seconds / 5 : 60, i;
    struct sample before;

    if (seconds < 20 || argc != 3 + 3 * POOLS) {
        fprintf(stderr, "usage: soak SECONDS (from 20) COMPARE, then ADDRESS CONTROL DIR x %d\n",
                POOLS);
        return 2;
    }
    for (i = 0; i < POOLS; i++) {
        groups[i].address = argv[3 + 3 * i];
        groups[i].control = argv[4 + 3 * i];
        groups[i].dir = argv[5 + 3 * i];
        group_open(&groups[i]);
    }
    if (wrongs() > 0 || !traffic_start())
        return 1;
    suffer(0, warm, 0);
    before = rest();
    back_to_work();
    suffer(warm, seconds, 1);
    rest();
    summary();
    watch_quarters();
    watch_rests(before);
    compare(argv[2]);
    traffic_end();
    for (i = 0; i < POOLS; i++)
        sprint_pool_free(groups[i].pool);
    printf("soak: %d s, %d wrong\n", seconds, wrongs());
    return wrongs() == 0 ? 0 : 1;
}
