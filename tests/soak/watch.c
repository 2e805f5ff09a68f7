/* watch.c - what the process has: memory, descriptors, threads, goroutines. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak.h"
#include "support.h"

enum {
    MOST = 100000,          /* samples, one a second */
    QUARTERS_FROM = 120,    /* samples; below, a quarter is less than a round of faults */
    SLACK_KIB = 2048,       /* beside a tenth */
    SLACK_SHORT_KIB = 8192, /* where the first rest came before most faults had come once */
    SLACK_THREADS = 4,      /* Go starts one when a system call is slow, and keeps it */
    SLACK_FDS = 2,
    SLACK_GOROUTINES = 2,
};

static struct sample kept[MOST];
static int count;
static char answer[1 << 20];

static long status_field(const char *name) {
    FILE *f = fopen("/proc/self/status", "r");
    long value = -1;
    char text[256];

    while (f != NULL && value < 0 && fgets(text, sizeof text, f) != NULL)
        if (strncmp(text, name, strlen(name)) == 0)
            value = strtol(text + strlen(name), NULL, 10);
    if (f != NULL)
        fclose(f);
    return value;
}

struct sample watch_now(void) {
    struct sample s = {.goroutines = -1};
    const char *at;
    int i;

    for (i = 0; i < POOLS; i++) {
        if (http("GET", groups[i].metrics, "/metrics?runtime", answer, sizeof answer) != 200) {
            wrong("pool %d does not serve its metrics", i);
            continue;
        }
        if ((at = strstr(answer, "\nsprint_go_goroutines ")) != NULL)
            s.goroutines = strtol(at + strlen("\nsprint_go_goroutines "), NULL, 10);
    }
    s.rss_kib = status_field("VmRSS:");
    s.threads = status_field("Threads:");
    s.fds = count_fds();
    if (s.rss_kib <= 0 || s.threads <= 0 || s.goroutines <= 0)
        wrong("nothing to see of memory, threads or goroutines");
    return s;
}

void watch_keep(struct sample s) {
    if (count < MOST)
        kept[count++] = s;
}

void watch_print(const char *when, struct sample s) {
    printf("%-24s %8ld KiB %6ld fds %6ld threads %6ld goroutines\n", when, s.rss_kib, s.fds,
           s.threads, s.goroutines);
}

static int by_size(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;

    return (x > y) - (x < y);
}

/* The median of one field of samples. */
static long median(const struct sample *s, int n, size_t offset) {
    static long values[MOST];
    int i;

    for (i = 0; i < n; i++)
        memcpy(&values[i], (const char *)&s[i] + offset, sizeof *values);
    qsort(values, (size_t)n, sizeof *values, by_size);
    return values[n / 2];
}

static struct sample medians(const struct sample *s, int n) {
    return (struct sample){
        .rss_kib = median(s, n, offsetof(struct sample, rss_kib)),
        .fds = median(s, n, offsetof(struct sample, fds)),
        .threads = median(s, n, offsetof(struct sample, threads)),
        .goroutines = median(s, n, offsetof(struct sample, goroutines)),
    };
}

static int flat(struct sample before, struct sample after, long more_fds) {
    long slack = before.rss_kib / 10 + (count < QUARTERS_FROM ? SLACK_SHORT_KIB : SLACK_KIB);

    return after.rss_kib <= before.rss_kib + slack && after.fds <= before.fds + more_fds &&
           after.threads <= before.threads + SLACK_THREADS &&
           after.goroutines <= before.goroutines + SLACK_GOROUTINES;
}

/* Under faults connections come and go: as many more as one pool may have. */
void watch_quarters(void) {
    struct sample first, last;
    int quarter = count / 4;

    if (count < QUARTERS_FROM) {
        printf("%d samples: too few to compare quarters (from %d on)\n", count, QUARTERS_FROM);
        return;
    }
    first = medians(kept, quarter);
    last = medians(kept + count - quarter, quarter);
    watch_print("first quarter, median", first);
    watch_print("last quarter, median", last);
    if (!flat(first, last, MAX_CONNECTIONS))
        wrong("the last quarter has more than the first");
}

static int as_before(void *before) {
    return flat(*(struct sample *)before, watch_now(), SLACK_FDS);
}

void watch_rests(struct sample before) {
    int ok = eventually(as_before, &before);

    watch_print("at rest, before", before);
    watch_print("at rest, after", watch_now());
    if (!ok)
        wrong("at rest there is more than before");
}
