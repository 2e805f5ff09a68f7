/* numbers.c - rows about numbers of the host that Go would die of: sizes above all. Running
 * out of memory is fatal to Go, so that the checks come before it. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "guest.h"

static struct sprint_dl lib;

static long grown_mib(long since_kb) {
    return (process_kb("VmRSS") - since_kb) >> 10;
}

static void every_number_of_every_option(void) {
    static const int64_t numbers[] = {INT64_MAX, INT64_MIN,  -1,    0,    1,
                                      INT32_MAX, UINT32_MAX, 65536, 65537};
    int option, refused = 0, made = 0;
    sprint_config config;
    sprint_pool pool;
    size_t i;
    long before;

    load(&lib);
    before = process_kb("VmRSS");
    for (option = -1; option <= 100; option++) {
        for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            CHECK(lib.sprint_config_new("relay.test:443", &config) == SPRINT_OK);
            if (lib.sprint_config_set_int(config, option, numbers[i]) == SPRINT_OK &&
                lib.sprint_pool_new(config, &pool) == SPRINT_OK) {
                lib.sprint_pool_free(pool);
                made++;
            } else {
                refused++;
            }
            lib.sprint_config_free(config);
        }
    }
    CHECK(made > 20 && refused > 20);
    CHECK(grown_mib(before) < 32);
    saw("%d refused, %d pools made, +%ld MiB", refused, made, grown_mib(before));
}

static void lengths_beyond_the_bounds(void) {
    static const size_t lengths[] = {SIZE_MAX, (size_t)PTRDIFF_MAX, (size_t)1 << 46,
                                     ((size_t)1 << 30) + 1};
    sprint_buffer key, out;
    sprint_config config;
    char *text = malloc(65537 + 1), x[64];
    size_t i, n;
    long before;

    load(&lib);
    CHECK(lib.sprint_buffer_random(32, 0, &key) == SPRINT_OK);
    CHECK(lib.sprint_config_new("relay.test:443", &config) == SPRINT_OK);
    before = process_kb("VmRSS");
    for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        n = lengths[i];
        CHECK(lib.sprint_buffer_alloc(n, 0, &out) == SPRINT_E_ARG);
        CHECK(lib.sprint_buffer_random(n, 0, &out) == SPRINT_E_ARG);
        CHECK(lib.sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, x, n) == SPRINT_E_ARG);
        CHECK(lib.sprint_buffer_hkdf(key, SPRINT_HASH_SHA256, NULL, 0, NULL, 0, n, 0, &out) ==
              SPRINT_E_ARG);
        CHECK(lib.sprint_buffer_pbkdf2(key, SPRINT_HASH_SHA256, "salt", 4, 1, n, 0, &out) ==
              SPRINT_E_ARG);
        CHECK(lib.sprint_buffer_read(key, n, x, 1) == SPRINT_E_ARG);
        CHECK(lib.sprint_buffer_read(key, 1, x, n) == SPRINT_E_ARG);
    }
    memset(text, 'x', 65537);
    text[65537] = '\0';
    CHECK(lib.sprint_config_new(text, &config) == SPRINT_E_ARG);
    CHECK(grown_mib(before) < 8);
    free(text);
}

/* The process may have this much more than it has. */
static void leave_address_space(long mib) {
    rlim_t most = (rlim_t)(process_kb("VmSize") + mib * 1024) << 10;
    const struct rlimit limit = {most, RLIM_INFINITY};

    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void as_many_settings_as_fit(void) {
    static char pem[4 << 20];
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    sprint_status status = SPRINT_OK;
    sprint_config config = 0;
    int kept = 0;

    load(&lib);
    leave_address_space(200);
    while (status == SPRINT_OK && kept < 1000) {
        status = lib.sprint_config_new("relay.test:443", &config);
        if (status == SPRINT_OK)
            status = lib.sprint_config_set_bytes(config, SPRINT_OPT_CA_PEM, pem, sizeof pem);
        kept += status == SPRINT_OK;
    }
    CHECK(status == SPRINT_E_NOMEM);
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    one_call(&lib);
    saw("%d settings of 4 MiB, then SPRINT_E_NOMEM", kept);
}

static void a_secret_too_large_to_be_sealed(void) {
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    sprint_buffer secret;

    load(&lib);
    CHECK(lib.sprint_buffer_alloc(1 << 20, 0, &secret) == SPRINT_OK);
    leave_address_space(64);
    CHECK(lib.sprint_buffer_seal(secret) == SPRINT_E_NOMEM);
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    CHECK(lib.sprint_buffer_seal(secret) == SPRINT_OK);
}

const struct row number_rows[] = {
    ROW(every_number_of_every_option, "options -1 to 100 with nine extreme numbers, a pool of each",
        "refused or bounded; less than 32 MiB more"),
    ROW(lengths_beyond_the_bounds, "lengths of 1 GiB + 1 to SIZE_MAX, text of 64 KiB + 1",
        "SPRINT_E_ARG, less than 8 MiB more"),
    ROW(as_many_settings_as_fit, "settings of 4 MiB until RLIMIT_AS is reached",
        "SPRINT_E_NOMEM; works when there is room"),
    ROW(a_secret_too_large_to_be_sealed, "a secret sealed with RLIMIT_AS all but reached",
        "SPRINT_E_NOMEM; works when there is room"),
    END_OF_ROWS,
};
