#include <stdlib.h>
#include <string.h>

#include "limits.h"

/* splitmix64, of the number of the secret. */
static void content(int number, unsigned char out[CONTENT]) {
    uint64_t state = (uint64_t)number, word;
    int i;

    for (i = 0; i < CONTENT; i += (int)sizeof word) {
        state += 0x9e3779b97f4a7c15u;
        word = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
        word = (word ^ word >> 27) * 0x94d049bb133111ebu;
        word ^= word >> 31;
        memcpy(out + i, &word, sizeof word);
    }
}

struct secrets secrets_new(int room) {
    struct secrets all = {calloc((size_t)room, sizeof *all.buffers), 0, room};

    CHECK(all.buffers != NULL);
    return all;
}

sprint_status secrets_add(struct secrets *all) {
    unsigned char bytes[CONTENT];
    sprint_status status;

    content(all->count, bytes);
    status = sprint.sprint_buffer_from(bytes, sizeof bytes, SPRINT_BUFFER_DEFAULT,
                                       &all->buffers[all->count]);
    if (status == SPRINT_OK)
        all->count++;
    return status;
}

sprint_status secrets_fill(struct secrets *all) {
    sprint_status status = SPRINT_OK;

    while (status == SPRINT_OK && all->count < all->room)
        status = secrets_add(all);
    return status;
}

int secret_intact(const struct secrets *all, int i) {
    unsigned char want[CONTENT], got[CONTENT];

    content(i, want);
    return sprint.sprint_buffer_read(all->buffers[i], 0, got, sizeof got) == SPRINT_OK &&
           memcmp(got, want, sizeof want) == 0;
}

int secrets_intact(const struct secrets *all) {
    int i, intact = 0;

    for (i = 0; i < all->count; i++)
        intact += secret_intact(all, i);
    return intact;
}

void secrets_drop(struct secrets *all) {
    sprint.sprint_buffer_free(all->buffers[--all->count]);
}

void secrets_free(struct secrets *all) {
    while (all->count > 0)
        secrets_drop(all);
    free(all->buffers);
}

/* Choosing a backend gives up the free slots of any other, and of this one. */
void trim(void) {
    CHECK_IS(SPRINT_OK, sprint.sprint_memory_set(SPRINT_MEM_BACKEND, backend));
}
