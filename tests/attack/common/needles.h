/*
 * needles.h - what to look for in memory: a secret, and what is as good as it.
 *
 * The list is kept with every byte flipped, so that a process that searches itself does
 * not find its own list.
 */
#ifndef ATTACK_NEEDLES_H
#define ATTACK_NEEDLES_H

#include <stddef.h>
#include <stdint.h>

enum { SECRET_SIZE = 32, NEEDLE_SIZE = 16, SECRET_NEEDLES = 18, NEEDLES = 20 };
enum { NOWHERE = 0, ANYWHERE = 1 };

struct needles {
    unsigned char flipped[NEEDLES][NEEDLE_SIZE];
    uint8_t begins[1 << 16]; /**< 1: some needle begins with these two bytes */
};

/** Where pieces of the secret were found. */
struct finds {
    uint64_t in_place;  /**< at the place where it is meant to be */
    uint64_t elsewhere; /**< anywhere else */
    uint64_t first;     /**< address of the first one elsewhere */
    uint64_t decoys;    /**< pieces of the decoy, anywhere */
};

/**
 * Make the list: each half of the secret, for a half is a find too (an allocator
 * writes its links over the start of what is freed), plain and as the inner and outer
 * key pads of HMAC (RFC 2104), in memory order and as the words that hashes load. And
 * each half of the decoy, which lies in ordinary memory of the same process: a search
 * that does not find it is blind.
 *
 * @param flipped  the secret, then the decoy
 */
void needles_make(struct needles *list, const unsigned char flipped[2 * SECRET_SIZE]);

/**
 * Search len bytes that stand at address in the searched process.
 *
 * @param place  where the secret is meant to be: an address, NOWHERE, or ANYWHERE
 */
void needles_search(const struct needles *list, const unsigned char *mem, size_t len,
                    uint64_t address, uint64_t place, struct finds *finds);

/**
 * Print "copies", "leak" (in its place only), "none", or "blind" for none without the
 * decoy, and a line of detail.
 */
void finds_print(const struct finds *finds, const char *searched);

#endif
