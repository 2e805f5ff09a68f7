/* peer_gopoller.c - crypto/tls on the Go poller; gopoller/main.go says how it is reached. */
#include <stdio.h>

#include "peer.h"
#include "symbol.h"

static struct {
    int (*open)(const char *address, const char *ca_file, const char *first_line, char *why,
                size_t cap);
    int (*roundtrip)(const void *out, void *in, size_t len, char *why, size_t cap);
    void (*version)(char *text, size_t cap);
    void (*close)(void);
} lib;

static int go_open(struct peer *self, const struct target *target) {
    void *library = dlopen(target->go_lib, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL || !resolve(library, "gopoller_roundtrip", &lib.roundtrip) ||
        !resolve(library, "gopoller_version", &lib.version) ||
        !resolve(library, "gopoller_close", &lib.close) ||
        !resolve(library, "gopoller_open", &lib.open)) {
        snprintf(self->why, sizeof self->why, "%s", dlerror());
        return -1;
    }
    return lib.open(target->tls_address, target->ca_file, ECHO_LINE, self->why, sizeof self->why);
}

static int go_roundtrip(struct peer *self, const void *out, void *in, size_t len) {
    return lib.roundtrip(out, in, len, self->why, sizeof self->why);
}

static void go_close(struct peer *self) {
    (void)self;
    if (lib.close != NULL)
        lib.close();
}

static const char *go_version(void) {
    static char text[64];

    lib.version(text, sizeof text);
    return text;
}

struct peer peer_gopoller = {
    .name = "gopoller",
    .open = go_open,
    .roundtrip = go_roundtrip,
    .close = go_close,
    .version = go_version,
};
