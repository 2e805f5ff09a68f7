#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "bridge.h"
#include "thread.h"

bool sprint_log_takes(int32_t fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* The reader of a log pipe may be gone: that must not raise SIGPIPE in the host. A
 * SIGPIPE of our own write is pending on this thread only, and is taken back. */
void sprint_log_write(int32_t fd, const void *line, size_t len) {
    sigset_t sigpipe, saved, pending;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    sigpending(&pending);
    int cancel = sprint_thread_hold();
    bool pending_before = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe, &saved);

    ssize_t n;
    do
        n = write(fd, line, len);
    while (n < 0 && errno == EINTR);

    if (n < 0 && errno == EPIPE && !pending_before) {
        const struct timespec now = {0};
        while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    sprint_thread_let_go(cancel);
}
