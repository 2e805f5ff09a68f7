/* sprint_memory.c - the secure memory of libsprint, loaded at run time. */
#include <stdio.h>

#include "sprint_memory.h"
#include "symbol.h"

struct sprint_memory sprint;

int sprint_load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL || !resolve(library, "sprint_version", &sprint.version) ||
        !resolve(library, "sprint_errname", &sprint.errname) ||
        !resolve(library, "sprint_last_error", &sprint.last_error) ||
        !resolve(library, "sprint_buffer_alloc", &sprint.alloc) ||
        !resolve(library, "sprint_buffer_from", &sprint.from) ||
        !resolve(library, "sprint_buffer_open", &sprint.open) ||
        !resolve(library, "sprint_buffer_close", &sprint.close) ||
        !resolve(library, "sprint_buffer_hmac", &sprint.hmac) ||
        !resolve(library, "sprint_buffer_free", &sprint.free)) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    resolve(library, "sprint_buffer_seal", &sprint.seal);
    resolve(library, "sprint_buffer_sign_ed25519", &sprint.sign_ed25519);
    return 0;
}

const char *sprint_failure(const char *call, sprint_status status) {
    static _Thread_local char text[256];
    char cause[160];

    sprint.last_error(cause, sizeof cause);
    snprintf(text, sizeof text, "%s: %s: %s", call, sprint.errname(status), cause);
    return text;
}
