/* figures.c - percentiles, medians and ratios. */
#include <stddef.h>
#include <stdlib.h>

#include "figures.h"

const char *figure_name(enum figure which) {
    static const char *const names[] = {"p50", "p90", "p99", "CPU"};

    return names[which];
}

double figure_of(const struct figures *f, enum figure which) {
    const double values[] = {f->p50, f->p90, f->p99, f->cpu};

    return values[which];
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Nearest rank: the least sample that at least percent of them do not pass. */
static double percentile(const double *sorted, int count, int percent) {
    int rank = (count * percent + 99) / 100;

    return sorted[rank > 0 ? rank - 1 : 0];
}

void figures_from(struct figures *f, double *samples, int count) {
    qsort(samples, (size_t)count, sizeof *samples, by_value);
    f->p50 = percentile(samples, count, 50);
    f->p90 = percentile(samples, count, 90);
    f->p99 = percentile(samples, count, 99);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* divisor NULL divides by 1. */
static struct figures medians(const struct figures *of, const struct figures *divisor,
                              int repeats) {
    double p50[MAX_REPEATS], p90[MAX_REPEATS], p99[MAX_REPEATS], cpu[MAX_REPEATS];
    int r;

    for (r = 0; r < repeats; r++) {
        p50[r] = of[r].p50 / (divisor != NULL ? divisor[r].p50 : 1);
        p90[r] = of[r].p90 / (divisor != NULL ? divisor[r].p90 : 1);
        p99[r] = of[r].p99 / (divisor != NULL ? divisor[r].p99 : 1);
        cpu[r] = of[r].cpu / (divisor != NULL ? divisor[r].cpu : 1);
    }
    return (struct figures){
        .p50 = median(p50, repeats),
        .p90 = median(p90, repeats),
        .p99 = median(p99, repeats),
        .cpu = median(cpu, repeats),
    };
}

struct figures figures_median(const struct figures *of, int repeats) {
    return medians(of, NULL, repeats);
}

struct figures figures_ratio(const struct figures *of, const struct figures *divisor, int repeats) {
    return medians(of, divisor, repeats);
}
