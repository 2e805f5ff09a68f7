/* system.c - what tests ask of a POSIX system: a little HTTP, faults that are survived,
 * signals, and descriptors. tests/windows has its own. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "support.h"

static int dial(const char *address) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(address, ':');
    char host[64];
    int fd = -1;

    if (*address == '[') /* IPv6 */
        snprintf(host, sizeof host, "%.*s", (int)(colon - address) - 2, address + 1);
    else
        snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

int http(const char *method, const char *address, const char *path, char *buf, size_t cap) {
    char request[256];
    int fd = dial(address), code = -1, len;
    size_t have = 0;
    ssize_t n;

    if (fd < 0)
        return -1;
    len =
        snprintf(request, sizeof request, "%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: 0\r\n\r\n",
                 method, path, address);
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) == len) {
        while (have + 1 < cap && (n = recv(fd, buf + have, cap - 1 - have, 0)) > 0)
            have += (size_t)n;
    }
    close(fd);
    buf[have] = '\0';
    if (sscanf(buf, "HTTP/%*s %d", &code) != 1)
        return -1;
    return code;
}

static sigjmp_buf after_the_fault;

static void on_fault(int sig) {
    siglongjmp(after_the_fault, sig);
}

static int faults(volatile unsigned char *p, int write) {
    struct sigaction catch = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK}, segv, bus;
    volatile int faulted = 1;

    sigaction(SIGSEGV, &catch, &segv);
    sigaction(SIGBUS, &catch, &bus);
    if (sigsetjmp(after_the_fault, 1) == 0) {
        unsigned char byte = *p;

        if (write)
            *p = byte;
        faulted = 0;
    }
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &bus, NULL);
    return faulted;
}

int read_faults(const void *p) {
    return faults((volatile unsigned char *)(uintptr_t)p, 0);
}

int write_faults(void *p) {
    return faults(p, 1);
}

int count_fds(void) {
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 3; /* ".", ".." and dir's own */
}

int is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

void sigpipe_kills(int does) {
    static struct sigaction before;
    struct sigaction fatal = {.sa_handler = SIG_DFL};

    if (does)
        CHECK(sigaction(SIGPIPE, &fatal, &before) == 0);
    else
        CHECK(sigaction(SIGPIPE, &before, NULL) == 0);
}

/* Bound, so that nobody else takes it, and not listening. */
intptr_t refuse(char *address, size_t cap) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&any, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&any, &len) == 0);
    snprintf(address, cap, "127.0.0.1:%d", ntohs(any.sin_port));
    return fd;
}

void stop_refusing(intptr_t refusing) {
    close((int)refusing);
}
