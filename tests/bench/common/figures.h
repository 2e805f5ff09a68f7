/* figures.h - what many samples come to. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

enum { MAX_REPEATS = 9 };

/** One contender in one case of one repeat, in nanoseconds. */
struct figures {
    double p50, p90, p99;
    double cpu; /**< user + system time of the whole process per operation */
};

enum figure { P50, P90, P99, CPU };

const char *figure_name(enum figure which);

double figure_of(const struct figures *f, enum figure which);

/** Fill the percentiles from count nanosecond samples, which are sorted in place. */
void figures_from(struct figures *f, double *samples, int count);

/** The median of each field over the repeats. */
struct figures figures_median(const struct figures *of, int repeats);

/** of / divisor in each field, taken per repeat, then the median of the repeats. */
struct figures figures_ratio(const struct figures *of, const struct figures *divisor, int repeats);

#endif
