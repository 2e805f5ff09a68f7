/* peer_tcp.c - the floor: the same bytes over plain TCP, send(2) and recv(2). */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

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

static int fd = -1;

static int tcp_open(struct peer *self, const struct target *target) {
    fd = tcp_dial(target->tcp_address, self->why, sizeof self->why);
    return fd < 0 ? -1 : 0;
}

static int tcp_roundtrip(struct peer *self, const void *out, void *in, size_t len) {
    size_t done;
    ssize_t n;

    for (done = 0; done < len; done += (size_t)n) {
        n = send(fd, (const char *)out + done, len - done, MSG_NOSIGNAL);
        if (n <= 0)
            goto failed;
    }
    for (done = 0; done < len; done += (size_t)n) {
        n = recv(fd, (char *)in + done, len - done, 0);
        if (n <= 0)
            goto failed;
    }
    return 0;

failed:
    snprintf(self->why, sizeof self->why, "%s", n == 0 ? "peer closed" : strerror(errno));
    return -1;
}

static void tcp_close(struct peer *self) {
    (void)self;
    if (fd >= 0)
        close(fd);
    fd = -1;
}

static const char *tcp_version(void) {
    return "recv(2)";
}

struct peer peer_tcp = {
    .name = "tcp",
    .open = tcp_open,
    .roundtrip = tcp_roundtrip,
    .close = tcp_close,
    .version = tcp_version,
};
