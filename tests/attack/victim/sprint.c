#include "memory.h"

#include "library.h"

static sprint_buffer buffer;
static uint32_t flags;

static const char *explain(sprint_status status) {
    return status == SPRINT_OK ? NULL : library_error(status);
}

static const char *start(const char *kind, const char *path) {
    size_t name = strcspn(kind, "+");

    if (strcmp(kind + name, "+fast") == 0)
        flags = SPRINT_BUFFER_FAST;
    else if (strcmp(kind + name, "+noaccess") == 0)
        flags = SPRINT_BUFFER_NOACCESS;
    return library_load(path, strncmp(kind, "mlock", name) == 0 ? SPRINT_BACKEND_MLOCK
                                                                : SPRINT_BACKEND_SECRETMEM);
}

static const char *make(size_t len, void **at) {
    sprint_status status = sprint.sprint_buffer_alloc(len, flags, &buffer);

    if (status == SPRINT_OK)
        status = sprint.sprint_buffer_open(buffer, SPRINT_WRITE, at, NULL);
    return explain(status);
}

static const char *made(void) {
    return explain(sprint.sprint_buffer_close(buffer));
}

static const char *use(void) {
    static const int32_t hashes[] = {SPRINT_HASH_SHA256, SPRINT_HASH_SHA384, SPRINT_HASH_SHA512};
    unsigned char mac[64];
    sprint_status status = SPRINT_OK;
    size_t i;

    for (i = 0; i < 3 && status == SPRINT_OK; i++)
        status = sprint.sprint_buffer_hmac(buffer, hashes[i], "message", 7, mac, sizeof mac, NULL);
    return explain(status);
}

static const char *seal(void) {
    return explain(sprint.sprint_buffer_seal(buffer));
}

static const char *discard(void) {
    sprint.sprint_buffer_free(buffer);
    return NULL;
}

const struct memory sprint_memory = {start, make, made, use, seal, discard};
