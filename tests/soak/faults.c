/* faults.c - which fault is put where, and which errors it explains. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "soak.h"
#include "support.h"

#define KIND(name) (1u << -SPRINT_E_##name)

/* As tests/faults/faults_test.go has them. */
enum {
    LOSSES = KIND(TIMEOUT) | KIND(STALE) | KIND(EOF) | KIND(IO),
    OUTAGE = LOSSES | KIND(BREAKER_OPEN),
};

static struct fault {
    const char *name, *set;
    unsigned may;
    atomic_long puts, errors;
} faults[] = {
    {"FIN on everything that is open", "drop_idle=1", OUTAGE, 0, 0},
    {"RST instead of an answer", "reset_after=1", LOSSES, 0, 0},
    {"black hole", "black_hole=1", OUTAGE, 0, 0},
    {"close_notify on everything open", "notify=1", LOSSES, 0, 0},
    {"handshake stall", "stall_handshake=1&drop_idle=1", OUTAGE, 0, 0},
    {"bytes that nobody asked for, at once", "unsolicited=1&drop_idle=1", LOSSES | 1u << GARBLED, 0,
     0},
    {"RST on accept", "refuse=1&drop_idle=1", OUTAGE, 0, 0},
    {"FIN instead of an answer", "truncate_after=1", LOSSES, 0, 0},
    {"slow drip", "drip_ms=300", OUTAGE, 0, 0},
    {"half-close of everything open", "half_close=1", OUTAGE, 0, 0},
    {"certificate swap", "cert=untrusted&drop_idle=1", LOSSES | KIND(CERT), 0, 0},
    {"close_notify instead of an answer", "close_after=1", LOSSES, 0, 0},
    {"nobody listens", "closed=1&drop_idle=1", OUTAGE, 0, 0},
    {"answers that come too late", "delay_ms=2500", KIND(TIMEOUT), 0, 0},
    {"certificate that has expired", "cert=expired&drop_idle=1", LOSSES | KIND(CERT), 0, 0},
    {"bytes that nobody asked for, any time", "speak=1", LOSSES | 1u << GARBLED, 0, 0},
};

enum {
    FAULTS = sizeof faults / sizeof *faults,
    BLOCK = 4, /* seconds for one pool after the other, and then for all of them */
};

static int next_fault, on_from, on_to;

static void tell(struct group *g, const char *path) {
    char answer[1024];
    int code = http("POST", g->control, path, answer, sizeof answer);

    if (code != 200)
        wrong("the relay's %s: %d", path, code);
}

static void allow(struct group *g, unsigned may, int64_t until) {
    int kind;

    for (kind = 0; kind < KINDS; kind++)
        if (may >> kind & 1 && atomic_load(&g->allowed_until[kind]) < until)
            atomic_store(&g->allowed_until[kind], until);
}

/* Returns when no call is left that may take longer. */
static void hurry(struct group *g) {
    int64_t now = now_ms();

    if (atomic_exchange(&g->hurry_until, now + 60000) >= now)
        return; /* there was none */
    pthread_rwlock_wrlock(&g->asking);
    pthread_rwlock_unlock(&g->asking);
}

void fault_put(int second) {
    int block = second / BLOCK % (POOLS + 1), i;
    struct fault *f = &faults[next_fault];
    char path[128];

    /* All of them first: what a process makes at the first fault is there at the first rest. */
    on_from = block == 0 ? 0 : block - 1;
    on_to = block == 0 ? POOLS : block;
    snprintf(path, sizeof path, "/set?%s", f->set);
    for (i = on_from; i < on_to; i++) {
        atomic_store(&groups[i].fault, next_fault);
        allow(&groups[i], f->may, now_ms() + 60000); /* until fault_heal knows better */
        hurry(&groups[i]);
        tell(&groups[i], path);
        atomic_fetch_add(&f->puts, 1);
    }
}

void fault_again(void) {
    char path[128];
    int i;

    snprintf(path, sizeof path, "/set?%s", faults[next_fault].set);
    for (i = on_from; i < on_to; i++)
        tell(&groups[i], path);
}

void fault_heal(void) {
    struct fault *f = &faults[next_fault];
    int64_t until;
    int i, kind;

    for (i = on_from; i < on_to; i++) {
        tell(&groups[i], "/reset");
        until = now_ms() + TAIL_MS;
        for (kind = 0; kind < KINDS; kind++)
            if (f->may >> kind & 1)
                atomic_store(&groups[i].allowed_until[kind], until);
        atomic_store(&groups[i].hurry_until, until);
    }
    next_fault = (next_fault + 1) % FAULTS;
}

void fault_error(struct group *g, int fault, int kind, const char *what, int64_t began) {
    int64_t until = atomic_load(&g->allowed_until[kind % KINDS]);
    char text[256] = "bytes that are not the echo";

    atomic_fetch_add(&g->errors[kind % KINDS], 1);
    atomic_fetch_add(&faults[fault].errors, 1);
    if (began <= until)
        return;
    if (kind != GARBLED)
        sprint_last_error(text, sizeof text);
    wrong("pool %d, %s: %s, which no fault explains (begun after %s): %s", (int)(g - groups), what,
          kind == GARBLED ? "GARBLED" : sprint_errname(-kind), faults[fault].name, text);
}

void fault_table(void) {
    int i;

    printf("\n%-40s %8s %8s of calls begun since\n", "fault (times a pool)", "put", "errors");
    for (i = 0; i < FAULTS; i++)
        printf("%-40s %8ld %8ld\n", faults[i].name, atomic_load(&faults[i].puts),
               atomic_load(&faults[i].errors));
}
