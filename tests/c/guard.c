/*
 * guard.c - rules about the pages of secrets: who may touch them when, and what is
 * found when somebody did.
 *
 * A new secret of a common size is kept by the library's C side, and by its Go side from
 * the first call on that does more than copy or free it. The rules about damage and freed
 * pages hold for both, so they are proved for both. A pointer to a secret that C keeps
 * comes from an earlier secret in the same pages: see let_move_in().
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "rules.h"
#include "support.h"

enum { SIZE = 32, MOST = 64 };

/* Where the SIZE bytes of a new secret with these flags are; the secret is freed. */
static unsigned char *a_place(uint32_t flags) {
    sprint_buffer buffer = 0;
    void *data = NULL;

    memory_trimmed(); /* few pages are free, so soon it is this one's turn again */
    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SIZE, flags, &buffer));
    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_WRITE, &data, NULL));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    sprint_buffer_free(buffer);
    return data;
}

/* Have Go take the secret over. */
static void move_to_go(sprint_buffer buffer) {
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(buffer, 600000));
}

static int is_at(const unsigned char *place, const unsigned char *bytes) {
    return !read_faults(place) && memcmp(place, bytes, SIZE) == 0;
}

/* Make secrets, and do nothing else with them, until one moves in at place. Free pages are
 * used again first in, first out, so it does before long. */
static sprint_buffer let_move_in(const unsigned char *place, const unsigned char *bytes,
                                 uint32_t flags) {
    sprint_buffer others[MOST], found = 0;
    unsigned char copy[SIZE];
    int n = 0;

    while (found == 0 && n < MOST) {
        memcpy(copy, bytes, SIZE);
        if (!CHECK_IS(SPRINT_OK, sprint_buffer_from(copy, SIZE, flags, &others[n])))
            break;
        if (is_at(place, bytes))
            found = others[n];
        else
            n++;
    }
    CHECK(found != 0);
    while (n > 0)
        sprint_buffer_free(others[--n]);
    return found;
}

static void a_secret_lies_between_guard_pages(void) {
    static const size_t sizes[] = {1, 32, 4080, 4081, 5000, 16384, 65536, 70000, 200000};
    size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
    unsigned char *first;
    sprint_buffer buffer;
    void *data;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        data = NULL;
        CHECK_IS(SPRINT_OK, sprint_buffer_alloc(sizes[i], 0, &buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_WRITE, &data, NULL));
        CHECK(!write_faults((unsigned char *)data + sizes[i] - 1));
        CHECK(read_faults((unsigned char *)data + sizes[i])); /* one byte behind its end */
        CHECK(read_faults((unsigned char *)data + sizes[i] + page - 1));
        if (sizes[i] <= 4080) { /* one page, canary included */
            first = (unsigned char *)data - ((uintptr_t)data & (page - 1));
            CHECK(!read_faults(first));
            CHECK(read_faults(first - 1));
            CHECK(read_faults(first - page));
        }
        CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
        sprint_buffer_free(buffer);
    }
}

static void freed_pages_have_no_access(void) {
    unsigned char bytes[SIZE], *place;
    sprint_buffer buffer;

    fill_pattern(bytes, SIZE, 1);
    place = a_place(0);
    CHECK(read_faults(place));
    buffer = let_move_in(place, bytes, 0);
    CHECK(!read_faults(place));
    sprint_buffer_free(buffer);
    CHECK(read_faults(place));
}

static void freed_pages_of_fast_buffers_stay_and_are_wiped(void) {
    unsigned char bytes[SIZE], *place;
    sprint_buffer buffer;

    fill_pattern(bytes, SIZE, 2);
    place = a_place(SPRINT_BUFFER_FAST);
    CHECK(!read_faults(place) && all_bytes(place, SIZE, 0));
    buffer = let_move_in(place, bytes, SPRINT_BUFFER_FAST);
    sprint_buffer_free(buffer);
    CHECK(!read_faults(place) && all_bytes(place - 16, SIZE + 16, 0)); /* its canary, too */
}

static void noaccess_pages_are_closed_but_for_borrows_and_calls(void) {
    unsigned char bytes[SIZE], copy[SIZE];
    sprint_buffer buffer = 0;
    void *data = NULL;

    fill_pattern(bytes, SIZE, 3);
    fill_pattern(copy, SIZE, 3);
    CHECK_IS(SPRINT_OK, sprint_buffer_from(copy, SIZE, SPRINT_BUFFER_NOACCESS, &buffer));
    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
    CHECK(is_at(data, bytes) && write_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK(read_faults(data));
    CHECK(buffer_holds(buffer, bytes, SIZE));
    CHECK(read_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 0, bytes, SIZE));
    CHECK(read_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_WRITE, &data, NULL));
    CHECK(!write_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK(read_faults(data));
    sprint_buffer_free(buffer);
    CHECK(read_faults(data));
}

/* Zeros are promised even where a stray pointer wrote into pages that were free. */
static void a_new_buffer_is_zeros_also_after_a_stray_write(void) {
    unsigned char bytes[SIZE], *place = a_place(SPRINT_BUFFER_FAST);
    sprint_buffer buffers[MOST];
    int n, last = 0;

    memset(place, 0xa5, SIZE);
    memset(bytes, 0, SIZE);
    for (n = 0; n < MOST && !last; n++) {
        CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SIZE, SPRINT_BUFFER_FAST, &buffers[n]));
        last = is_at(place, bytes);
    }
    CHECK(last);
    while (n-- > 0) {
        CHECK(buffer_holds(buffers[n], bytes, SIZE));
        sprint_buffer_free(buffers[n]);
    }
}

/* Damage one byte below a secret in each home, for each width of an overflow. */
static void damage_is_found_in_every_home_and_hits_nobody_else(void) {
    static const uint32_t flags[] = {0, SPRINT_BUFFER_FAST};
    uint64_t failures = memory_now().canary_failures;
    unsigned char bytes[SIZE], other[SIZE], *place;
    sprint_buffer bystanders[8], hit;
    size_t i, b, below;

    fill_pattern(bytes, SIZE, 4);
    fill_pattern(other, SIZE, 5);
    for (b = 0; b < 8; b++)
        bystanders[b] = buffer_of(other, SIZE);
    for (i = 0; i < 2; i++)
        for (below = 1; below <= 16; below += 5) {
            place = a_place(flags[i]);
            hit = let_move_in(place, bytes, flags[i]); /* at home in C */
            ((volatile unsigned char *)place)[-(ptrdiff_t)below] ^= 1;
            sprint_buffer_free(hit);
            CHECK(memory_now().canary_failures == ++failures);
            CHECK(read_faults(place)); /* whoever wrote there meets no access now */

            place = a_place(flags[i]);
            hit = let_move_in(place, bytes, flags[i]);
            ((volatile unsigned char *)place)[-(ptrdiff_t)below] ^= 1;
            move_to_go(hit);
            CHECK(buffer_holds(hit, bytes, SIZE));
            sprint_buffer_free(hit);
            CHECK(memory_now().canary_failures == ++failures);
            CHECK(read_faults(place));
        }
    for (b = 0; b < 8; b++) {
        CHECK(buffer_holds(bystanders[b], other, SIZE));
        sprint_buffer_free(bystanders[b]);
    }
    CHECK(memory_now().canary_failures == failures);
}

static void damaged_pages_are_not_used_again(void) {
    unsigned char bytes[SIZE], *place = a_place(0);
    sprint_buffer buffers[200], hit;
    size_t i;

    fill_pattern(bytes, SIZE, 6);
    hit = let_move_in(place, bytes, 0);
    place[-1] ^= 1;
    sprint_buffer_free(hit);
    for (i = 0; i < 200; i++)
        CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SIZE, 0, &buffers[i]));
    CHECK(read_faults(place));
    for (i = 0; i < 200; i++)
        sprint_buffer_free(buffers[i]);
}

static void moving_a_secret_between_homes_is_no_damage(void) {
    uint64_t failures = memory_now().canary_failures;
    static const uint32_t flags[] = {0, SPRINT_BUFFER_FAST, SPRINT_BUFFER_NOACCESS,
                                     SPRINT_BUFFER_DEGRADE};
    static const size_t sizes[] = {1, 32, 4080, 4081, 8000, 20000};
    unsigned char bytes[20000], copy[20000];
    sprint_buffer buffer;
    size_t f, s;
    int i;

    fill_pattern(bytes, sizeof bytes, 7);
    for (f = 0; f < sizeof flags / sizeof *flags; f++)
        for (s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (i = 0; i < 40; i++) {
                memcpy(copy, bytes, sizes[s]);
                CHECK_IS(SPRINT_OK, sprint_buffer_from(copy, sizes[s], flags[f], &buffer));
                CHECK(buffer_holds(buffer, bytes, sizes[s]));
                if (i % 2 == 1)
                    move_to_go(buffer);
                CHECK(buffer_holds(buffer, bytes, sizes[s]));
                sprint_buffer_free(buffer);
            }
    CHECK(memory_now().canary_failures == failures);
}

const struct rule guard_rules[] = {
    RULE(a_secret_lies_between_guard_pages),
    RULE(freed_pages_have_no_access),
    RULE(freed_pages_of_fast_buffers_stay_and_are_wiped),
    RULE(noaccess_pages_are_closed_but_for_borrows_and_calls),
    RULE(a_new_buffer_is_zeros_also_after_a_stray_write),
    RULE(damage_is_found_in_every_home_and_hits_nobody_else),
    RULE(damaged_pages_are_not_used_again),
    RULE(moving_a_secret_between_homes_is_no_damage),
    NO_MORE_RULES,
};
