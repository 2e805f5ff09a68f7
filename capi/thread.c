#include "thread.h"

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

void sprint_thread_release(void *kept) {
    struct thread *t = kept;
    free(t->recv);
    free(t);
}

static struct thread *get(void) {
    struct thread *t = sprint_thread_kept();
    if (t)
        return t;
    t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->text = "";
    if (sprint_thread_keep(t))
        return t;
    free(t);
    return NULL;
}

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
    const struct thread *t = sprint_thread_kept();
    const char *last = t ? t->text : "";
    size_t len = strlen(last);
    if (text && cap > 0) {
        size_t n = len < cap - 1 ? len : cap - 1;
        memcpy(text, last, n);
        text[n] = '\0';
    }
    return len + 1;
}
