/* http.c - a request of HTTP/1.1, so small that no library is needed. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scale.h"
#include "stack.h"

long http_get(int port, const char *path) {
    char address[64], buffer[65536], why[256];
    long size = 0;
    ssize_t n;
    int fd, ok = 0;

    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    if ((fd = tcp_dial(address, why, sizeof why)) < 0)
        return -1;
    n = snprintf(buffer, sizeof buffer, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 path, address);
    if (send(fd, buffer, (size_t)n, MSG_NOSIGNAL) == n) {
        while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
            if (size == 0)
                ok = n > 12 && memcmp(buffer, "HTTP/1.1 200", 12) == 0;
            size += n;
        }
    }
    close(fd);
    return ok && n == 0 ? size : -1;
}
