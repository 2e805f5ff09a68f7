/*
 * scrape.c - what a lease takes while the monitoring server is asked: by Prometheus, by a
 * page, by a thousand clients that mean ill.
 *
 * Phases without and with the disturbance take turns, a pair at a time, so that both see the
 * same machine. In each phase one thread leases and returns, with a pause as a caller has.
 */
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contest.h"
#include "rounds.h"
#include "scale.h"
#include "stack.h"

enum { PAIRS = 7, PAUSE_NS = 20000, MOST = 60000, CROWD = 1000 };

static int pairs = PAIRS, phase_ms = 1000;

struct disturber {
    void (*disturb)(struct disturber *);
    const char *path;
    int port;
    atomic_int stop;
    long failures;
};

/* At the start of its phase, which is as long as one of Prometheus' shortest intervals. */
static void scrape_once(struct disturber *d) {
    if (http_get(d->port, d->path) < 0)
        d->failures++;
    while (!atomic_load(&d->stop))
        silence(1000);
}

/* What a thousand clients send at once: too much, too little, nonsense, and honest requests. */
static void send_ill(int fd, int i, const char *address) {
    static char huge[16384];
    static const char *const lines[] = {
        "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: %s\r\n\r\n",
        "GET /status/connections?pool=%%00 HTTP/1.1\r\nHost: %s\r\nX-Auth-Token: guess\r\n\r\n",
        "BREW /metrics HTTP/1.1\r\nHost: %s\r\nContent-Length: 99999999\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: attacker.test\r\nX-%s: 1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: %s\r\n", /* and never the rest */
    };
    char request[256];
    int kinds = sizeof lines / sizeof *lines, n;

    if (i % (kinds + 1) == kinds) {
        memset(huge, 'x', sizeof huge);
        memcpy(huge, "GET / HTTP/1.1\r\nX: ", 19);
        (void)!send(fd, huge, sizeof huge, MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    n = snprintf(request, sizeof request, lines[i % (kinds + 1)], address);
    (void)!send(fd, request, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void attack(struct disturber *d) {
    char address[64], why[256], answer[65536];
    struct pollfd fds[CROWD];
    int i, opened = 0;

    snprintf(address, sizeof address, "127.0.0.1:%d", d->port);
    for (i = 0; i < CROWD && !atomic_load(&d->stop); i++) {
        fds[i] = (struct pollfd){.fd = tcp_dial(address, why, sizeof why), .events = POLLIN};
        if (fds[i].fd < 0)
            break;
        opened++;
        send_ill(fds[i].fd, i, address);
    }
    if (opened == 0)
        d->failures++;
    for (i = 0; i < 20 && !atomic_load(&d->stop); i++) {
        int k, ready = poll(fds, (nfds_t)opened, 10);

        for (k = 0; k < opened && ready > 0; k++)
            if (fds[k].revents != 0 && recv(fds[k].fd, answer, sizeof answer, MSG_DONTWAIT) == 0)
                fds[k].events = 0, fds[k].fd = (close(fds[k].fd), -1);
    }
    for (i = 0; i < opened; i++)
        if (fds[i].fd >= 0)
            close(fds[i].fd);
}

static void *disturber_main(void *arg) {
    struct disturber *d = arg;

    while (!atomic_load(&d->stop))
        d->disturb(d);
    return NULL;
}

/* One phase: the leases of a caller, while d (NULL: nobody) disturbs. */
static struct figures phase(operation *lease, void *pool, struct disturber *d) {
    static double samples[MOST];
    uint64_t began = now_ns(), at;
    struct figures f = {0};
    pthread_t thread;
    int n = 0;

    if (d != NULL) {
        atomic_store(&d->stop, 0);
        if (pthread_create(&thread, NULL, disturber_main, d) != 0)
            abort();
    }
    while ((at = now_ns()) - began < (uint64_t)phase_ms * 1000000 && n < MOST) {
        lease(pool);
        samples[n++] = (double)(now_ns() - at);
        while (now_ns() - at < PAUSE_NS)
            ;
    }
    if (d != NULL) {
        atomic_store(&d->stop, 1);
        pthread_join(thread, NULL);
    }
    figures_from(&f, samples, n);
    return f;
}

static void compare(struct contest *contest, const char *name, struct disturber *d,
                    operation *lease, void *pool, double limit) {
    struct figures quiet[PAIRS], disturbed[PAIRS], median, ratio;
    char *text;
    int i;

    for (i = 0; i < pairs; i++) {
        quiet[i] = phase(lease, pool, NULL);
        disturbed[i] = phase(lease, pool, d);
    }
    if (d->failures > 0) {
        fprintf(stderr, "scale: %s: %ld failures\n", name, d->failures);
        exit(1);
    }
    median = figures_median(disturbed, pairs);
    ratio = figures_ratio(disturbed, quiet, pairs);
    if (asprintf(&text, "acquire and release, %s, p50", name) < 0)
        abort();
    contest_fact(contest, text, "us", median.p50 / 1000, NAN);
    if (asprintf(&text, "p50 of that / p50 of quiet phases, %s", name) < 0)
        abort();
    contest_fact(contest, text, "", ratio.p50, limit);
    if (asprintf(&text, "p99 of that / p99 of quiet phases, %s", name) < 0)
        abort();
    contest_fact(contest, text, "", ratio.p99, limit);
}

void measure_disturbed(struct contest *contest, int port, operation *lease, void *pool) {
    struct disturber scraped = {.disturb = scrape_once, .path = "/metrics", .port = port};
    struct disturber polled = {.disturb = scrape_once, .path = "/status/connections", .port = port};
    struct disturber attacked = {.disturb = attack, .port = port};

    if (contest->percent < 100)
        pairs = 3, phase_ms = 100;
    compare(contest, "/metrics once a second", &scraped, lease, pool, 1.1);
    compare(contest, "/status/connections once a second", &polled, lease, pool, NAN);
    compare(contest, "1,000 hostile requests at a time", &attacked, lease, pool, 2);
}
