/* loop.c - one thread, one epoll descriptor, a thousand connections. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rules.h"
#include "support.h"

enum { CHUNK = 64 << 10, USUAL = 200 << 10, MOST = 256 << 20, GREEDY_EACH = 200, TURNS = 2 };

/* One connection in echo mode, which sends a pattern of its own and reads it back. */
struct client {
    sprint_conn conn;
    int32_t fd;
    uint32_t want; /**< what epoll waits for, SPRINT_WANT_* */
    unsigned seed;
    int greedy; /**< writes until nothing more is taken, and reads only then */
    int blocked, failed, done;
    size_t total, sent, received;
};

static unsigned char byte_at(const struct client *c, size_t offset) {
    return (unsigned char)((offset + c->seed) * 31 >> 3);
}

static uint32_t events_of(uint32_t want) {
    return (want & SPRINT_WANT_READ ? EPOLLIN : 0u) | (want & SPRINT_WANT_WRITE ? EPOLLOUT : 0u);
}

static void client_write(struct client *c, unsigned char *buf) {
    sprint_status status = SPRINT_OK;
    size_t n, len, i;
    int turn;

    for (turn = 0; status == SPRINT_OK && c->sent < c->total && (c->greedy || turn < TURNS);
         turn++) {
        len = c->total - c->sent < CHUNK ? c->total - c->sent : CHUNK;
        for (i = 0; i < len; i++)
            buf[i] = byte_at(c, c->sent + i);
        n = 0;
        status = sprint_conn_try_write(c->conn, buf, len, &n);
        c->sent += status == SPRINT_OK ? n : 0;
    }
    if (status == SPRINT_OK && c->sent == c->total)
        status = sprint_conn_flush(c->conn, 0);
    c->failed |= status != SPRINT_OK && status != SPRINT_E_WOULD_BLOCK;
    if (status == SPRINT_E_WOULD_BLOCK && c->greedy && !c->blocked) {
        c->blocked = 1;
        c->total = c->sent;
    }
}

/* Until it would block: what is decrypted already, epoll(7) does not know. */
static void client_read(struct client *c, unsigned char *buf) {
    sprint_status status;
    size_t n, i;

    while ((status = sprint_conn_try_read(c->conn, buf, CHUNK, &n)) == SPRINT_OK && n > 0) {
        for (i = 0; i < n; i++)
            c->failed |= buf[i] != byte_at(c, c->received + i);
        c->received += n;
    }
    c->failed |= status != SPRINT_E_WOULD_BLOCK;
}

/* One turn; returns 1 when everything is back. Sets what epoll is to wait for next. */
static int client_turn(struct client *c, int epoll, unsigned char *buf) {
    struct epoll_event event = {.data.ptr = c};
    uint32_t want = 0;

    client_write(c, buf);
    if (!c->greedy || c->blocked)
        client_read(c, buf);
    c->done = c->failed || (c->sent == c->total && c->received == c->total);
    if (c->done) {
        CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL) == 0);
        return 1;
    }
    CHECK_IS(SPRINT_OK, sprint_conn_poll_info(c->conn, &c->fd, &want));
    if (c->sent < c->total)
        want |= SPRINT_WANT_WRITE; /* there is more to come */
    if (c->greedy && !c->blocked)
        want &= ~(uint32_t)SPRINT_WANT_READ;
    if (want != c->want) {
        event.events = events_of(c->want = want);
        CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event) == 0);
    }
    return 0;
}

/* Returns how many clients came to their end within the time. */
static int loop_run(struct client *clients, int count) {
    enum { BATCH = 128 };
    unsigned char *buf = malloc(CHUNK);
    int epoll = epoll_create1(EPOLL_CLOEXEC), done = 0, i, ready;
    int64_t left, end = now_ms() + LONG_MS * settings.slow;
    struct epoll_event events[BATCH];

    CHECK(epoll >= 0);
    for (i = 0; i < count; i++) {
        struct client *c = &clients[i];

        CHECK_IS(SPRINT_OK, sprint_conn_poll_info(c->conn, &c->fd, &c->want));
        c->want |= SPRINT_WANT_WRITE;
        events[0] = (struct epoll_event){.events = events_of(c->want), .data.ptr = c};
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &events[0]) == 0);
    }
    while (done < count && (left = end - now_ms()) > 0) {
        ready = epoll_wait(epoll, events, BATCH, (int)left);
        for (i = 0; i < ready; i++)
            done += client_turn(events[i].data.ptr, epoll, buf);
    }
    close(epoll);
    free(buf);
    return done;
}

/* As many connections as there may be in the time: under Valgrind a handshake is slow. */
static void one_thread_serves_a_thousand_connections(void) {
    const int count = 1000 / settings.slow;
    struct client *clients = calloc((size_t)count, sizeof *clients);
    sprint_pool pool = pool_make((struct pool_options){.max_connections = count});
    struct rlimit before, enough;
    sprint_pool_stats s;
    size_t wrong = 0, full = 0, n;
    int i;

    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    enough = before;
    if (enough.rlim_cur < 4096 && enough.rlim_max >= 4096)
        enough.rlim_cur = 4096;
    CHECK(setrlimit(RLIMIT_NOFILE, &enough) == 0);
    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, (uint32_t)count, LONG_MS * settings.slow));
    for (i = 0; i < count; i++) {
        struct client *c = &clients[i];

        c->seed = 7919u * (unsigned)i;
        c->greedy = i % GREEDY_EACH == 0;
        c->total = c->greedy ? MOST : USUAL;
        CHECK_IS(SPRINT_OK, sprint_pool_acquire(pool, 0, &c->conn));
        CHECK_IS(SPRINT_OK, sprint_conn_try_write(c->conn, "ECHO\n", 5, &n));
    }
    CHECK(loop_run(clients, count) == count);
    for (i = 0; i < count; i++) {
        wrong += clients[i].failed || clients[i].received != clients[i].total;
        full += clients[i].blocked != clients[i].greedy;
        sprint_conn_release(clients[i].conn);
    }
    CHECK(wrong == 0);
    CHECK(full == 0); /* a socket that is full was said to be, and held nobody up */
    s = stats_of(pool);
    CHECK(s.idle == (uint32_t)count && s.lent == 0 && s.dials == (uint64_t)count);
    CHECK(s.errors == 0 && s.discards == 0 && s.timeouts == 0);
    sprint_pool_free(pool);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    free(clients);
}

const struct rule loop_rules[] = {
    RULE(one_thread_serves_a_thousand_connections),
    NO_MORE_RULES,
};
