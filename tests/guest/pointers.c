/* pointers.c - rows about arguments that point to no memory of the host. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

static struct sprint_dl lib;
static sprint_config config;
static sprint_pool pool;
static sprint_conn conn;
static sprint_buffer secret;
static char sound[256];
static size_t unused;

/* A function with one pointer under test, which it reads n bytes at, or writes. */
struct use {
    const char *name;
    enum { READS, WRITES, READS_TEXT } how;
    sprint_status (*call)(void *p, size_t n);
};

static sprint_status config_new(void *p, size_t n) {
    sprint_config other;

    (void)n;
    return lib.sprint_config_new(p, &other);
}

static sprint_status set_str(void *p, size_t n) {
    (void)n;
    return lib.sprint_config_set_str(config, SPRINT_OPT_NAME, p);
}

static sprint_status set_token(void *p, size_t n) {
    (void)n;
    return lib.sprint_config_set_str(config, SPRINT_OPT_METRICS_AUTH_TOKEN, p);
}

static sprint_status set_bytes(void *p, size_t n) {
    return lib.sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, p, n);
}

static sprint_status evict(void *p, size_t n) {
    (void)n;
    return lib.sprint_pool_evict_endpoint(pool, p);
}

static sprint_status pool_status(void *p, size_t n) {
    return lib.sprint_pool_status_json(pool, p, n, NULL);
}

static sprint_status conn_info(void *p, size_t n) {
    return lib.sprint_conn_info_json(conn, p, n, NULL);
}

static sprint_status memory_status(void *p, size_t n) {
    return lib.sprint_memory_status_json(p, n, NULL);
}

static sprint_status conn_write(void *p, size_t n) {
    return lib.sprint_conn_write(conn, p, n, 1000);
}

static sprint_status try_write(void *p, size_t n) {
    return lib.sprint_conn_try_write(conn, p, n, &unused);
}

static sprint_status request_data(void *p, size_t n) {
    return lib.sprint_conn_request(conn, p, n, sound, sizeof sound, 0, 1000, &unused);
}

/* What the peer repeats is there to be read. */
static sprint_status conn_read(void *p, size_t n) {
    sprint_status status;

    CHECK(lib.sprint_conn_write(conn, "x", 1, 1000) == SPRINT_OK);
    status = lib.sprint_conn_read(conn, p, n, 1000, &unused);
    CHECK(lib.sprint_conn_read(conn, sound, sizeof sound, 1000, &unused) == SPRINT_OK);
    return status;
}

static sprint_status try_read(void *p, size_t n) {
    struct pollfd socket = {.events = POLLIN};
    sprint_status status;
    uint32_t want;

    CHECK(lib.sprint_conn_write(conn, "x", 1, 1000) == SPRINT_OK);
    CHECK(lib.sprint_conn_poll_info(conn, &socket.fd, &want) == SPRINT_OK);
    CHECK(poll(&socket, 1, 5000) == 1);
    status = lib.sprint_conn_try_read(conn, p, n, &unused);
    CHECK(lib.sprint_conn_read(conn, sound, sizeof sound, 1000, &unused) == SPRINT_OK);
    return status;
}

static sprint_status buffer_from(void *p, size_t n) {
    sprint_buffer other;

    (void)n;
    return lib.sprint_buffer_from(p, 1 << 20, 0, &other); /* larger than what C places */
}

static sprint_status buffer_read(void *p, size_t n) {
    return lib.sprint_buffer_read(secret, 0, p, n);
}

static sprint_status buffer_write(void *p, size_t n) {
    return lib.sprint_buffer_write(secret, 0, p, n);
}

static sprint_status hmac_msg(void *p, size_t n) {
    return lib.sprint_buffer_hmac(secret, SPRINT_HASH_SHA256, p, n, sound, 32, NULL);
}

static sprint_status hmac_mac(void *p, size_t n) {
    return lib.sprint_buffer_hmac(secret, SPRINT_HASH_SHA256, "x", 1, p, n, NULL);
}

static sprint_status public_key(void *p, size_t n) {
    (void)n;
    return lib.sprint_buffer_public_ed25519(secret, p);
}

static sprint_status sign_msg(void *p, size_t n) {
    return lib.sprint_buffer_sign_ed25519(secret, p, n, (uint8_t *)sound);
}

static sprint_status signature(void *p, size_t n) {
    (void)n;
    return lib.sprint_buffer_sign_ed25519(secret, "x", 1, p);
}

static sprint_status encrypt_aad(void *p, size_t n) {
    return lib.sprint_buffer_encrypt(secret, p, n, "x", 1, sound, sizeof sound, NULL);
}

static sprint_status encrypt_plain(void *p, size_t n) {
    return lib.sprint_buffer_encrypt(secret, NULL, 0, p, n, sound, sizeof sound, NULL);
}

static sprint_status encrypt_out(void *p, size_t n) {
    return lib.sprint_buffer_encrypt(secret, NULL, 0, "x", 1, p, n, NULL);
}

static sprint_status decrypt(void *p, size_t n) {
    sprint_buffer other;

    return lib.sprint_buffer_decrypt(secret, NULL, 0, p, n, 0, &other);
}

static sprint_status hkdf_info(void *p, size_t n) {
    sprint_buffer other;

    return lib.sprint_buffer_hkdf(secret, SPRINT_HASH_SHA256, NULL, 0, p, n, 32, 0, &other);
}

static sprint_status pbkdf2_salt(void *p, size_t n) {
    sprint_buffer other;

    return lib.sprint_buffer_pbkdf2(secret, SPRINT_HASH_SHA256, p, n, 1, 32, 0, &other);
}

static const struct use uses[] = {
    {"config_new", READS_TEXT, config_new},
    {"config_set_str", READS_TEXT, set_str},
    {"config_set_str, token", READS_TEXT, set_token},
    {"config_set_bytes", READS, set_bytes},
    {"pool_evict_endpoint", READS_TEXT, evict},
    {"pool_status_json", WRITES, pool_status},
    {"conn_info_json", WRITES, conn_info},
    {"memory_status_json", WRITES, memory_status},
    {"conn_write", READS, conn_write},
    {"conn_try_write", READS, try_write},
    {"conn_request, data", READS, request_data},
    {"conn_read", WRITES, conn_read},
    {"conn_try_read", WRITES, try_read},
    {"buffer_from", WRITES, buffer_from}, /* it wipes what it took */
    {"buffer_read", WRITES, buffer_read},
    {"buffer_write", READS, buffer_write},
    {"buffer_hmac, msg", READS, hmac_msg},
    {"buffer_hmac, mac", WRITES, hmac_mac},
    {"buffer_public_ed25519", WRITES, public_key},
    {"buffer_sign_ed25519, msg", READS, sign_msg},
    {"buffer_sign_ed25519, signature", WRITES, signature},
    {"buffer_encrypt, aad", READS, encrypt_aad},
    {"buffer_encrypt, plain", READS, encrypt_plain},
    {"buffer_encrypt, out", WRITES, encrypt_out},
    {"buffer_decrypt", READS, decrypt},
    {"buffer_hkdf, info", READS, hkdf_info},
    {"buffer_pbkdf2, salt", READS, pbkdf2_salt},
};
enum { USES = sizeof uses / sizeof *uses };

static void make_objects(void) {
    uint32_t backend;

    load(&lib);
    CHECK(lib.sprint_config_new("relay.test:443", &config) == SPRINT_OK);
    pool = pool_make(&lib);
    conn = lease_echo(&lib, pool);
    CHECK(lib.sprint_buffer_random(32, 0, &secret) == SPRINT_OK);
    CHECK(lib.sprint_buffer_protection(secret, &backend, NULL) == SPRINT_OK); /* Go has it now */
}

static void all_answer(void *p, int writes_only) {
    sprint_status status;
    char text[128];
    int i;

    for (i = 0; i < USES; i++) {
        if (writes_only && uses[i].how != WRITES)
            continue;
        status = uses[i].call(p, 32);
        lib.sprint_last_error(text, sizeof text);
        if (!CHECK(status == SPRINT_E_ARG && strstr(text, "no such memory") != NULL))
            printf("     %s(%p): %s: %s\n", uses[i].name, p, lib.sprint_errname(status), text);
    }
    CHECK(echoes(&lib, conn)); /* nothing is poisoned */
    CHECK(lib.sprint_buffer_read(secret, 0, sound, 32) == SPRINT_OK);
    CHECK(lib.sprint_config_set_str(config, SPRINT_OPT_NAME, "well") == SPRINT_OK);
    CHECK(lib.sprint_pool_evict_endpoint(pool, "other.test:1") != SPRINT_E_INTERNAL);
}

/* Memory with this protection, after a page that may be used. */
static char *pages(int protection) {
    const size_t all = 2 << 20;
    char *p = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED && mprotect(p + 4096, all - 4096, protection) == 0);
    memset(p, 'x', 4096);
    return p + 4096;
}

static void small_numbers_are_refused(void) {
    make_objects();
    all_answer((void *)1, 0);
    all_answer((void *)4095, 0);
}

static void addresses_from_nowhere_are_refused(void) {
    make_objects();
    all_answer((void *)UINT64_C(0x00000badc0de0000), 0);
    all_answer((void *)UINT64_C(0x8000000000000000), 0); /* not canonical */
    all_answer((void *)UINT64_C(0xffffffff81000000), 0); /* the kernel's */
    all_answer((void *)UINT64_MAX, 0);
}

static void memory_without_access_is_refused(void) {
    make_objects();
    all_answer(pages(PROT_NONE), 0);
    all_answer(pages(PROT_NONE) - 8, 0); /* 8 bytes of it are there */
}

static void memory_to_read_is_not_written(void) {
    make_objects();
    all_answer(pages(PROT_READ), 1);
    all_answer(pages(PROT_READ) - 8, 1);
}

static void lengths_beyond_all_memory_are_refused(void) {
    static const size_t lengths[] = {(size_t)PTRDIFF_MAX, (size_t)1 << 46, (size_t)1 << 40};
    sprint_status status;
    size_t k;
    int i;

    make_objects();
    for (i = 0; i < USES; i++)
        for (k = 0; k < sizeof lengths / sizeof *lengths && uses[i].how == READS; k++)
            if ((status = uses[i].call(sound, lengths[k])) != SPRINT_E_ARG && CHECK(!"refused"))
                printf("     %s: %s\n", uses[i].name, lib.sprint_errname(status));
    CHECK(echoes(&lib, conn));
}

/* The page goes while the call is at work: the write is broken off, the handle with it. */
static void a_hole_in_the_middle_poisons_the_handle(void) {
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sprint_conn other;

    make_objects();
    memset(p, 'x', 3 * 4096);
    CHECK(mprotect(p + 4096, 4096, PROT_NONE) == 0);
    CHECK(lib.sprint_conn_write(conn, p, 3 * 4096, 1000) == SPRINT_E_INTERNAL);
    CHECK(lib.sprint_conn_write(conn, "x", 1, 1000) == SPRINT_E_INTERNAL);
    lib.sprint_conn_release(conn);
    other = lease_echo(&lib, pool);
    CHECK(echoes(&lib, other));
}

/* ------------------------------------------------------------------ limits */

static void out_of_a_handle(void *p) {
    load(&lib);
    if (lib.sprint_config_new("relay.test:443", p) != SPRINT_OK)
        exit(3);
}

static void into_a_small_secret(void *p) {
    sprint_buffer small;

    load(&lib);
    if (lib.sprint_buffer_random(32, 0, &small) != SPRINT_OK ||
        lib.sprint_buffer_read(small, 0, p, 32) != SPRINT_OK)
        exit(3);
}

static void c_itself_writes_to_them(void (*what)(void *)) {
    struct ending e;

    apart(what, (void *)8, &e);
    CHECK(e.signal == SIGSEGV);
    saw("%s, in the calling thread", how(&e));
}

static void out_parameters_are_the_hosts_fault(void) {
    c_itself_writes_to_them(out_of_a_handle);
}

static void fresh_small_secrets_are_copied_by_c(void) {
    c_itself_writes_to_them(into_a_small_secret);
}

const struct row pointer_rows[] = {
    ROW(small_numbers_are_refused, "small integers as data, text or buffer; 27 functions",
        "SPRINT_E_ARG, nothing is poisoned"),
    ROW(addresses_from_nowhere_are_refused, "unmapped, not canonical, the kernel's; 27 functions",
        "SPRINT_E_ARG, nothing is poisoned"),
    ROW(memory_without_access_is_refused, "no access to all or to the end of it; 27 functions",
        "SPRINT_E_ARG, nothing is poisoned"),
    ROW(memory_to_read_is_not_written, "a read-only output buffer, or the end of one",
        "SPRINT_E_ARG, nothing is poisoned"),
    ROW(lengths_beyond_all_memory_are_refused, "lengths of 1 TiB, 64 TiB, PTRDIFF_MAX",
        "SPRINT_E_ARG, nothing is poisoned"),
    ROW(a_hole_in_the_middle_poisons_the_handle, "a hole between good ends of a buffer",
        "SPRINT_E_INTERNAL, this lease is lost, the host lives"),
    LIMIT(out_parameters_are_the_hosts_fault, "an out parameter that cannot be written (handle, n)",
          "signal 11, as in any C library"),
    LIMIT(fresh_small_secrets_are_copied_by_c,
          "wild pointers to buffer_from, read and write of a small fresh secret",
          "signal 11: copied by C, for speed"),
    END_OF_ROWS,
};
