/* limit.c - rules about the settings of secure memory and about its limits. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "support.h"

enum { SIZE = 32, PAGE = 4096 };

/* Allow so many more pages to be locked than are now. */
static void leave_room_for(int pages) {
    int64_t locked = (int64_t)memory_trimmed();

    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, locked + pages * PAGE));
}

static sprint_status pattern_buffer(unsigned seed, uint32_t flags, sprint_buffer *out) {
    unsigned char bytes[SIZE];

    fill_pattern(bytes, SIZE, seed);
    return sprint_buffer_from(bytes, SIZE, flags, out);
}

static int holds_pattern(sprint_buffer buffer, unsigned seed) {
    unsigned char bytes[SIZE];

    fill_pattern(bytes, SIZE, seed);
    return buffer_holds(buffer, bytes, SIZE);
}

static void bad_settings_are_refused_and_change_nothing(void) {
    static const int32_t options[] = {0, 4, -1, INT32_MIN, INT32_MAX};
    static const int64_t values[] = {-1, 3, INT64_MIN, INT64_MAX};
    sprint_buffer buffer = 0;
    size_t i;

    for (i = 0; i < sizeof options / sizeof *options; i++)
        CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_memory_set(options[i], 0));
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        CHECK_IS(SPRINT_E_ARG, sprint_memory_set(SPRINT_MEM_BACKEND, values[i]));
        CHECK_IS(SPRINT_E_ARG, sprint_memory_set(SPRINT_MEM_AT_LIMIT, values[i]));
    }
    CHECK_IS(SPRINT_E_ARG, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, -1));
    CHECK_IS(SPRINT_E_ARG, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, INT64_MIN));
    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SIZE, 0, &buffer));
    sprint_buffer_free(buffer);
}

static void the_budget_bounds_what_is_locked(void) {
    enum { ROOM = 8 };
    sprint_buffer before = buffer_of("before", 6), buffers[ROOM + 1];
    uint64_t refused, most;
    int n;

    leave_room_for(ROOM);
    most = memory_now().locked_bytes + ROOM * PAGE;
    refused = memory_now().refused;
    for (n = 0; n < ROOM; n++)
        CHECK_IS(SPRINT_OK, pattern_buffer((unsigned)n, 0, &buffers[n]));
    buffers[ROOM] = 1;
    CHECK_IS(SPRINT_E_MLOCK, pattern_buffer(ROOM, 0, &buffers[ROOM]));
    CHECK(buffers[ROOM] == 0 && memory_now().refused == refused + 1);
    CHECK_SAYS("budget");
    CHECK_IS(SPRINT_E_MLOCK, sprint_buffer_alloc(SIZE, SPRINT_BUFFER_FAST, &buffers[ROOM]));
    CHECK_IS(SPRINT_E_MLOCK, sprint_buffer_random(100000, 0, &buffers[ROOM]));
    CHECK(memory_now().refused == refused + 3 && memory_now().locked_bytes <= most);

    for (n = 0; n < ROOM; n++) /* nothing else was lost */
        CHECK(holds_pattern(buffers[n], (unsigned)n));
    CHECK(buffer_holds(before, "before", 6));
    sprint_buffer_free(buffers[0]);
    CHECK_IS(SPRINT_OK, pattern_buffer(0, 0, &buffers[0]));
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 0));
    CHECK_IS(SPRINT_OK, pattern_buffer(ROOM, 0, &buffers[ROOM]));
    for (n = 0; n <= ROOM; n++) {
        CHECK(holds_pattern(buffers[n], (unsigned)n));
        sprint_buffer_free(buffers[n]);
    }
    sprint_buffer_free(before);
}

static void a_budget_below_what_is_locked_takes_nothing_away(void) {
    sprint_buffer buffers[8], more = 1;
    int n;

    for (n = 0; n < 8; n++)
        CHECK_IS(SPRINT_OK, pattern_buffer((unsigned)n, 0, &buffers[n]));
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 1));
    CHECK_IS(SPRINT_E_MLOCK, pattern_buffer(8, 0, &more));
    CHECK(more == 0);
    for (n = 0; n < 8; n++) {
        CHECK(holds_pattern(buffers[n], (unsigned)n));
        sprint_buffer_free(buffers[n]);
    }
    memory_defaults();
}

/* What had to be unsealed where no room is stays sealed. */
static void a_sealed_secret_that_finds_no_room_stays_sealed(void) {
    sprint_buffer sealed = 0, other = 0;
    unsigned char byte;

    CHECK_IS(SPRINT_OK, pattern_buffer(1, 0, &sealed));
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(sealed));
    leave_room_for(1);
    CHECK_IS(SPRINT_OK, pattern_buffer(2, 0, &other));
    CHECK_IS(SPRINT_E_MLOCK, sprint_buffer_read(sealed, 0, &byte, 1));
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(sealed));
    sprint_buffer_free(other);
    CHECK(holds_pattern(sealed, 1));
    sprint_buffer_free(sealed);
    memory_defaults();
}

/* Secrets from before and after the choice, read ones and such that nothing was done with. */
static void at_the_limit_idle_secrets_are_sealed_to_make_room(void) {
    enum { ROOM = 8, SECRETS = 40 };
    uint64_t sealed = memory_now().sealed, most;
    sprint_buffer buffers[SECRETS];
    int n, made, used;

    for (used = 0; used < 2; used++) {
        leave_room_for(ROOM);
        most = memory_now().locked_bytes + ROOM * PAGE;
        for (made = 0; made < SECRETS; made++) {
            if (made == ROOM - 1) /* one is left for the sealing key */
                CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_SEAL));
            if (!CHECK_IS(SPRINT_OK, pattern_buffer((unsigned)made, 0, &buffers[made])))
                break;
            CHECK(!used || holds_pattern(buffers[made], (unsigned)made));
        }
        CHECK(made == SECRETS && memory_now().sealed >= sealed + SECRETS - ROOM);
        CHECK(memory_now().locked_bytes <= most);
        for (n = 0; n < made; n++)
            CHECK(holds_pattern(buffers[n], (unsigned)n));
        CHECK(memory_now().locked_bytes <= most);
        for (n = 0; n < made; n++)
            sprint_buffer_free(buffers[n]);
        memory_defaults();
        CHECK(memory_now().sealed == sealed);
    }
}

static void borrowed_secrets_are_not_sealed_to_make_room(void) {
    enum { ROOM = 4 };
    sprint_buffer buffers[ROOM], more = 1;
    void *data[ROOM];
    unsigned char bytes[SIZE];
    int n;

    leave_room_for(ROOM + 1); /* one is the sealing key's */
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_SEAL));
    for (n = 0; n < ROOM; n++) {
        CHECK_IS(SPRINT_OK, pattern_buffer((unsigned)n, 0, &buffers[n]));
        CHECK_IS(SPRINT_OK, sprint_buffer_open(buffers[n], SPRINT_READ, &data[n], NULL));
    }
    CHECK_IS(SPRINT_E_MLOCK, pattern_buffer(ROOM, 0, &more));
    CHECK(more == 0);
    for (n = 0; n < ROOM; n++) {
        fill_pattern(bytes, SIZE, (unsigned)n);
        CHECK(memcmp(data[n], bytes, SIZE) == 0);
        CHECK_IS(SPRINT_OK, sprint_buffer_close(buffers[n]));
    }
    CHECK_IS(SPRINT_OK, pattern_buffer(ROOM, 0, &more));
    sprint_buffer_free(more);
    for (n = 0; n < ROOM; n++)
        sprint_buffer_free(buffers[n]);
    memory_defaults();
}

static long unlocked_now(void) {
    char text[4096] = "";

    CHECK_IS(SPRINT_OK, sprint_memory_status_json(text, sizeof text, NULL));
    CHECK(json_number(text, "unlocked_buffers") == (long)memory_now().unlocked);
    return json_number(text, "unlocked_buffers");
}

/* Whether a buffer tells of itself that its pages are locked. */
static int is_locked(sprint_buffer buffer) {
    uint32_t backend = 77, locked = 77;

    CHECK_IS(SPRINT_OK, sprint_buffer_protection(buffer, &backend, &locked));
    CHECK(locked <= 1 && (backend == SPRINT_BACKEND_AUTO) == (locked == 0));
    return locked == 1;
}

/* For one buffer that asks for it, and for all as a setting. */
static void at_the_limit_degraded_secrets_are_unlocked_and_the_status_tells(void) {
    enum { ROOM = 2 };
    sprint_buffer locked[ROOM], degraded = 0, more = 1;
    uint64_t bytes;
    int way, n;

    for (way = 0; way < 2; way++) {
        leave_room_for(ROOM);
        for (n = 0; n < ROOM; n++)
            CHECK_IS(SPRINT_OK, pattern_buffer((unsigned)n, 0, &locked[n]));
        CHECK_IS(SPRINT_E_MLOCK, pattern_buffer(ROOM, 0, &more));
        bytes = memory_now().locked_bytes;
        if (way == 1)
            CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_DEGRADE));
        CHECK(unlocked_now() == 0);
        CHECK_IS(SPRINT_OK, pattern_buffer(ROOM, way == 0 ? SPRINT_BUFFER_DEGRADE : 0, &degraded));
        CHECK(unlocked_now() == 1 && memory_now().locked_bytes == bytes);
        CHECK(holds_pattern(degraded, ROOM) && !is_locked(degraded));
        sprint_buffer_free(degraded);
        CHECK(unlocked_now() == 0);
        for (n = 0; n < ROOM; n++) {
            CHECK(is_locked(locked[n]));
            CHECK(holds_pattern(locked[n], (unsigned)n));
            sprint_buffer_free(locked[n]);
        }
        memory_defaults();
    }
}

/* Below the limit the flag changes nothing. */
static void degrade_locks_while_there_is_room(void) {
    sprint_buffer buffer = 0;

    CHECK_IS(SPRINT_OK, pattern_buffer(1, SPRINT_BUFFER_DEGRADE, &buffer));
    CHECK(unlocked_now() == 0 && holds_pattern(buffer, 1) && is_locked(buffer));
    sprint_buffer_free(buffer);
}

static void the_chosen_backend_is_that_of_later_allocations(void) {
    static const int64_t backends[] = {SPRINT_BACKEND_MLOCK, SPRINT_BACKEND_SECRETMEM};
    sprint_buffer before = 0, buffer;
    sprint_status status;
    uint32_t backend;
    int i, use;

    CHECK_IS(SPRINT_OK, pattern_buffer(1, 0, &before));
    for (i = 0; i < 2; i++) {
        status = sprint_memory_set(SPRINT_MEM_BACKEND, backends[i]);
        if (backends[i] == SPRINT_BACKEND_SECRETMEM && status == SPRINT_E_UNSUPPORTED)
            continue; /* a kernel without it */
        CHECK_IS(SPRINT_OK, status);
        for (use = 0; use < 40; use++) { /* new pages, and pages that were used before */
            CHECK_IS(SPRINT_OK, pattern_buffer(2, 0, &buffer));
            CHECK(memory_now().backend == (uint32_t)backends[i]);
            if (use % 2 == 1) { /* the others stay with C */
                CHECK_IS(SPRINT_OK, sprint_buffer_protection(buffer, &backend, NULL));
                CHECK(backend == (uint32_t)backends[i] && holds_pattern(buffer, 2));
            }
            sprint_buffer_free(buffer);
        }
        CHECK(holds_pattern(before, 1));
    }
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(before));
    CHECK_IS(SPRINT_OK, sprint_buffer_protection(before, &backend, NULL));
    CHECK(backend == SPRINT_BACKEND_AUTO); /* in no pages */
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_protection(before, NULL, NULL));
    sprint_buffer_free(before);
    memory_defaults();
}

/* Many more than could be locked. */
static void sealed_secrets_are_bound_by_no_limit(void) {
    enum { SECRETS = 1000 };
    static sprint_buffer buffers[SECRETS];
    int n;

    leave_room_for(4);
    for (n = 0; n < SECRETS; n++) {
        buffers[n] = 0;
        if (!CHECK_IS(SPRINT_OK, pattern_buffer((unsigned)n, 0, &buffers[n])) ||
            !CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffers[n])))
            break;
    }
    for (n = 0; n < SECRETS && buffers[n] != 0; n++) {
        CHECK(holds_pattern(buffers[n], (unsigned)n));
        sprint_buffer_free(buffers[n]);
    }
    CHECK(n == SECRETS);
    memory_defaults();
}

const struct rule limit_rules[] = {
    RULE(bad_settings_are_refused_and_change_nothing),
    RULE(the_budget_bounds_what_is_locked),
    RULE(a_budget_below_what_is_locked_takes_nothing_away),
    RULE(a_sealed_secret_that_finds_no_room_stays_sealed),
    RULE(at_the_limit_idle_secrets_are_sealed_to_make_room),
    RULE(borrowed_secrets_are_not_sealed_to_make_room),
    RULE(at_the_limit_degraded_secrets_are_unlocked_and_the_status_tells),
    RULE(degrade_locks_while_there_is_room),
    RULE(the_chosen_backend_is_that_of_later_allocations),
    RULE(sealed_secrets_are_bound_by_no_limit),
    NO_MORE_RULES,
};
