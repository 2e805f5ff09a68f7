/* mappings.c - a rule about vm.max_map_count, which a host can reach by itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "limits.h"

enum { MOST = 1 << 20, MANY = 2000 };

static void *of_host[MOST];

/* Neighbours differ in their protection, so that the kernel does not merge them. */
static int take_all_mappings(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int n;

    for (n = 0; n < MOST; n++) {
        of_host[n] =
            mmap(NULL, page, n % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (of_host[n] == MAP_FAILED)
            return n;
    }
    return n;
}

static void give_mappings_back(int n) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    while (--n >= 0)
        CHECK(munmap(of_host[n], page) == 0);
}

static void without_mappings_left_an_allocation_fails_and_every_other_secret_reads_back(void) {
    struct secrets all = secrets_new(MANY);
    unsigned char mac[32];
    uint64_t start;
    void *data;
    int i, mappings;
    sprint_status refusal;

    load();
    start = locked_bytes();
    for (i = 0; i < 50; i++)
        CHECK_IS(SPRINT_OK, secrets_add(&all));

    mappings = take_all_mappings();
    CHECK(errno == ENOMEM && mappings < MOST);
    refusal = secrets_fill(&all); /* after the slots that were kept */
    CHECK(refusal == SPRINT_E_NOMEM || refusal == SPRINT_E_MLOCK);
    CHECK(all.count < 200);
    CHECK(secrets_intact(&all) == all.count);
    for (i = 0; i < all.count; i++) {
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_open(all.buffers[i], SPRINT_READ, &data, NULL));
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_close(all.buffers[i]));
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_open(all.buffers[i], SPRINT_WRITE, &data, NULL));
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_close(all.buffers[i]));
        CHECK_IS(SPRINT_OK, sprint.sprint_buffer_hmac(all.buffers[i], SPRINT_HASH_SHA256, "message",
                                                      7, mac, sizeof mac, NULL));
    }
    secrets_drop(&all); /* which may make room for another */
    refusal = secrets_add(&all);
    CHECK(refusal == SPRINT_OK || refusal == SPRINT_E_NOMEM || refusal == SPRINT_E_MLOCK);
    CHECK(secrets_intact(&all) == all.count);

    give_mappings_back(mappings);
    for (i = 0; i < 50; i++)
        CHECK_IS(SPRINT_OK, secrets_add(&all));
    CHECK(secrets_intact(&all) == all.count);
    secrets_free(&all);
    trim();
    CHECK(locked_bytes() == start);
}

const struct rule mapping_rules[] = {
    RULE(without_mappings_left_an_allocation_fails_and_every_other_secret_reads_back),
    {NULL, NULL},
};
