#include "slots.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "bridge.h"
#include "mappings.h"
#include "pages.h"

/* Free pages of one size: first in, first out, so that a page rests before it is used
 * again. Under sprint_free_lock. */
struct sprint_stock {
    struct sprint_page *head, **tail;
    struct sprint_stock_count *count;
    uint32_t most; /* free pages that are kept */
    size_t size;   /* of a page */
    bool fast;     /* pages stay readable and writable */
};

static struct sprint_stock stocks[SPRINT_SLOT_CLASSES][2];
static uint64_t canary_key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;
struct sprint_stock_count sprint_stock_counts[SPRINT_SLOT_CLASSES][2];
static _Atomic uint32_t avoided; /* SPRINT_SLOTS_* */

static void prepare_stocks(void) {
    uint64_t sizes[SPRINT_SLOT_CLASSES] = {0};
    sprintgo_slots_prepare(sizes, canary_key);
    for (int class = 0; class < SPRINT_SLOT_CLASSES; class ++)
        for (int fast = 0; fast < 2; fast++) {
            struct sprint_stock *s = &stocks[class][fast];
            s->tail = &s->head;
            s->count = &sprint_stock_counts[class][fast];
            s->size = sizes[class];
            s->fast = fast;
        }
}

/* The smallest pages that hold len bytes and their canary; NULL if these flags, or such
 * a size, are not kept here. */
static struct sprint_stock *stock_for(size_t len, uint32_t flags) {
    if (atomic_load_explicit(&avoided, memory_order_relaxed) ||
        (flags & ~(uint32_t)SPRINT_BUFFER_FAST) != 0)
        return NULL;
    pthread_once(&once, prepare_stocks);
    for (int class = 0; class < SPRINT_SLOT_CLASSES; class ++)
        if (len + SPRINT_CANARY <= stocks[class][0].size)
            return &stocks[class][flags & SPRINT_BUFFER_FAST ? 1 : 0];
    return NULL;
}

void sprint_slots_avoid(uint32_t reason, bool avoid) {
    if (avoid)
        atomic_fetch_or(&avoided, reason);
    else
        atomic_fetch_and(&avoided, ~reason);
}

/* Change a count by 1 or -1. Go reads it without the lock. */
static void count(uint32_t *what, int by) {
    __atomic_store_n(what, *what + (uint32_t)by, __ATOMIC_RELAXED);
}

static void count_alive(struct sprint_stock *s, int by) {
    pthread_mutex_lock(&sprint_free_lock);
    count(&s->count->alive, by);
    pthread_mutex_unlock(&sprint_free_lock);
}

/* A free page for so many secrets, or NULL; the caller holds the lock. */
static struct sprint_page *pop(struct sprint_stock *s, int secrets) {
    struct sprint_page *page = s->head;
    if (page) {
        s->head = page->next;
        if (!s->head)
            s->tail = &s->head;
        count(&s->count->free, -1);
        count(&s->count->alive, secrets);
    }
    return page;
}

/* Take a page in that held so many secrets, which are over; false if there is no room. The
 * caller holds the lock. */
static bool push(struct sprint_page *page, int secrets) {
    struct sprint_stock *s = page->stock;
    count(&s->count->alive, -secrets);
    if (s->count->free >= s->most)
        return false;
    page->next = NULL;
    *s->tail = page;
    s->tail = &page->next;
    count(&s->count->free, 1);
    return true;
}

/* Give a page back to its stock, or to Go if there is no room, and with the same lock its
 * slot, if there is one, to the handles. */
static void give_back(struct sprint_page *page, int secrets, struct sprint_slot *slot) {
    pthread_mutex_lock(&sprint_free_lock);
    bool kept = push(page, secrets);
    if (slot)
        sprint_slot_push(slot);
    pthread_mutex_unlock(&sprint_free_lock);
    if (kept)
        return;
    sprintgo_slots_return((uintptr_t)page->mem);
    free(page);
}

/* Have Go hand over free pages: one for the secret of the caller, the others for the stock. */
static struct sprint_page *fetch(struct sprint_stock *s, size_t len) {
    struct sprint_outside batch[SPRINT_SLOT_BATCH];
    uint32_t n = 0, keep = 0;
    if (!sprint_mappings_spare() ||
        sprintgo_slots_take(len, s->fast, batch, &n, &keep) != SPRINT_OK)
        return NULL;
    pthread_mutex_lock(&sprint_free_lock);
    s->most = keep;
    pthread_mutex_unlock(&sprint_free_lock);
    struct sprint_page *mine = NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct sprint_page *page = calloc(1, sizeof *page);
        if (!page) {
            sprintgo_slots_return(batch[i].addr);
            continue;
        }
        page->mem = (unsigned char *)batch[i].addr;
        page->size = batch[i].size;
        page->stock = s;
        if (mine)
            give_back(page, 0, NULL);
        else
            mine = page;
    }
    if (mine)
        count_alive(s, 1);
    return mine;
}

#define ROTL(x, b) (uint64_t)(((x) << (b)) | ((x) >> (64 - (b))))

static inline void sip_round(uint64_t v[4]) {
    v[0] += v[1], v[1] = ROTL(v[1], 13), v[1] ^= v[0], v[0] = ROTL(v[0], 32);
    v[2] += v[3], v[3] = ROTL(v[3], 16), v[3] ^= v[2];
    v[0] += v[3], v[3] = ROTL(v[3], 21), v[3] ^= v[0];
    v[2] += v[1], v[1] = ROTL(v[1], 17), v[1] ^= v[2], v[2] = ROTL(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012), 128 bits, of address and generation:
 * different for each page and each use, and not to be foreseen without the key. */
static void renew_canary(struct sprint_page *page) {
    const uint64_t words[] = {(uintptr_t)page->mem, ++page->generation, (uint64_t)16 << 56};
    uint64_t v[4] = {canary_key[0] ^ 0x736f6d6570736575, canary_key[1] ^ 0x646f72616e646f6d ^ 0xee,
                     canary_key[0] ^ 0x6c7967656e657261, canary_key[1] ^ 0x7465646279746573};
    for (int i = 0; i < 3; i++) {
        v[3] ^= words[i];
        sip_round(v);
        v[0] ^= words[i];
    }
    uint64_t half[2];
    v[2] ^= 0xee;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    half[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    half[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
    memcpy(page->canary, half, sizeof half);
}

/* Make a page ready for a secret of len bytes, or give it back. */
static bool prepare_page(struct sprint_page *page, size_t len) {
    if (!page->stock->fast && !sprint_pages_open(page->mem, page->size)) {
        give_back(page, 1, NULL); /* the kernel is short of mappings; the page is as it was */
        return false;
    }
    renew_canary(page);
    unsigned char *data = sprint_slots_data(page, len);
    memcpy(data - SPRINT_CANARY, page->canary, SPRINT_CANARY);
    memset(data, 0, len); /* wiped before, but a stray write may have hit it since */
    return true;
}

struct sprint_slot *sprint_slots_take(size_t len, uint32_t flags, struct sprint_page **page) {
    struct sprint_stock *s = stock_for(len, flags);
    pthread_mutex_lock(&sprint_free_lock);
    struct sprint_slot *slot = sprint_slot_pop();
    *page = slot && s ? pop(s, 1) : NULL;
    pthread_mutex_unlock(&sprint_free_lock);
    if (!slot)
        return NULL;
    sprint_slot_begin(slot, SPRINT_KIND_BUFFER);
    if (s && !*page)
        *page = fetch(s, len);
    if (*page && !prepare_page(*page, len))
        *page = NULL;
    return slot;
}

static bool same(const unsigned char a[SPRINT_CANARY], const unsigned char b[SPRINT_CANARY]) {
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

void sprint_slots_give(struct sprint_page *page, size_t len, struct sprint_slot *slot) {
    unsigned char *canary = sprint_slots_data(page, len) - SPRINT_CANARY;
    if (!same(canary, page->canary)) {
        /* Whoever wrote there may write there again, and then meets no access. */
        sprint_wipe(page->mem, page->size);
        sprint_pages_close(page->mem, page->size);
        sprintgo_slots_quarantine((uintptr_t)page->mem);
        sprint_slots_forget(page);
        if (slot)
            sprint_slot_recycle(slot);
        return;
    }
    sprint_wipe(canary, SPRINT_CANARY + len);
    if (!page->stock->fast)
        sprint_pages_close(page->mem, page->size); /* if not, it is wiped all the same */
    give_back(page, 1, slot);
}

void sprint_slots_forget(struct sprint_page *page) {
    count_alive(page->stock, -1);
    free(page);
}

uintptr_t sprint_slots_recall(void) {
    for (int class = 0; class < SPRINT_SLOT_CLASSES; class ++)
        for (int fast = 0; fast < 2; fast++) {
            pthread_mutex_lock(&sprint_free_lock);
            struct sprint_page *page = pop(&stocks[class][fast], 0);
            pthread_mutex_unlock(&sprint_free_lock);
            if (!page)
                continue;
            uintptr_t addr = (uintptr_t)page->mem;
            free(page);
            return addr;
        }
    return 0;
}
