/* tcp.c - the floor: the same bytes over plain TCP, send(2) and recv(2). */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack.h"

int tcp_dial(const char *address, char *why, size_t cap) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    const char *colon = strrchr(address, ':');
    char host[256];
    int fd, err, one = 1;

    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        snprintf(why, cap, "%s: not host:port", address);
        return -1;
    }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if ((err = getaddrinfo(host, colon + 1, &hints, &found)) != 0) {
        snprintf(why, cap, "%s: %s", address, gai_strerror(err));
        return -1;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, found->ai_addr, found->ai_addrlen) != 0 ||
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)) {
        snprintf(why, cap, "%s: %s", address, strerror(errno));
        close(fd);
        fd = -1;
    } else if (fd < 0) {
        snprintf(why, cap, "socket: %s", strerror(errno));
    }
    freeaddrinfo(found);
    return fd;
}

static _Thread_local char failure[256];

static const char *tcp_connect(const struct surroundings *at, void **session) {
    int fd = tcp_dial(at->tcp_address, failure, sizeof failure);

    *session = (void *)(intptr_t)fd;
    return fd < 0 ? failure : NULL;
}

static const char *ended(ssize_t n) {
    snprintf(failure, sizeof failure, "%s", n == 0 ? "peer closed" : strerror(errno));
    return failure;
}

static const char *tcp_write(void *session, const void *data, size_t len) {
    size_t done;
    ssize_t n;

    for (done = 0; done < len; done += (size_t)n)
        if ((n = send((int)(intptr_t)session, (const char *)data + done, len - done,
                      MSG_NOSIGNAL)) <= 0)
            return ended(n);
    return NULL;
}

static const char *tcp_read(void *session, void *data, size_t len) {
    size_t done;
    ssize_t n;

    for (done = 0; done < len; done += (size_t)n)
        if ((n = recv((int)(intptr_t)session, (char *)data + done, len - done, 0)) <= 0)
            return ended(n);
    return NULL;
}

static int tcp_resumed(void *session) {
    (void)session;
    return 0;
}

static void tcp_close(void *session) {
    close((int)(intptr_t)session);
}

static const char *tcp_version(void) {
    return "recv(2)";
}

const struct stack stack_tcp = {
    .name = "tcp",
    .connect = tcp_connect,
    .write = tcp_write,
    .read = tcp_read,
    .resumed = tcp_resumed,
    .close = tcp_close,
    .version = tcp_version,
};

const char *stack_roundtrip(const struct stack *stack, void *session, const void *out, void *in,
                            size_t len) {
    const char *failure;

    if (stack->roundtrip != NULL)
        return stack->roundtrip(session, out, in, len);
    if ((failure = stack->write(session, out, len)) != NULL)
        return failure;
    return stack->read(session, in, len);
}
