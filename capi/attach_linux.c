#define _GNU_SOURCE
#include <signal.h>

#include "_cgo_export.h"
#include "thread.h"

void sprint_thread_attach(void) {
    int cancel = sprint_thread_hold(); /* it may have to wait for Go's start */
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sprintgo_attach();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sprint_thread_let_go(cancel);
    sprint_thread_attached = 1;
}
