/*
 * scale.c - ten thousand idle connections in one process: what each takes, how long the
 * monitoring server needs to tell of them, and whether a lease is as quick as from ten.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "contest.h"
#include "process.h"
#include "rounds.h"
#include "scale.h"
#include "sprint_dl.h"

enum { FEW = 10, SCRAPES = 21, PATIENCE_MS = 120000 };

static struct contest contest = {
    .name = "scale",
    .title = "many idle connections in one process",
};

static struct sprint_dl lib;

static void fail(const char *step, sprint_status status) {
    char text[200];

    lib.sprint_last_error(text, sizeof text);
    fprintf(stderr, "scale: %s: %s: %s\n", step, lib.sprint_errname(status), text);
    exit(1);
}

static void must(const char *step, sprint_status status) {
    if (status != SPRINT_OK)
        fail(step, status);
}

static sprint_pool new_pool(const char *address, const char *ca_file, int connections) {
    sprint_config config;
    sprint_pool pool;

    must("config", lib.sprint_config_new(address, &config));
    must("CA_FILE", lib.sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca_file));
    must("MAX_CONNECTIONS",
         lib.sprint_config_set_int(config, SPRINT_OPT_MAX_CONNECTIONS, connections));
    must("MIN_IDLE", lib.sprint_config_set_int(config, SPRINT_OPT_MIN_IDLE, connections));
    must("METRICS_PORT", lib.sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, 0));
    must("pool", lib.sprint_pool_new(config, &pool));
    lib.sprint_config_free(config);
    return pool;
}

/* All of them: opened, leased at the same time, used once and given back. */
static void fill(sprint_pool pool, int connections) {
    static const char line[] = "PING\n", answer[] = "ERR login first\n";
    sprint_conn *leases = calloc((size_t)connections, sizeof *leases);
    char got[sizeof answer - 1];
    int i;

    if (leases == NULL)
        abort();
    must("warm_up", lib.sprint_pool_warm_up(pool, (uint32_t)connections, PATIENCE_MS));
    for (i = 0; i < connections; i++) {
        must("acquire", lib.sprint_pool_acquire(pool, 0, &leases[i]));
        must("write", lib.sprint_conn_write(leases[i], line, sizeof line - 1, PATIENCE_MS));
        must("read", lib.sprint_conn_read_exact(leases[i], got, sizeof got, PATIENCE_MS, NULL));
    }
    for (i = 0; i < connections; i++)
        lib.sprint_conn_release(leases[i]);
    free(leases);
}

/* What Go has freed goes back to the kernel bit by bit: until no less was seen for a
 * second, or for a minute. */
static double settled_rss(void) {
    double least = process_rss(), now;
    int still = 0, tries;

    for (tries = 0; tries < 300 && still < 5; tries++) {
        silence(200000);
        now = process_rss();
        still = now < least ? 0 : still + 1;
        least = now < least ? now : least;
    }
    return least;
}

static const char *lease(void *state) {
    sprint_conn conn;

    must("acquire", lib.sprint_pool_acquire(*(sprint_pool *)state, PATIENCE_MS, &conn));
    lib.sprint_conn_release(conn);
    return NULL;
}

static void ask_while_leased(sprint_pool pool) {
    static const char *const paths[] = {"/metrics", "/status/connections"};
    double ms[SCRAPES];
    struct figures f;
    uint64_t began;
    uint16_t port;
    char *name;
    long size = 0;
    size_t p;
    int i;

    must("start_metrics", lib.sprint_pool_start_metrics(pool, &port));
    for (p = 0; p < 2; p++) {
        for (i = 0; i < SCRAPES; i++) {
            began = now_ns();
            if ((size = http_get(port, paths[p])) < 0) {
                fprintf(stderr, "scale: %s: no answer\n", paths[p]);
                exit(1);
            }
            ms[i] = (double)(now_ns() - began) / 1e6;
        }
        figures_from(&f, ms, SCRAPES);
        if (asprintf(&name, "GET %s, %.0f KiB, median", paths[p], (double)size / 1024) < 0)
            abort();
        contest_fact(&contest, name, "ms", f.p50, 50);
    }
    measure_disturbed(&contest, port, lease, &pool);
    must("stop_metrics", lib.sprint_pool_stop_metrics(pool));
}

static void measure_peer(const char *address, const char *ca_file, int count,
                         struct footprint *plain) {
    struct footprint lean;
    const char *failure = openssl_footprint(address, ca_file, count, 0, plain);

    if (failure == NULL)
        failure = openssl_footprint(address, ca_file, count, 1, &lean);
    if (failure != NULL) {
        fprintf(stderr, "scale: %s\n", failure);
        exit(1);
    }
    contest_fact(&contest, "memory per connection, OpenSSL", "KiB", plain->rss_kib, NAN);
    contest_fact(&contest, "memory per connection, OpenSSL with SSL_MODE_RELEASE_BUFFERS", "KiB",
                 lean.rss_kib, NAN);
}

int main(int argc, char **argv) {
    struct rlimit files;
    struct footprint openssl;
    struct contest_case *k;
    static sprint_pool few, many;
    char why[256];
    double rss;
    int fds, count, first = contest_options(&contest, argc, argv);

    if (first < 0 || argc - first != 4) {
        fprintf(stderr, "usage: see tests/bench/scale/run\n");
        return 2;
    }
    argv += first;
    count = atoi(argv[3]) * contest.percent / 100;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)count + 256) {
        fprintf(stderr, "scale: RLIMIT_NOFILE of %lu is too low for %d connections\n",
                (unsigned long)files.rlim_cur, count);
        return 1;
    }
    measure_peer(argv[0], argv[1], count, &openssl); /* before Go is here: it forks */

    if (sprint_dl_load(argv[2], &lib, why, sizeof why) != SPRINT_OK) {
        fprintf(stderr, "scale: %s\n", why);
        return 1;
    }
    few = new_pool(argv[0], argv[1], FEW);
    fill(few, FEW);
    rss = settled_rss();
    fds = process_fds();
    many = new_pool(argv[0], argv[1], count);
    fill(many, count);
    contest_fact(&contest, "connections", "", count, NAN);
    contest_fact(&contest, "memory per connection, sprint, at once", "KiB",
                 (process_rss() - rss) / 1024 / count, NAN);
    contest_fact(&contest, "memory per connection, sprint", "KiB",
                 (settled_rss() - rss) / 1024 / count, openssl.rss_kib);
    contest_fact(&contest, "descriptors per connection, sprint", "",
                 (double)(process_fds() - fds) / count, openssl.fds);
    must("start_cleanup", lib.sprint_pool_start_cleanup(many));
    must("start_cleanup", lib.sprint_pool_start_cleanup(few));
    ask_while_leased(many);
    k = contest_case(&contest, "acquire and release", 2000, 1);
    contest_enter(k, "of many", "", lease, &many, NULL);
    contest_enter(k, "of_ten", NULL, lease, &few, NULL);
    contest_target_of(k, "", "of_ten", P99, 2);
    return contest_run(&contest);
}
