/*
 * sprint_dl.h - libsprint for hosts that load it at run time.
 *
 * SPRINT_FUNCTIONS lists every function of sprint.h once. struct sprint_dl holds a
 * pointer to each under the function's own name, and sprint_dl_load() fills it:
 *
 *     struct sprint_dl lib;
 *     char why[256];
 *     if (sprint_dl_load(NULL, &lib, why, sizeof why) != SPRINT_OK)
 *         return fail(why);
 *     status = lib.sprint_pool_acquire(pool, 1000, &conn);
 *
 * Link with the C library only (with -ldl before glibc 2.34). On Windows it includes
 * windows.h, without what WIN32_LEAN_AND_MEAN and NOMINMAX leave out.
 *
 * Load early: before signal handlers are installed, before threads are pinned, never
 * from a constructor. The library cannot be unloaded: dlclose() leaves it where it is.
 * Load after fork() or daemon(), not before: a child forked after the load gets
 * SPRINT_E_FORKED from every call, and loading again there changes nothing. A child
 * that execs, or whose parent had not loaded the library, is free to load it.
 *
 * The table is plain data, the same for all threads: copy it, or keep one for the
 * process. Its layout belongs to this header, so do not pass it between programs or
 * plugins that were compiled against different ones.
 */
#ifndef SPRINT_DL_H
#define SPRINT_DL_H

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include <string.h>

#include "sprint.h"

/** X(return type, name, (parameters)) for every function of sprint.h, in its order. */
/* clang-format off */
#define SPRINT_FUNCTIONS(X) \
    X(sprint_status, sprint_init, (uint32_t abi)) \
    X(const char *, sprint_version, (void)) \
    X(const char *, sprint_strerror, (sprint_status status)) \
    X(const char *, sprint_errname, (sprint_status status)) \
    X(size_t, sprint_last_error, (char *text, size_t cap)) \
    X(sprint_status, sprint_log_to_fd, (int32_t fd, int32_t level)) \
    X(sprint_status, sprint_config_new, (const char *endpoints, sprint_config *out)) \
    X(sprint_status, sprint_config_set_str, (sprint_config config, int32_t option, \
                                             const char *utf8)) \
    X(sprint_status, sprint_config_set_int, (sprint_config config, int32_t option, int64_t value)) \
    X(sprint_status, sprint_config_set_bytes, (sprint_config config, int32_t option, \
                                               const void *data, size_t len)) \
    X(sprint_status, sprint_config_set_buffer, (sprint_config config, int32_t option, \
                                                sprint_buffer secret)) \
    X(void, sprint_config_free, (sprint_config config)) \
    X(sprint_status, sprint_pool_new, (sprint_config config, sprint_pool *out)) \
    X(sprint_status, sprint_pool_warm_up, (sprint_pool pool, uint32_t count, int64_t timeout_ms)) \
    X(sprint_status, sprint_pool_acquire, (sprint_pool pool, int64_t timeout_ms, \
                                           sprint_conn *out)) \
    X(sprint_status, sprint_pool_start_cleanup, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_stop_cleanup, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_start_metrics, (sprint_pool pool, uint16_t *port)) \
    X(sprint_status, sprint_pool_stop_metrics, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_resize, (sprint_pool pool, uint32_t max_connections, \
                                          uint32_t min_idle)) \
    X(sprint_status, sprint_pool_pause, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_resume, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_evict_endpoint, (sprint_pool pool, const char *endpoint)) \
    X(sprint_status, sprint_pool_reset, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_rotate, (sprint_pool pool)) \
    X(sprint_status, sprint_pool_stats_get, (sprint_pool pool, sprint_pool_stats *inout)) \
    X(sprint_status, sprint_pool_status_json, (sprint_pool pool, char *buf, size_t cap, \
                                               size_t *needed)) \
    X(sprint_status, sprint_pool_close, (sprint_pool pool, int64_t grace_ms, uint32_t *forced)) \
    X(void, sprint_pool_free, (sprint_pool pool)) \
    X(sprint_status, sprint_conn_write, (sprint_conn conn, const void *data, size_t len, \
                                         int64_t timeout_ms)) \
    X(sprint_status, sprint_conn_read, (sprint_conn conn, void *buf, size_t cap, \
                                        int64_t timeout_ms, size_t *n)) \
    X(sprint_status, sprint_conn_read_exact, (sprint_conn conn, void *buf, size_t len, \
                                              int64_t timeout_ms, size_t *n)) \
    X(sprint_status, sprint_conn_request, (sprint_conn conn, const void *data, size_t len, \
                                           void *buf, size_t cap, uint32_t flags, \
                                           int64_t timeout_ms, size_t *n)) \
    X(sprint_status, sprint_conn_write_secret, (sprint_conn conn, sprint_buffer secret, \
                                                int64_t timeout_ms)) \
    X(sprint_status, sprint_conn_try_write, (sprint_conn conn, const void *data, size_t len, \
                                             size_t *n)) \
    X(sprint_status, sprint_conn_try_read, (sprint_conn conn, void *buf, size_t cap, size_t *n)) \
    X(sprint_status, sprint_conn_flush, (sprint_conn conn, int64_t timeout_ms)) \
    X(sprint_status, sprint_conn_poll_info, (sprint_conn conn, int32_t *fd, uint32_t *want)) \
    X(sprint_status, sprint_conn_id, (sprint_conn conn, uint64_t *id)) \
    X(sprint_status, sprint_conn_uses, (sprint_conn conn, uint64_t *uses)) \
    X(sprint_status, sprint_conn_info_json, (sprint_conn conn, char *buf, size_t cap, \
                                             size_t *needed)) \
    X(void, sprint_conn_release, (sprint_conn conn)) \
    X(void, sprint_conn_discard, (sprint_conn conn)) \
    X(sprint_status, sprint_buffer_alloc, (size_t len, uint32_t flags, sprint_buffer *out)) \
    X(sprint_status, sprint_buffer_from, (void *src, size_t len, uint32_t flags, \
                                          sprint_buffer *out)) \
    X(sprint_status, sprint_buffer_random, (size_t len, uint32_t flags, sprint_buffer *out)) \
    X(sprint_status, sprint_buffer_len, (sprint_buffer buffer, size_t *len)) \
    X(sprint_status, sprint_buffer_protection, (sprint_buffer buffer, uint32_t *backend, \
                                                uint32_t *locked)) \
    X(sprint_status, sprint_buffer_read, (sprint_buffer buffer, size_t offset, void *dst, \
                                          size_t len)) \
    X(sprint_status, sprint_buffer_write, (sprint_buffer buffer, size_t offset, \
                                           const void *src, size_t len)) \
    X(sprint_status, sprint_buffer_open, (sprint_buffer buffer, int32_t mode, void **data, \
                                          size_t *len)) \
    X(sprint_status, sprint_buffer_close, (sprint_buffer buffer)) \
    X(sprint_status, sprint_buffer_seal, (sprint_buffer buffer)) \
    X(sprint_status, sprint_buffer_expire_after, (sprint_buffer buffer, int64_t ttl_ms)) \
    X(sprint_status, sprint_buffer_equal, (sprint_buffer a, sprint_buffer b, int32_t *equal)) \
    X(sprint_status, sprint_buffer_hmac, (sprint_buffer key, int32_t hash, const void *msg, \
                                          size_t len, void *mac, size_t cap, size_t *n)) \
    X(sprint_status, sprint_buffer_public_ed25519, (sprint_buffer seed, uint8_t key[32])) \
    X(sprint_status, sprint_buffer_sign_ed25519, (sprint_buffer seed, const void *msg, \
                                                  size_t len, uint8_t signature[64])) \
    X(sprint_status, sprint_buffer_encrypt, (sprint_buffer key, const void *aad, size_t aad_len, \
                                             const void *plain, size_t len, void *out, \
                                             size_t cap, size_t *n)) \
    X(sprint_status, sprint_buffer_decrypt, (sprint_buffer key, const void *aad, size_t aad_len, \
                                             const void *sealed, size_t len, uint32_t flags, \
                                             sprint_buffer *out)) \
    X(sprint_status, sprint_buffer_hkdf, (sprint_buffer key, int32_t hash, const void *salt, \
                                          size_t salt_len, const void *info, size_t info_len, \
                                          size_t out_len, uint32_t flags, sprint_buffer *out)) \
    X(sprint_status, sprint_buffer_pbkdf2, (sprint_buffer password, int32_t hash, \
                                            const void *salt, size_t salt_len, \
                                            uint32_t iterations, size_t out_len, \
                                            uint32_t flags, sprint_buffer *out)) \
    X(void, sprint_buffer_free, (sprint_buffer buffer)) \
    X(void, sprint_wipe, (void *p, size_t len)) \
    X(sprint_status, sprint_memory_stats_get, (sprint_memory_stats *inout)) \
    X(sprint_status, sprint_memory_status_json, (char *buf, size_t cap, size_t *needed)) \
    X(sprint_status, sprint_memory_self_check, (void)) \
    X(sprint_status, sprint_memory_set, (int32_t option, int64_t value)) \
    X(sprint_status, sprint_events_to_fd, (int32_t fd))
/* clang-format on */

/** Pointers to the functions of a loaded library. All are set, or none is. */
struct sprint_dl {
#define SPRINT_DL_MEMBER(ret, name, params) ret(*name) params;
    SPRINT_FUNCTIONS(SPRINT_DL_MEMBER)
#undef SPRINT_DL_MEMBER
};

#if defined(__cplusplus)
#define SPRINT_DL_LOCAL inline
#elif defined(__GNUC__)
#define SPRINT_DL_LOCAL __attribute__((unused)) static
#else
#define SPRINT_DL_LOCAL static
#endif
#if defined(__GNUC__) && !defined(SPRINT_NO_ATTRS)
#define SPRINT_DL_CALL __attribute__((warn_unused_result)) SPRINT_DL_LOCAL sprint_status
#else
#define SPRINT_DL_CALL SPRINT_DL_LOCAL sprint_status
#endif

/* Joins two sentences; C89 has no snprintf(). */
SPRINT_DL_LOCAL void sprint_dl_explain(char *err, size_t cap, const char *what, const char *why) {
    size_t n;

    if (err == NULL || cap == 0)
        return;
    n = strlen(what) < cap ? strlen(what) : cap - 1;
    memcpy(err, what, n);
    err[n] = '\0';
    strncat(err, why, cap - 1 - n);
}

/* What the systems call differently: open a library, find a symbol, close, and why not. */
#ifdef _WIN32
#define SPRINT_DL_NAME "sprint.dll"

SPRINT_DL_LOCAL void *sprint_dl_open(const char *name) {
    return (void *)LoadLibraryA(name);
}

SPRINT_DL_LOCAL void sprint_dl_symbol(void *library, const char *name, void *pointer) {
    FARPROC symbol = GetProcAddress((HMODULE)library, name);

    memcpy(pointer, &symbol, sizeof symbol);
}

SPRINT_DL_LOCAL void sprint_dl_close(void *library) {
    FreeLibrary((HMODULE)library);
}

SPRINT_DL_LOCAL void sprint_dl_why(char *err, size_t cap, const char *name) {
    char text[256];
    DWORD n = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                             GetLastError(), 0, text, (DWORD)sizeof text - 2, NULL);

    while (n > 0 && (unsigned char)text[n - 1] <= ' ')
        n--;
    text[n] = '\0';
    sprint_dl_explain(err, cap, "sprint_dl_load: ", name);
    if (err != NULL && cap > 0) {
        strncat(err, ": ", cap - 1 - strlen(err));
        strncat(err, text, cap - 1 - strlen(err));
    }
}
#else
#define SPRINT_DL_NAME "libsprint.so.1"

SPRINT_DL_LOCAL void *sprint_dl_open(const char *name) {
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

/* memcpy: ISO C has no conversion from void * to a function pointer. */
SPRINT_DL_LOCAL void sprint_dl_symbol(void *library, const char *name, void *pointer) {
    void *symbol = dlsym(library, name);

    memcpy(pointer, &symbol, sizeof symbol);
}

SPRINT_DL_LOCAL void sprint_dl_close(void *library) {
    dlclose(library);
}

SPRINT_DL_LOCAL void sprint_dl_why(char *err, size_t cap, const char *name) {
    (void)name; /* it is in the text */
    sprint_dl_explain(err, cap, "sprint_dl_load: ", dlerror());
}
#endif

/**
 * Load libsprint, resolve every function and check the interface with sprint_init().
 *
 * @param path      the library, or NULL for "libsprint.so.1" where dlopen() searches; on
 *                  Windows for "sprint.dll" where LoadLibrary() does
 * @param[out] out  filled on SPRINT_OK, all NULL otherwise
 * @param[out] err  on failure, what failed: the loader's text, or the first function that
 *                  the library lacks; terminated if cap > 0; may be NULL if cap is 0
 * @param cap       size of err in bytes
 * @return SPRINT_OK, SPRINT_E_IO (cannot be loaded), SPRINT_E_UNSUPPORTED (lacks a function: not
 *         libsprint), SPRINT_E_ABI (older than this header, or of another major version),
 *         SPRINT_E_ARG, SPRINT_E_FORKED
 *
 * Threads: any; out is the caller's. Blocks: while the library is mapped. Since: 1.0.
 * Example: tests/examples/cpp/engine.cpp
 */
SPRINT_DL_CALL sprint_dl_load(const char *path, struct sprint_dl *out, char *err, size_t cap) {
    typedef char sprint_dl_same_size[sizeof(void *) == sizeof(void (*)(void)) ? 1 : -1];
    const char *name = path != NULL ? path : SPRINT_DL_NAME;
    const char *missing = NULL;
    void *library;
    sprint_status status = SPRINT_OK;

    (void)sizeof(sprint_dl_same_size);
    if (err != NULL && cap > 0)
        err[0] = '\0';
    if (out == NULL) {
        sprint_dl_explain(err, cap, "sprint_dl_load: ", "out is NULL");
        return SPRINT_E_ARG;
    }
    memset(out, 0, sizeof *out);
    library = sprint_dl_open(name);
    if (library == NULL) {
        sprint_dl_why(err, cap, name);
        return SPRINT_E_IO;
    }
#define SPRINT_DL_RESOLVE(ret, name, params)                                                       \
    sprint_dl_symbol(library, #name, &out->name);                                                  \
    if (out->name == NULL && missing == NULL)                                                      \
        missing = #name;
    SPRINT_FUNCTIONS(SPRINT_DL_RESOLVE)
#undef SPRINT_DL_RESOLVE

    /* An older library lacks functions too: its own answer is the better one. */
    if (out->sprint_init != NULL && out->sprint_last_error != NULL) {
        status = out->sprint_init(SPRINT_ABI);
        if (status != SPRINT_OK)
            out->sprint_last_error(err, err != NULL ? cap : 0);
    }
    if (status == SPRINT_OK && missing != NULL) {
        sprint_dl_explain(err, cap, "sprint_dl_load: the library has no function ", missing);
        status = SPRINT_E_UNSUPPORTED;
    }
    if (status != SPRINT_OK) {
        memset(out, 0, sizeof *out);
        sprint_dl_close(library); /* unloads a library that is not ours */
    }
    return status;
}

#endif /* SPRINT_DL_H */
