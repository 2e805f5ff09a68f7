/* contest_report.c - the table for people and the JSON for programs. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "contest.h"
#include "text.h"

/* "alloc + free 32 B" and "fast" are "alloc + free 32 B, fast". Valid until the next call. */
static const char *with_variant(const char *name, const char *variant) {
    static char text[128];

    if (variant == NULL || *variant == '\0')
        return name;
    snprintf(text, sizeof text, "%s, %s", name, variant);
    return text;
}

static struct figures ratio(const struct contest *c, const struct contender *ours,
                            const struct contender *peer) {
    return figures_ratio(ours->figures, peer->figures, c->repeats);
}

static int is_ours(const struct contender *e) {
    return e->variant != NULL && contest_measured(e);
}

static void row(const struct contest *c, const struct contest_case *k, const struct contender *e) {
    struct figures f = figures_median(e->figures, c->repeats), r;
    int p;

    printf("  %-24s %10.1f %10.1f %10.1f %10.1f", with_variant(e->name, e->variant), f.p50, f.p90,
           f.p99, f.cpu);
    for (p = 0; p < k->count && e->variant == NULL; p++) {
        if (!is_ours(&k->contenders[p]))
            continue;
        r = ratio(c, &k->contenders[p], e);
        printf("   %10.3g %9.3g", r.p50, r.p99);
    }
    putchar('\n');
}

static void case_table(const struct contest *c, const struct contest_case *k) {
    int p;

    printf("\n%-26s %10s %10s %10s %10s", k->name, "p50", "p90", "p99", "CPU/op");
    for (p = 0; p < k->count; p++)
        if (is_ours(&k->contenders[p]))
            printf("   %10s %9s",
                   *k->contenders[p].variant ? k->contenders[p].variant : k->contenders[p].name,
                   "/peer p99");
    putchar('\n');
    for (p = 0; p < k->count; p++)
        if (contest_measured(&k->contenders[p]))
            row(c, k, &k->contenders[p]);
}

/* One of ours by its variant, or a peer by its name. */
static const struct contender *find(const struct contest_case *k, int ours, const char *name) {
    const struct contender *e;

    for (e = k->contenders; e < k->contenders + k->count; e++)
        if ((e->variant != NULL) == ours && strcmp(ours ? e->variant : e->name, name) == 0)
            return e;
    return NULL;
}

/* Whether both are measured, and what the target's ratio came to. */
static int target_ratio(const struct contest *c, const struct contest_case *k,
                        const struct target *t, double *measured) {
    const struct contender *ours = find(k, 1, t->variant), *peer = ours;
    struct figures f;

    if (t->peer != NULL)
        peer = find(k, 0, t->peer);
    if (ours == NULL || peer == NULL || !contest_measured(ours) || !contest_measured(peer))
        return 0;
    if (t->peer == NULL) {
        f = figures_median(ours->figures, c->repeats);
        *measured = f.p99 / f.p50;
    } else {
        f = ratio(c, ours, peer);
        *measured = figure_of(&f, t->figure);
    }
    return 1;
}

static void target_line(const struct contest *c, const struct contest_case *k,
                        const struct target *t) {
    double measured;

    printf("target  %-34s %s of %-17s <= %-5g", with_variant(k->name, t->variant),
           t->peer != NULL ? figure_name(t->figure) : "p99",
           t->peer != NULL ? t->peer : "its own p50", t->ratio);
    if (target_ratio(c, k, t, &measured))
        printf(" measured %.4f %s\n", measured, measured <= t->ratio ? "met" : "MISSED");
    else
        printf(" not measured\n");
}

static void fact_line(const struct fact *f) {
    printf("fact    %-58s %10.4g %s", f->name, f->value, f->unit);
    if (!isnan(f->limit))
        printf(", limit %g: %s", f->limit, f->value <= f->limit ? "met" : "MISSED");
    putchar('\n');
}

void contest_table(const struct contest *c) {
    const struct contest_case *k;
    int i, p;

    printf("%s: %s; %s\n", c->name, c->title, machine());
    for (i = 0; i < c->version_count; i++)
        printf("%s%s %s", i > 0 ? ", " : "", c->versions[i].name, c->versions[i].text);
    putchar('\n');
    if (c->count > 0)
        printf("interleaved in random order (seed %llu), medians of %d repeats, nanoseconds per "
               "operation\n",
               (unsigned long long)c->seed, c->repeats);
    for (k = c->cases; k < c->cases + c->count; k++)
        case_table(c, k);
    putchar('\n');
    for (k = c->cases; k < c->cases + c->count; k++)
        for (i = 0; i < k->target_count; i++)
            target_line(c, k, &k->targets[i]);
    for (i = 0; i < c->fact_count; i++)
        fact_line(&c->facts[i]);
    fflush(stdout);
    for (k = c->cases; k < c->cases + c->count; k++)
        for (p = 0; p < k->count; p++)
            if (!contest_measured(&k->contenders[p]))
                fprintf(stderr, "MISSING %s: %s: %s\n", k->name,
                        with_variant(k->contenders[p].name, k->contenders[p].variant),
                        k->contenders[p].missing);
}

/* ,"ratio_p50":{"openssl":0.970,...}; offset picks the field. */
static void json_ratios(const struct contest *c, const struct contest_case *k,
                        const struct contender *ours, const char *name, size_t offset, FILE *to) {
    const char *comma = "";
    struct figures r;
    int p;

    fprintf(to, ",\"ratio_%s\":{", name);
    for (p = 0; p < k->count; p++) {
        if (k->contenders[p].variant != NULL || !contest_measured(&k->contenders[p]))
            continue;
        r = ratio(c, ours, &k->contenders[p]);
        fprintf(to, "%s\"%s\":%.4f", comma, k->contenders[p].name,
                *(double *)((char *)&r + offset));
        comma = ",";
    }
    fputc('}', to);
}

/* "openssl", "openssl p99", or "own p99 / p50". Valid until the next call. */
static const char *target_name(const struct target *t) {
    static char text[64];

    if (t->peer == NULL)
        return "own p99 / p50";
    if (t->figure == P50)
        return t->peer;
    snprintf(text, sizeof text, "%s %s", t->peer, figure_name(t->figure));
    return text;
}

static void json_case(const struct contest *c, const struct contest_case *k,
                      const struct contender *ours, FILE *to) {
    struct figures f = figures_median(ours->figures, c->repeats);
    const char *comma = "";
    int i;

    fputs("{\"case\":", to);
    json_text(to, with_variant(k->name, ours->variant));
    fprintf(to, ",\"threads\":%d,\"samples\":%d", k->threads, k->rounds * c->repeats);
    if (k->threads == 1)
        fprintf(to, ",\"ops_per_sample\":%ld", ours->batch);
    fprintf(to, ",\"ours_p50_ns\":%.1f,\"ours_p90_ns\":%.1f,\"ours_p99_ns\":%.1f", f.p50, f.p90,
            f.p99);
    fprintf(to, ",\"ours_cpu_ns\":%.1f,\"peers\":{", f.cpu);
    for (i = 0; i < k->count; i++) {
        if (k->contenders[i].variant != NULL || !contest_measured(&k->contenders[i]))
            continue;
        f = figures_median(k->contenders[i].figures, c->repeats);
        fprintf(to, "%s\"%s\":{\"p50_ns\":%.1f,\"p90_ns\":%.1f,\"p99_ns\":%.1f,\"cpu_ns\":%.1f}",
                comma, k->contenders[i].name, f.p50, f.p90, f.p99, f.cpu);
        comma = ",";
    }
    fputc('}', to);
    json_ratios(c, k, ours, "p50", offsetof(struct figures, p50), to);
    json_ratios(c, k, ours, "p90", offsetof(struct figures, p90), to);
    json_ratios(c, k, ours, "p99", offsetof(struct figures, p99), to);
    json_ratios(c, k, ours, "cpu", offsetof(struct figures, cpu), to);
    fputs(",\"targets\":{", to);
    comma = "";
    for (i = 0; i < k->target_count; i++) {
        if (strcmp(k->targets[i].variant, ours->variant) != 0)
            continue;
        fprintf(to, "%s\"%s\":%g", comma, target_name(&k->targets[i]), k->targets[i].ratio);
        comma = ",";
    }
    fputs("}}", to);
}

/* "facts":[{"name":"idle CPU","unit":"%","value":0,"limit":0},...] */
static void json_facts(const struct contest *c, FILE *to) {
    const struct fact *f;

    fputs("\n],\"facts\":[", to);
    for (f = c->facts; f < c->facts + c->fact_count; f++) {
        fputs(f > c->facts ? ",\n{\"name\":" : "\n{\"name\":", to);
        json_text(to, f->name);
        fprintf(to, ",\"unit\":\"%s\",\"value\":%.6g", f->unit, f->value);
        if (!isnan(f->limit))
            fprintf(to, ",\"limit\":%g", f->limit);
        fputc('}', to);
    }
}

/* "alloc + free 32 B: sprint, fast" */
static void json_missing(const struct contest *c, FILE *to) {
    const struct contest_case *k;
    const struct contender *e;
    const char *comma = "";
    char name[192];

    for (k = c->cases; k < c->cases + c->count; k++) {
        for (e = k->contenders; e < k->contenders + k->count; e++) {
            if (contest_measured(e))
                continue;
            snprintf(name, sizeof name, "%s: %s", k->name, with_variant(e->name, e->variant));
            fputs(comma, to);
            json_text(to, name);
            fputc(':', to);
            json_text(to, e->missing);
            comma = ",";
        }
    }
}

int contest_json(const struct contest *c) {
    FILE *to = fopen(c->json, "w");
    const char *comma = "";
    int i, p;

    if (to == NULL) {
        perror(c->json);
        return -1;
    }
    fprintf(to, "{\"name\":\"%s\",\"machine\":", c->name);
    json_text(to, machine());
    fprintf(to, ",\"seed\":%llu,\"repeats\":%d,\"versions\":{", (unsigned long long)c->seed,
            c->repeats);
    for (i = 0; i < c->version_count; i++) {
        fprintf(to, "%s\"%s\":", i > 0 ? "," : "", c->versions[i].name);
        json_text(to, c->versions[i].text);
    }
    fputs("},\"missing\":{", to);
    json_missing(c, to);
    fputs("},\"results\":[", to);
    for (i = 0; i < c->count; i++) {
        for (p = 0; p < c->cases[i].count; p++) {
            if (c->cases[i].contenders[p].variant == NULL ||
                !contest_measured(&c->cases[i].contenders[p]))
                continue;
            fprintf(to, "%s\n", comma);
            json_case(c, &c->cases[i], &c->cases[i].contenders[p], to);
            comma = ",";
        }
    }
    json_facts(c, to);
    fputs("\n]}\n", to);
    return fclose(to);
}
