#include "needles.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, IPAD = 0x36, OPAD = 0x5c };

static void add(struct needles *list, int *n, const unsigned char *flipped, int pad, int word) {
    unsigned char *needle = list->flipped[(*n)++];
    unsigned char first, second;
    int i;

    for (i = 0; i < NEEDLE_SIZE; i++)
        needle[i] = flipped[i / word * word + word - 1 - i % word] ^ (unsigned char)pad;
    first = (unsigned char)~needle[0];
    second = (unsigned char)~needle[1];
    list->begins[first | second << 8] = 1;
}

void needles_make(struct needles *list, const unsigned char flipped[2 * SECRET_SIZE]) {
    static const int pads[] = {0, IPAD, OPAD}, words[] = {1, 4, 8};
    int half, pad, word, n = 0;

    memset(list, 0, sizeof *list);
    for (half = 0; half < SECRET_SIZE; half += NEEDLE_SIZE)
        for (pad = 0; pad < 3; pad++)
            for (word = 0; word < 3; word++)
                add(list, &n, flipped + half, pads[pad], words[word]);
    for (half = SECRET_SIZE; half < 2 * SECRET_SIZE; half += NEEDLE_SIZE)
        add(list, &n, flipped + half, 0, 1);
}

static int all_zero(const unsigned char *p, size_t len) {
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Which needle stands at p, -1: none. */
static int needle_at(const struct needles *list, const unsigned char *p) {
    uint64_t have[2], flipped[2];
    int i;

    memcpy(have, p, sizeof have);
    for (i = 0; i < NEEDLES; i++) {
        memcpy(flipped, list->flipped[i], sizeof flipped);
        if (~have[0] == flipped[0] && ~have[1] == flipped[1])
            return i;
    }
    return -1;
}

void needles_search(const struct needles *list, const unsigned char *mem, size_t len,
                    uint64_t address, uint64_t place, struct finds *finds) {
    size_t i = 0;

    while (i + NEEDLE_SIZE <= len) {
        /* Most of a process is zeros: a page in which no needle can begin. */
        if (i % PAGE == 0 && i + PAGE + NEEDLE_SIZE <= len &&
            all_zero(mem + i, PAGE + NEEDLE_SIZE)) {
            i += PAGE;
            continue;
        }
        if (list->begins[mem[i] | mem[i + 1] << 8]) {
            uint64_t at = address + i;
            int found = needle_at(list, mem + i);

            if (found >= SECRET_NEEDLES)
                finds->decoys++;
            else if (found < 0)
                ; /* only begins like one */
            else if (place == ANYWHERE ||
                     (place != NOWHERE && at >= place && at < place + SECRET_SIZE))
                finds->in_place++;
            else if (finds->elsewhere++ == 0)
                finds->first = at;
        }
        i++;
    }
}

void finds_print(const struct finds *finds, const char *searched) {
    if (finds->elsewhere > 0)
        printf("copies: %" PRIu64 " pieces, the first at %#" PRIx64 ", %s\n", finds->elsewhere,
               finds->first, searched);
    else if (finds->in_place > 0)
        printf("leak: %s\n", searched);
    else
        printf("%s: %s\n", finds->decoys > 0 ? "none" : "blind", searched);
}
