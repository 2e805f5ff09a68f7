#include "thread.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 1024 };

struct thread {
    const char *text; /* a literal, or copy */
    char copy[TEXT_SIZE];
    void *recv;
};

static __thread struct thread *self;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int key_made;

static void release(void *p) {
    struct thread *t = p;
    free(t->recv);
    free(t);
    self = NULL;
}

static void make_key(void) {
    key_made = pthread_key_create(&key, release) == 0;
}

static struct thread *get(void) {
    if (self)
        return self;
    pthread_once(&once, make_key);
    if (!key_made)
        return NULL;
    struct thread *t = calloc(1, sizeof *t);
    if (t && pthread_setspecific(key, t) != 0) {
        free(t);
        t = NULL;
    }
    if (t)
        t->text = "";
    return self = t;
}

__thread int sprint_thread_attached;

void *sprint_thread_recv_buffer(void) {
    struct thread *t = get();
    if (t && !t->recv)
        t->recv = malloc(SPRINT_RECV_SIZE);
    return t ? t->recv : NULL;
}

sprint_status sprint_fail(sprint_status status, const char *text) {
    struct thread *t = get();
    if (t)
        t->text = text;
    return status;
}

sprint_status sprint_failf(sprint_status status, const char *format, ...) {
    struct thread *t = get();
    if (t) {
        va_list args;
        va_start(args, format);
        vsnprintf(t->copy, sizeof t->copy, format, args);
        va_end(args);
        t->text = t->copy;
    }
    return status;
}

void sprint_thread_set_error(const char *text, size_t len) {
    struct thread *t = get();
    if (!t)
        return;
    if (len > sizeof t->copy - 1)
        len = sizeof t->copy - 1;
    for (size_t i = 0; i < len; i++)
        t->copy[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
    t->copy[len] = '\0';
    t->text = t->copy;
}

size_t sprint_last_error(char *text, size_t cap) {
    const char *last = self ? self->text : "";
    size_t len = strlen(last);
    if (text && cap > 0) {
        size_t n = len < cap - 1 ? len : cap - 1;
        memcpy(text, last, n);
        text[n] = '\0';
    }
    return len + 1;
}
