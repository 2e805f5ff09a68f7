/* What a thread of the host keeps with us: the text of its last error and a buffer
 * for received ciphertext. One pointer of TLS, the rest on demand: a library that is
 * loaded late finds little room for static TLS. */
#ifndef SPRINT_THREAD_H
#define SPRINT_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "../include/sprint.h"

#ifdef __MINGW_PRINTF_FORMAT
#define SPRINT_PRINTF __MINGW_PRINTF_FORMAT
#else
#define SPRINT_PRINTF printf
#endif

/* Room for ciphertext: a few of the largest records (RFC 8446, 5.2: 16 KiB + 256). */
enum { SPRINT_RECV_SIZE = 64 * 1024 };

#ifdef _WIN32
/* Go keeps nothing for a thread of the host, and leaves its signals alone. */
static inline void sprint_thread_enter(void) {}
#else
/* Prepare this thread, once, for calls into Go: a thread's first one leaves it with
 * signals unblocked that Go wants (SIGCHLD and SIGPROF among them), and the thread
 * stays known to Go until it ends. The host's mask is put back here. */
void sprint_thread_attach(void);

extern __thread int sprint_thread_attached;

/* Put off a pthread_cancel(3) of the host until after a wait: unwound from inside, the
 * handle would stay pinned, and Go could be on the stack. */
static inline int sprint_thread_hold(void) {
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void sprint_thread_let_go(int before) {
    pthread_setcancelstate(before, &before);
}

static inline void sprint_thread_enter(void) {
    if (__builtin_expect(!sprint_thread_attached, 0))
        sprint_thread_attach();
}
#endif

/* The one pointer that a thread keeps; NULL at first. When the thread ends it is given to
 * sprint_thread_release(). */
void *sprint_thread_kept(void);
bool sprint_thread_keep(void *kept);
void sprint_thread_release(void *kept);

/* This thread's buffer of SPRINT_RECV_SIZE bytes, or NULL without memory. */
void *sprint_thread_recv_buffer(void);

/* Set the last error: text is a literal, nothing is copied or allocated. */
sprint_status sprint_fail(sprint_status status, const char *text);

/* Set the last error from a format. */
sprint_status sprint_failf(sprint_status status, const char *format, ...)
    __attribute__((format(SPRINT_PRINTF, 2, 3)));

/* Set the last error from Go: text of len bytes, copied, control bytes replaced. */
void sprint_thread_set_error(const char *text, size_t len);

#endif
