/* report.c - the table for people and the JSON for programs. */
#include <stddef.h>
#include <string.h>

#include "bench.h"
#include "text.h"

/* The peer's row of a case, each field the median of the repeats. */
static struct figures bench_median(const struct bench *b, int c, int peer) {
    return figures_median(b->figures[c][peer], b->repeats);
}

/* ours / peer in each field, taken per repeat, then the median of the repeats. */
static struct figures bench_ratio(const struct bench *b, int c, int ours, int peer) {
    return figures_ratio(b->figures[c][ours], b->figures[c][peer], b->repeats);
}

/* Index of the entrant of that name that was measured, or -1. */
static int bench_find(const struct bench *b, const char *name) {
    int p;

    for (p = 0; p < b->peers; p++)
        if (!b->entrants[p].missing && strcmp(b->entrants[p].stack->name, name) == 0)
            return p;
    return -1;
}

static void row(const struct bench *b, int c, int ours, int p, FILE *to) {
    struct figures f = bench_median(b, c, p), ratio;

    fprintf(to, "  %-18s %9.1f %9.1f %9.1f %9.1f", b->entrants[p].stack->name, f.p50 / 1e3,
            f.p90 / 1e3, f.p99 / 1e3, f.cpu / 1e3);
    if (ours >= 0) {
        ratio = bench_ratio(b, c, ours, p);
        fprintf(to, "   %6.2f %6.2f %6.2f %6.2f", ratio.p50, ratio.p90, ratio.p99, ratio.cpu);
    }
    fputc('\n', to);
}

void report_table(const struct bench *b, FILE *to) {
    int c, p, ours = bench_find(b, "sprint"), openssl = bench_find(b, "openssl");

    fprintf(to, "%s: echo on loopback, TLS 1.3, one blocking thread; %s\n", b->name, machine());
    for (p = 0; p < b->peers; p++)
        if (!b->entrants[p].missing)
            fprintf(to, "%s%s %s", p > 0 ? ", " : "", b->entrants[p].stack->name,
                    b->entrants[p].stack->version());
    fprintf(to,
            "\nops interleaved in random order (seed %llu), medians of %d repeats, microseconds\n",
            (unsigned long long)b->seed, b->repeats);
    for (c = 0; c < b->case_count; c++) {
        fprintf(to, "\n%-20s %9s %9s %9s %9s   %s\n", b->cases[c].name, "p50", "p90", "p99",
                "CPU/op", ours >= 0 ? "sprint/peer: p50, p90, p99, CPU" : "");
        for (p = 0; p < b->peers; p++)
            if (!b->entrants[p].missing)
                row(b, c, ours, p, to);
    }
    fputc('\n', to);
    for (p = 0; p < b->peers; p++)
        if (b->entrants[p].missing)
            fprintf(to, "MISSING %s: %s\n", b->entrants[p].stack->name, b->entrants[p].why);
    for (c = 0; ours >= 0 && openssl >= 0 && c < b->case_count; c++)
        fprintf(to, "%s %s: sprint/openssl at p50 = %.2f\n", b->name, b->cases[c].name,
                bench_ratio(b, c, ours, openssl).p50);
}

/* "ratio_p50":{"openssl":0.970,...}; offset picks the field. */
static void json_ratios(const struct bench *b, int c, int ours, const char *name, size_t offset,
                        FILE *to) {
    int p, first = 1;
    struct figures ratio;

    fprintf(to, ",\"ratio_%s\":{", name);
    for (p = 0; p < b->peers; p++) {
        if (p == ours || b->entrants[p].missing)
            continue;
        ratio = bench_ratio(b, c, ours, p);
        fprintf(to, "%s\"%s\":%.3f", first ? "" : ",", b->entrants[p].stack->name,
                *(double *)((char *)&ratio + offset));
        first = 0;
    }
    fputc('}', to);
}

static void json_case(const struct bench *b, int c, int ours, const char *suffix, FILE *to) {
    struct figures f = bench_median(b, c, ours);
    int p, first = 1;

    fprintf(to, "{\"case\":\"%s%s\",\"size\":%zu,\"gap_us\":%ld,\"ops\":%d", b->cases[c].name,
            suffix, b->cases[c].size, b->cases[c].gap_us, b->cases[c].rounds * b->repeats);
    fprintf(to, ",\"ours_p50_ns\":%.0f,\"ours_p90_ns\":%.0f,\"ours_p99_ns\":%.0f", f.p50, f.p90,
            f.p99);
    fprintf(to, ",\"ours_cpu_ns\":%.0f,\"peers\":{", f.cpu);
    for (p = 0; p < b->peers; p++) {
        if (p == ours || b->entrants[p].missing)
            continue;
        f = bench_median(b, c, p);
        fprintf(to, "%s\"%s\":{\"p50_ns\":%.0f,\"p90_ns\":%.0f,\"p99_ns\":%.0f,\"cpu_ns\":%.0f}",
                first ? "" : ",", b->entrants[p].stack->name, f.p50, f.p90, f.p99, f.cpu);
        first = 0;
    }
    fputc('}', to);
    json_ratios(b, c, ours, "p50", offsetof(struct figures, p50), to);
    json_ratios(b, c, ours, "p90", offsetof(struct figures, p90), to);
    json_ratios(b, c, ours, "p99", offsetof(struct figures, p99), to);
    json_ratios(b, c, ours, "cpu", offsetof(struct figures, cpu), to);
    fputc('}', to);
}

void report_json(const struct bench *b, FILE *to) {
    int c, p, first, exact = bench_find(b, "sprint"), request = bench_find(b, "sprint_request");

    fprintf(to, "{\"name\":\"%s\",\"machine\":", b->name);
    json_text(to, machine());
    fprintf(to, ",\"seed\":%llu,\"repeats\":%d,\"versions\":{", (unsigned long long)b->seed,
            b->repeats);
    for (p = 0, first = 1; p < b->peers; p++) {
        if (b->entrants[p].missing)
            continue;
        fprintf(to, "%s\"%s\":", first ? "" : ",", b->entrants[p].stack->name);
        json_text(to, b->entrants[p].stack->version());
        first = 0;
    }
    fprintf(to, "},\"missing\":{");
    for (p = 0, first = 1; p < b->peers; p++) {
        if (!b->entrants[p].missing)
            continue;
        fprintf(to, "%s\"%s\":", first ? "" : ",", b->entrants[p].stack->name);
        json_text(to, b->entrants[p].why);
        first = 0;
    }
    fprintf(to, "},\"results\":[");
    for (c = 0, first = 1; c < b->case_count; c++) {
        if (exact >= 0) {
            fputs(first ? "\n" : ",\n", to);
            json_case(b, c, exact, "", to);
            first = 0;
        }
        if (request >= 0) {
            fputs(first ? "\n" : ",\n", to);
            json_case(b, c, request, ", request", to);
            first = 0;
        }
    }
    fprintf(to, "\n]}\n");
}
