/* Ready slots of secure memory, handed over by Go in batches, so that a secret can be
 * placed and wiped without a crossing: take, check the canary, wipe, give back; nothing
 * else. Whatever more is done with a secret moves it to Go first. */
#ifndef SPRINT_SLOTS_H
#define SPRINT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handle.h"

enum { SPRINT_CANARY = 16 };

/* A slot's pages between two guards. The secret ends at the rear one. */
struct sprint_page {
    struct sprint_page *next; /* in the stock */
    unsigned char *mem;
    size_t size;
    struct sprint_stock *stock;
    uint64_t generation;
    unsigned char canary[SPRINT_CANARY]; /* of this use */
};

/* Why new secrets are not to be kept here: Go has to tell of each, or to seal any. */
enum { SPRINT_SLOTS_EVENTS = 1, SPRINT_SLOTS_SEAL = 2 };

/* Set or end a reason; none at the start. */
void sprint_slots_avoid(uint32_t reason, bool avoid);

/* A slot for the handle of a new secret, NULL without memory, and the page for it, with a
 * fresh canary and len bytes of zeros at its end: NULL if secrets of this size or with
 * these flags are not kept here, or if there is none to be had. */
struct sprint_slot *sprint_slots_take(size_t len, uint32_t flags, struct sprint_page **page);

static inline unsigned char *sprint_slots_data(const struct sprint_page *page, size_t len) {
    return page->mem + page->size - len;
}

/* Check and wipe a secret of len bytes; make its page free, and the slot of its handle if
 * that is not NULL. A page whose canary was damaged is never used again. */
void sprint_slots_give(struct sprint_page *page, size_t len, struct sprint_slot *slot);

/* Forget a page whose secret Go has taken over. */
void sprint_slots_forget(struct sprint_page *page);

#endif
