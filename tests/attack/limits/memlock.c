/* memlock.c - rules about RLIMIT_MEMLOCK. */
#include <sys/resource.h>
#include <unistd.h>

#include "limits.h"

enum { KIB = 1024, LIMIT = 64 * KIB, MANY = 1000 };

static void at_64_KiB_an_allocation_fails_and_every_other_secret_reads_back(void) {
    sprint_memory_stats stats = {.struct_size = sizeof stats};
    struct secrets all = secrets_new(MANY);
    long page = sysconf(_SC_PAGESIZE);

    set_lock_limit(LIMIT, LIMIT);
    load();
    CHECK_IS(SPRINT_E_MLOCK, secrets_fill(&all));
    CHECK(all.count == LIMIT / page);
    CHECK(secrets_intact(&all) == all.count);
    CHECK(locked_bytes() <= LIMIT);
    CHECK_IS(SPRINT_OK, sprint.sprint_memory_stats_get(&stats));
    CHECK(stats.refused == 1 && stats.buffers == (uint64_t)all.count);

    /* Refused again and again, also in sizes that could never fit: nothing adds up. */
    for (int i = 0; i < MANY; i++) {
        sprint_buffer none = 1;
        size_t len = i % 2 ? CONTENT : (size_t)1 << 20;

        CHECK_IS(SPRINT_E_MLOCK, sprint.sprint_buffer_alloc(len, SPRINT_BUFFER_DEFAULT, &none));
        CHECK(none == 0);
    }
    CHECK(secrets_intact(&all) == all.count);
    secrets_free(&all);
}

static void what_was_freed_can_be_had_again_and_the_locks_go_back(void) {
    uint64_t start, full = 0;
    int round;

    set_lock_limit(LIMIT, LIMIT);
    load();
    start = locked_bytes();
    for (round = 0; round < 20; round++) {
        struct secrets all = secrets_new(MANY);

        CHECK_IS(SPRINT_E_MLOCK, secrets_fill(&all));
        if (round == 0)
            full = locked_bytes();
        CHECK(locked_bytes() == full);
        secrets_drop(&all);
        CHECK_IS(SPRINT_OK, secrets_add(&all));
        CHECK_IS(SPRINT_E_MLOCK, secrets_fill(&all));
        CHECK(secrets_intact(&all) == all.count);
        secrets_free(&all);
        CHECK(locked_bytes() - start <= LIMIT / 2); /* slots kept for reuse */
    }
    trim();
    CHECK(locked_bytes() == start);
}

static void the_limit_may_fall_below_what_is_locked(void) {
    struct secrets all = secrets_new(MANY);
    struct rlimit before;
    sprint_buffer large, none;
    unsigned char mac[32];
    void *data;
    int i;

    CHECK(getrlimit(RLIMIT_MEMLOCK, &before) == 0);
    load();
    for (i = 0; i < 100; i++)
        CHECK_IS(SPRINT_OK, secrets_add(&all));
    CHECK_IS(SPRINT_OK, sprint.sprint_buffer_random(100 * KIB, SPRINT_BUFFER_DEFAULT, &large));

    set_lock_limit(4 * KIB, before.rlim_max);
    CHECK_IS(SPRINT_E_MLOCK, secrets_fill(&all)); /* after the slots that were kept */
    CHECK(all.count < 200);
    CHECK_IS(SPRINT_E_MLOCK, sprint.sprint_buffer_alloc(1 << 20, SPRINT_BUFFER_DEFAULT, &none));
    CHECK(secrets_intact(&all) == all.count);
    CHECK_IS(SPRINT_OK, sprint.sprint_buffer_open(large, SPRINT_WRITE, &data, NULL));
    CHECK_IS(SPRINT_OK, sprint.sprint_buffer_close(large));
    CHECK_IS(SPRINT_OK, sprint.sprint_buffer_hmac(large, SPRINT_HASH_SHA256, "message", 7, mac,
                                                  sizeof mac, NULL));

    set_lock_limit(before.rlim_cur, before.rlim_max);
    for (i = 0; i < 100; i++)
        CHECK_IS(SPRINT_OK, secrets_add(&all));
    CHECK(secrets_intact(&all) == all.count);
    sprint.sprint_buffer_free(large);
    secrets_free(&all);
    trim();
    CHECK(locked_bytes() == 0);
}

const struct rule memlock_rules[] = {
    RULE(at_64_KiB_an_allocation_fails_and_every_other_secret_reads_back),
    RULE(what_was_freed_can_be_had_again_and_the_locks_go_back),
    RULE(the_limit_may_fall_below_what_is_locked),
    {NULL, NULL},
};
