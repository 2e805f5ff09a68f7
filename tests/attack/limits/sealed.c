/* sealed.c - a rule about secrets that are encrypted at rest. */
#include "limits.h"

enum { COUNT = 100000, LIMIT = 8 << 20 };

static void sealed_100000_secrets_fit_under_a_lock_limit_of_8_MiB(void) {
    sprint_memory_stats stats = {.struct_size = sizeof stats};
    struct secrets all = secrets_new(COUNT);
    uint64_t start, most = 0;
    int i, intact = 0;

    set_lock_limit(LIMIT, LIMIT);
    load();
    start = locked_bytes();
    for (i = 0; i < COUNT; i++) {
        if (!CHECK_IS(SPRINT_OK, secrets_add(&all)) ||
            !CHECK_IS(SPRINT_OK, sprint.sprint_buffer_seal(all.buffers[i])))
            return;
        if (i % 1000 == 0 && locked_bytes() > most)
            most = locked_bytes();
    }
    CHECK_IS(SPRINT_OK, sprint.sprint_memory_stats_get(&stats));
    CHECK(stats.sealed == COUNT && stats.buffers == COUNT && stats.refused == 0);
    CHECK(most > start && most <= LIMIT);

    /* A use brings one back into locked memory; sealed again it makes room. */
    for (i = 0; i < COUNT; i++) {
        intact += secret_intact(&all, i);
        if (!CHECK_IS(SPRINT_OK, sprint.sprint_buffer_seal(all.buffers[i])))
            return;
    }
    CHECK(intact == COUNT);
    secrets_free(&all);
    trim();
    CHECK(locked_bytes() == start);
    CHECK_IS(SPRINT_OK, sprint.sprint_memory_stats_get(&stats));
    CHECK(stats.sealed == 0 && stats.buffers == 0 && stats.locked_bytes == 0);
}

const struct rule sealed_rules[] = {
    RULE(sealed_100000_secrets_fit_under_a_lock_limit_of_8_MiB),
    {NULL, NULL},
};
