/* rustls.c - rustls on a blocking socket of the standard library; rustlspeer/src/lib.rs is
 * the other side. */
#include <stdio.h>

#include "stack.h"
#include "symbol.h"

static struct {
    void *(*connect)(const char *address, const char *ca_file, char *why, size_t cap);
    int (*write)(void *session, const void *data, size_t len, char *why, size_t cap);
    int (*read)(void *session, void *data, size_t len, char *why, size_t cap);
    int (*resumed)(void *session);
    void (*close)(void *session);
    void (*version)(char *text, size_t cap);
} lib;

static _Thread_local char failure[256];

static const char *rustls_connect(const struct surroundings *at, void **session) {
    void *library;

    if (lib.connect == NULL) {
        library = dlopen(at->rust_lib, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL || !resolve(library, "rustlspeer_write", &lib.write) ||
            !resolve(library, "rustlspeer_read", &lib.read) ||
            !resolve(library, "rustlspeer_resumed", &lib.resumed) ||
            !resolve(library, "rustlspeer_close", &lib.close) ||
            !resolve(library, "rustlspeer_version", &lib.version) ||
            !resolve(library, "rustlspeer_connect", &lib.connect)) {
            snprintf(failure, sizeof failure, "%s", dlerror());
            return failure;
        }
    }
    *session = lib.connect(at->tls_address, at->ca_file, failure, sizeof failure);
    return *session != NULL ? NULL : failure;
}

static const char *rustls_write(void *session, const void *data, size_t len) {
    return lib.write(session, data, len, failure, sizeof failure) == 0 ? NULL : failure;
}

static const char *rustls_read(void *session, void *data, size_t len) {
    return lib.read(session, data, len, failure, sizeof failure) == 0 ? NULL : failure;
}

static int rustls_resumed(void *session) {
    return lib.resumed(session);
}

static void rustls_close(void *session) {
    lib.close(session);
}

static const char *rustls_version(void) {
    static char text[64];

    lib.version(text, sizeof text);
    return text;
}

const struct stack stack_rustls = {
    .name = "rustls",
    .connect = rustls_connect,
    .write = rustls_write,
    .read = rustls_read,
    .resumed = rustls_resumed,
    .close = rustls_close,
    .version = rustls_version,
};
