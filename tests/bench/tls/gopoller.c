/* gopoller.c - crypto/tls on the Go poller; gopoller/main.go says how it is reached. */
#include <stdio.h>

#include "stack.h"
#include "symbol.h"

static struct {
    int (*open)(const char *address, const char *ca_file, const char *first_line, char *why,
                size_t cap);
    int (*roundtrip)(const void *out, void *in, size_t len, char *why, size_t cap);
    void (*version)(char *text, size_t cap);
    void (*close)(void);
} lib;

static _Thread_local char failure[256];

/* The library holds one connection, in echo mode from the start. */
static const char *go_connect(const struct surroundings *at, void **session) {
    void *library = dlopen(at->go_lib, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL || !resolve(library, "gopoller_roundtrip", &lib.roundtrip) ||
        !resolve(library, "gopoller_version", &lib.version) ||
        !resolve(library, "gopoller_close", &lib.close) ||
        !resolve(library, "gopoller_open", &lib.open)) {
        snprintf(failure, sizeof failure, "%s", dlerror());
        return failure;
    }
    *session = &lib;
    return lib.open(at->tls_address, at->ca_file, ECHO_LINE, failure, sizeof failure) == 0
               ? NULL
               : failure;
}

static const char *go_roundtrip(void *session, const void *out, void *in, size_t len) {
    (void)session;
    return lib.roundtrip(out, in, len, failure, sizeof failure) == 0 ? NULL : failure;
}

static void go_close(void *session) {
    (void)session;
    lib.close();
}

static const char *go_version(void) {
    static char text[64];

    lib.version(text, sizeof text);
    return text;
}

const struct stack stack_gopoller = {
    .name = "gopoller",
    .connect = go_connect,
    .roundtrip = go_roundtrip,
    .close = go_close,
    .version = go_version,
};
