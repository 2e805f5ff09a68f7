#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include "_cgo_export.h"
#include "thread.h"

static __thread void *self;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_made;

static void release(void *kept) {
    sprint_thread_release(kept);
    self = NULL;
}

static void make_key(void) {
    key_made = pthread_key_create(&key, release) == 0;
}

void *sprint_thread_kept(void) {
    return self;
}

bool sprint_thread_keep(void *kept) {
    pthread_once(&once, make_key);
    if (!key_made || pthread_setspecific(key, kept) != 0)
        return false;
    self = kept;
    return true;
}

__thread int sprint_thread_attached;

void sprint_thread_attach(void) {
    int cancel = sprint_thread_hold(); /* it may have to wait for Go's start */
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sprintgo_attach();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sprint_thread_let_go(cancel);
    sprint_thread_attached = 1;
}
