/*
 * guest.c - what a process pays for having the library. Every load is a process of its
 * own: this program, run again with --load.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contest.h"
#include "process.h"
#include "rounds.h"
#include "sprint_dl.h"

enum { LOADS = 31, IDLE_SECONDS = 10 };

static struct contest contest = {
    .name = "guest",
    .title = "what loading the library costs its host",
};

/* What one load told. */
struct load {
    double open_ms, first_call_ms, rss_mib, cpu_percent;
    int threads;
};

/* The child: one line to stdout. */
static int load(const char *path, int idle_seconds) {
    double rss = process_rss(), cpu = 0;
    int threads = process_threads();
    uint64_t began = now_ns(), opened, called, before;
    struct sprint_dl lib;
    sprint_config config;
    char why[256];

    if (sprint_dl_load(path, &lib, why, sizeof why) != SPRINT_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    opened = now_ns();
    if (lib.sprint_config_new("localhost:443", &config) != SPRINT_OK)
        return 1;
    called = now_ns();
    lib.sprint_config_free(config);
    silence(50000); /* what Go does on its own after its start is over */
    if (idle_seconds > 0) {
        before = cpu_ns();
        silence(idle_seconds * 1000000L);
        cpu = (double)(cpu_ns() - before) / 1e7 / idle_seconds;
    }
    printf("%f %f %f %f %d\n", (double)(opened - began) / 1e6, (double)(called - opened) / 1e6,
           (process_rss() - rss) / (1 << 20), cpu, process_threads() - threads);
    return 0;
}

static int run_load(const char *path, int idle_seconds, struct load *l) {
    char command[1024];
    FILE *child;
    int n;

    snprintf(command, sizeof command, "/proc/%d/exe --load '%s' %d", (int)getpid(), path,
             idle_seconds);
    if ((child = popen(command, "r")) == NULL)
        return -1;
    n = fscanf(child, "%lf %lf %lf %lf %d", &l->open_ms, &l->first_call_ms, &l->rss_mib,
               &l->cpu_percent, &l->threads);
    return pclose(child) == 0 && n == 5 ? 0 : -1;
}

int main(int argc, char **argv) {
    double open_ms[LOADS], first_ms[LOADS], total_ms[LOADS], rss[LOADS];
    int first, i, loads, idle_seconds;
    struct stat file;
    struct load l;
    struct figures f;

    if (argc == 4 && strcmp(argv[1], "--load") == 0)
        return load(argv[2], atoi(argv[3]));
    first = contest_options(&contest, argc, argv);
    if (first < 0 || argc - first != 1 || stat(argv[first], &file) != 0) {
        fprintf(stderr, "usage: see tests/bench/guest/run\n");
        return 2;
    }
    loads = (LOADS * contest.percent + 99) / 100;
    loads = loads < LOADS ? loads : LOADS;
    idle_seconds = (IDLE_SECONDS * contest.percent + 99) / 100;
    for (i = 0; i < loads; i++) {
        if (run_load(argv[first], 0, &l) != 0)
            return 1;
        open_ms[i] = l.open_ms;
        first_ms[i] = l.first_call_ms;
        total_ms[i] = l.open_ms + l.first_call_ms;
        rss[i] = l.rss_mib;
    }
    figures_from(&f, open_ms, loads);
    contest_fact(&contest, "dlopen", "ms", f.p50, NAN);
    figures_from(&f, first_ms, loads);
    contest_fact(&contest, "first call", "ms", f.p50, NAN);
    figures_from(&f, total_ms, loads);
    contest_fact(&contest, "dlopen and first call", "ms", f.p50, 20);
    figures_from(&f, rss, loads);
    contest_fact(&contest, "resident memory added", "MiB", f.p50, 16);
    contest_fact(&contest, "threads started", "", l.threads, NAN);
    contest_fact(&contest, "file size", "MiB", (double)file.st_size / (1 << 20), NAN);
    if (run_load(argv[first], idle_seconds, &l) != 0)
        return 1;
    contest_fact(&contest, "CPU while idle, no task started", "%", l.cpu_percent, 0.05);
    return contest_run(&contest);
}
