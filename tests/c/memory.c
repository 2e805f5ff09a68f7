/* memory.c - rules about what the library tells of its secure memory. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

/* The status; the caller frees the text. */
static char *status_now(void) {
    size_t needed = 0;
    char *text;

    CHECK_IS(SPRINT_E_RANGE, sprint_memory_status_json(NULL, 0, &needed));
    needed += 256; /* a number may have grown meanwhile */
    text = calloc(1, needed);
    CHECK_IS(SPRINT_OK, sprint_memory_status_json(text, needed, NULL));
    return text;
}

static int says(const char *status, const char *member) {
    return strstr(status, member) != NULL;
}

static void the_status_fits_any_buffer(void) {
    char text[4096], cut[8] = "#######";
    size_t needed = 0;

    CHECK_IS(SPRINT_OK, sprint_memory_status_json(text, sizeof text, &needed));
    CHECK(needed == strlen(text) + 1 && text[0] == '{' && text[needed - 2] == '}');
    needed = 0;
    CHECK_IS(SPRINT_E_RANGE, sprint_memory_status_json(cut, 7, &needed));
    CHECK(needed > 100 && strlen(cut) == 6 && cut[0] == '{');
    CHECK_IS(SPRINT_E_ARG, sprint_memory_status_json(NULL, 8, &needed));
    CHECK_IS(SPRINT_E_RANGE, sprint_memory_status_json(NULL, 0, NULL));
}

static void the_status_counts_what_the_stats_count(void) {
    sprint_buffer buffers[10];
    sprint_memory_stats m;
    char *status;
    int i;

    for (i = 0; i < 10; i++)
        CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &buffers[i]));
    for (i = 0; i < 3; i++)
        CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffers[i]));
    m = memory_now();
    status = status_now();
    CHECK(m.buffers >= 10 && json_number(status, "active_buffers") == (long)m.buffers);
    CHECK(m.sealed >= 3 && json_number(status, "sealed_buffers") == (long)m.sealed);
    CHECK(json_number(status, "canaries") == (long)(m.buffers - m.sealed));
    CHECK(json_number(status, "locked_bytes") == (long)m.locked_bytes);
    CHECK(json_number(status, "slots_cached") == (long)m.slots_cached);
    CHECK(json_number(status, "refused") == (long)m.refused);
    CHECK(json_number(status, "canary_failures") == (long)m.canary_failures);
    CHECK(json_number(status, "unlocked_buffers") == 0);
    if (m.lock_limit_bytes == UINT64_MAX)
        CHECK(says(status, "\"memlock_limit_bytes\":null"));
    else
        CHECK(json_number(status, "memlock_limit_bytes") == (long)m.lock_limit_bytes);
    CHECK(says(status, "\"enabled\":true") && m.enabled == 1);
    CHECK(says(status, m.backend == SPRINT_BACKEND_SECRETMEM ? "\"backend\":\"secretmem\""
                                                             : "\"backend\":\"mlock\""));
    CHECK(says(status, "\"platform\":\"linux/"));
    free(status);
    for (i = 0; i < 10; i++)
        sprint_buffer_free(buffers[i]);
}

/* In use, free, sealed and of every size: all pages that were taken. */
static void the_kernel_says_that_every_slot_is_protected(void) {
    static const size_t sizes[] = {1, 32, 4080, 4081, 20000, 70000, 2000000};
    static const uint32_t flags[] = {0, SPRINT_BUFFER_FAST, SPRINT_BUFFER_NOACCESS};
    sprint_buffer buffers[3][7];
    char *status;
    long slots;
    size_t f, s;

    for (f = 0; f < 3; f++)
        for (s = 0; s < 7; s++)
            CHECK_IS(SPRINT_OK, sprint_buffer_random(sizes[s], flags[f], &buffers[f][s]));
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffers[0][1]));
    sprint_buffer_free(buffers[1][1]);
    status = status_now();
    slots = json_number(status, "slots");
    CHECK(slots >= 19 && json_number(status, "unlocked_buffers") == 0);
    CHECK(json_number(status, "guard_pages") == 2 * slots);
    CHECK(json_number(status, "locked") == slots);
    CHECK(json_number(status, "no_core_dump") == slots);
    CHECK(json_number(status, "no_fork") == slots);
    free(status);
    for (f = 0; f < 3; f++)
        for (s = 0; s < 7; s++)
            sprint_buffer_free(buffers[f][s]);
}

static void a_self_check_that_passes_is_in_stats_and_status(void) {
    uint64_t alive = memory_now().buffers;
    char *status;

    CHECK_IS(SPRINT_OK, sprint_memory_self_check());
    CHECK(memory_now().self_check == SPRINT_SELF_CHECK_PASSED);
    CHECK(memory_now().buffers == alive);
    status = status_now();
    CHECK(says(status, "\"self_check\":\"passed\"") && says(status, "\"last_self_check\":\"20"));
    CHECK(!says(status, "\"self_check_failure\""));
    free(status);
}

static void a_self_check_that_fails_names_its_step(void) {
    char *status;

    memory_trimmed();
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 1));
    CHECK_IS(SPRINT_E_MLOCK, sprint_memory_self_check());
    CHECK_SAYS("allocate");
    CHECK(memory_now().self_check == SPRINT_SELF_CHECK_FAILED);
    status = status_now();
    CHECK(says(status, "\"self_check\":\"failed\"") && says(status, "\"self_check_failure\":\""));
    free(status);
    memory_defaults();
    CHECK_IS(SPRINT_OK, sprint_memory_self_check());
    CHECK(memory_now().self_check == SPRINT_SELF_CHECK_PASSED);
}

const struct rule memory_rules[] = {
    RULE(the_status_fits_any_buffer),
    RULE(the_status_counts_what_the_stats_count),
    RULE(the_kernel_says_that_every_slot_is_protected),
    RULE(a_self_check_that_passes_is_in_stats_and_status),
    RULE(a_self_check_that_fails_names_its_step),
    NO_MORE_RULES,
};
