/* library.c - rules about what needs no object: version, codes, last error, wipe. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "rules.h"
#include "sprint_dl.h"
#include "support.h"

static void init_accepts_this_interface_and_refuses_newer_and_foreign_ones(void) {
    CHECK_IS(SPRINT_OK, sprint_init(SPRINT_ABI));
    CHECK_IS(SPRINT_OK, sprint_init(SPRINT_ABI));
    CHECK_IS(SPRINT_E_ABI, sprint_init(SPRINT_ABI + 1));
    CHECK_IS(SPRINT_E_ABI, sprint_init((SPRINT_VERSION_MAJOR + 1) << 16));
    CHECK_IS(SPRINT_E_ABI, sprint_init(0));
    CHECK_IS(SPRINT_E_ABI, sprint_init(UINT32_MAX));
}

static void version_is_the_headers(void) {
    char wanted[64];

    snprintf(wanted, sizeof wanted, "%d.%d.%d", SPRINT_VERSION_MAJOR, SPRINT_VERSION_MINOR,
             SPRINT_VERSION_PATCH);
    CHECK(strcmp(sprint_version(), wanted) == 0);
}

static void every_code_has_its_own_name_and_sentence(void) {
    sprint_status a, b;

    for (a = SPRINT_E_CRYPTO; a <= SPRINT_OK; a++) {
        CHECK(strncmp(sprint_errname(a), a == 0 ? "SPRINT_OK" : "SPRINT_E_", 9) == 0);
        CHECK(strcmp(sprint_errname(a), "SPRINT_E_UNKNOWN") != 0);
        CHECK(strlen(sprint_strerror(a)) > 1);
        CHECK(strcmp(sprint_strerror(a), "unknown status") != 0);
        for (b = SPRINT_E_CRYPTO; b < a; b++) {
            CHECK(strcmp(sprint_errname(a), sprint_errname(b)) != 0);
            CHECK(strcmp(sprint_strerror(a), sprint_strerror(b)) != 0);
        }
    }
    CHECK(strcmp(sprint_errname(SPRINT_E_BREAKER_OPEN), "SPRINT_E_BREAKER_OPEN") == 0);
}

static void unknown_codes_have_a_name_and_a_sentence_too(void) {
    const sprint_status unknown[] = {1, SPRINT_E_CRYPTO - 1, INT32_MIN, INT32_MAX};
    size_t i;

    for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK(strcmp(sprint_errname(unknown[i]), "SPRINT_E_UNKNOWN") == 0);
        CHECK(strcmp(sprint_strerror(unknown[i]), "unknown status") == 0);
    }
}

/* A fresh thread, for its fresh last error. */
static void *look_at_a_fresh_last_error(void *arg) {
    char text[64] = "not written";
    sprint_buffer none;

    (void)arg;
    CHECK(sprint_last_error(NULL, 0) == 1);
    CHECK(sprint_last_error(text, sizeof text) == 1);
    CHECK(text[0] == '\0');
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_alloc(0, 0, &none));
    CHECK(sprint_last_error(NULL, 0) > 1);
    return NULL;
}

static void last_error_belongs_to_its_thread(void) {
    char before[256], after[256];
    sprint_config none;
    pthread_t thread;

    CHECK_IS(SPRINT_E_ARG, sprint_config_new("no-port-here", &none));
    sprint_last_error(before, sizeof before);
    CHECK(pthread_create(&thread, NULL, look_at_a_fresh_last_error, NULL) == 0);
    pthread_join(thread, NULL);
    sprint_last_error(after, sizeof after);
    CHECK(strcmp(before, after) == 0);
    CHECK_SAYS("no-port-here");
}

static void last_error_outlives_later_successes(void) {
    char before[256], after[256];
    sprint_config config;

    CHECK_IS(SPRINT_E_ARG, sprint_config_new("no-port-here", &config));
    sprint_last_error(before, sizeof before);
    CHECK_IS(SPRINT_OK, sprint_init(SPRINT_ABI));
    CHECK_IS(SPRINT_OK, sprint_config_new("relay.test:443", &config));
    sprint_config_free(config);
    sprint_last_error(after, sizeof after);
    CHECK(strcmp(before, after) == 0);
}

static void last_error_fits_any_buffer(void) {
    char whole[256], cut[8];
    sprint_config none;
    size_t needed, cap;

    CHECK_IS(SPRINT_E_ARG, sprint_config_new("no-port-here", &none));
    needed = sprint_last_error(whole, sizeof whole);
    CHECK(needed == strlen(whole) + 1);
    for (cap = 0; cap <= sizeof cut; cap++) {
        memset(cut, '#', sizeof cut);
        CHECK(sprint_last_error(cut, cap) == needed);
        if (cap > 0)
            CHECK(strncmp(cut, whole, cap - 1) == 0 && cut[cap - 1] == '\0');
        if (cap < sizeof cut)
            CHECK(cut[cap] == '#');
    }
    CHECK(sprint_last_error(NULL, 10) == needed);
}

static void wipe_zeroes_and_takes_null(void) {
    unsigned char secret[33];

    memset(secret, 0xa5, sizeof secret);
    sprint_wipe(secret, 32);
    CHECK(memchr(secret, 0xa5, 32) == NULL && secret[32] == 0xa5);
    sprint_wipe(secret + 32, 0);
    CHECK(secret[32] == 0xa5);
    sprint_wipe(NULL, 0);
    sprint_wipe(NULL, 8);
}

static int in_call_table(const char *function) {
    size_t len = strlen(function);
    int i;

    for (i = 0; i < call_count; i++)
        if (strncmp(calls[i].name, function, len) == 0 &&
            (calls[i].name[len] == '\0' || calls[i].name[len] == ' '))
            return 1;
    return 0;
}

/* The rules about handles, forks and hostile threads cover what is in the table. */
static void call_table_holds_every_function_that_can_fail(void) {
#define LISTED(ret, name, params) #name,
    static const char *const functions[] = {SPRINT_FUNCTIONS(LISTED)};
    static const char *const cannot_fail = "sprint_version sprint_strerror sprint_errname "
                                           "sprint_last_error sprint_wipe";
    size_t i;

    for (i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strstr(cannot_fail, functions[i]) == NULL && !CHECK(in_call_table(functions[i])))
            printf("     missing: %s\n", functions[i]);
}

const struct rule library_rules[] = {
    RULE(init_accepts_this_interface_and_refuses_newer_and_foreign_ones),
    RULE(version_is_the_headers),
    RULE(every_code_has_its_own_name_and_sentence),
    RULE(unknown_codes_have_a_name_and_a_sentence_too),
    RULE(last_error_belongs_to_its_thread),
    RULE(last_error_outlives_later_successes),
    RULE(last_error_fits_any_buffer),
    RULE(wipe_zeroes_and_takes_null),
    RULE(call_table_holds_every_function_that_can_fail),
    NO_MORE_RULES,
};
