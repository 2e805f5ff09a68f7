#include "slots.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "_cgo_export.h"
#include "bridge.h"
#include "mappings.h"

/* Free pages of one size: first in, first out, so that a page rests before it is used
 * again. */
struct sprint_stock {
    pthread_mutex_t lock;
    struct sprint_page *head, **tail;
    struct sprint_stock_count *count; /* written under lock */
    uint32_t most;                    /* free pages that are kept */
    size_t size;                      /* of a page */
    bool fast;                        /* pages stay readable and writable */
};

static struct sprint_stock stocks[SPRINT_SLOT_CLASSES][2];
static uint64_t canary_key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;
struct sprint_stock_count sprint_stock_counts[SPRINT_SLOT_CLASSES][2];
static _Atomic uint32_t avoided; /* SPRINT_SLOTS_* */

static void prepare(void) {
    uint64_t sizes[SPRINT_SLOT_CLASSES] = {0};
    sprintgo_slots_prepare(sizes, canary_key);
    for (int class = 0; class < SPRINT_SLOT_CLASSES; class ++)
        for (int fast = 0; fast < 2; fast++) {
            struct sprint_stock *s = &stocks[class][fast];
            pthread_mutex_init(&s->lock, NULL);
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
    pthread_once(&once, prepare);
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

/* Change a count of s by 1 or -1; the caller holds the lock. */
static void count(uint32_t *what, int by) {
    __atomic_store_n(what, *what + (uint32_t)by, __ATOMIC_RELAXED);
}

static void count_alive(struct sprint_stock *s, int by) {
    pthread_mutex_lock(&s->lock);
    count(&s->count->alive, by);
    pthread_mutex_unlock(&s->lock);
}

/* A free page, or NULL; for so many secrets, which are counted with the same lock. */
static struct sprint_page *pop(struct sprint_stock *s, int secrets) {
    pthread_mutex_lock(&s->lock);
    struct sprint_page *page = s->head;
    if (page) {
        s->head = page->next;
        if (!s->head)
            s->tail = &s->head;
        count(&s->count->free, -1);
        count(&s->count->alive, secrets);
    }
    pthread_mutex_unlock(&s->lock);
    return page;
}

/* Take a page in that held so many secrets, which are over; false if there is no room. */
static bool push(struct sprint_stock *s, struct sprint_page *page, int secrets) {
    page->next = NULL;
    pthread_mutex_lock(&s->lock);
    count(&s->count->alive, -secrets);
    bool room = s->count->free < s->most;
    if (room) {
        *s->tail = page;
        s->tail = &page->next;
        count(&s->count->free, 1);
    }
    pthread_mutex_unlock(&s->lock);
    return room;
}

/* Have Go hand over free pages: one for the secret of the caller, the others for the stock. */
static struct sprint_page *fetch(struct sprint_stock *s, size_t len) {
    struct sprint_outside batch[SPRINT_SLOT_BATCH];
    uint32_t n = 0, keep = 0;
    if (!sprint_mappings_spare() ||
        sprintgo_slots_take(len, s->fast, batch, &n, &keep) != SPRINT_OK)
        return NULL;
    pthread_mutex_lock(&s->lock);
    s->most = keep;
    pthread_mutex_unlock(&s->lock);
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
        if (!mine) {
            mine = page;
        } else if (!push(s, page, 0)) {
            sprintgo_slots_return(batch[i].addr);
            free(page);
        }
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

struct sprint_page *sprint_slots_take(size_t len, uint32_t flags) {
    struct sprint_stock *s = stock_for(len, flags);
    if (!s)
        return NULL;
    struct sprint_page *page = pop(s, 1);
    if (!page)
        page = fetch(s, len);
    if (!page)
        return NULL;
    if (!s->fast && mprotect(page->mem, page->size, PROT_READ | PROT_WRITE) != 0) {
        /* The kernel is short of mappings or memory; the page is as it was. */
        if (!push(s, page, 1)) {
            sprintgo_slots_return((uintptr_t)page->mem);
            free(page);
        }
        return NULL;
    }
    renew_canary(page);
    unsigned char *data = sprint_slots_data(page, len);
    memcpy(data - SPRINT_CANARY, page->canary, SPRINT_CANARY);
    memset(data, 0, len); /* wiped before, but a stray write may have hit it since */
    return page;
}

static bool same(const unsigned char *a, const unsigned char *b, size_t n) {
    unsigned char differ = 0;
    for (size_t i = 0; i < n; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

sprint_status sprint_slots_give(struct sprint_page *page, size_t len) {
    struct sprint_stock *s = page->stock;
    unsigned char *canary = sprint_slots_data(page, len) - SPRINT_CANARY;
    bool intact = same(canary, page->canary, SPRINT_CANARY);
    if (!intact) {
        /* Whoever wrote there may write there again, and then meets no access. */
        sprint_wipe(page->mem, page->size);
        mprotect(page->mem, page->size, PROT_NONE);
        sprintgo_slots_quarantine((uintptr_t)page->mem);
        sprint_slots_forget(page);
        return SPRINT_E_CORRUPT;
    }
    sprint_wipe(canary, SPRINT_CANARY + len);
    if (!s->fast)
        mprotect(page->mem, page->size, PROT_NONE); /* if not, it is wiped all the same */
    if (!push(s, page, 1)) {
        sprintgo_slots_return((uintptr_t)page->mem);
        free(page);
    }
    return SPRINT_OK;
}

void sprint_slots_forget(struct sprint_page *page) {
    count_alive(page->stock, -1);
    free(page);
}

uintptr_t sprint_slots_recall(void) {
    for (int class = 0; class < SPRINT_SLOT_CLASSES; class ++)
        for (int fast = 0; fast < 2; fast++) {
            struct sprint_page *page = pop(&stocks[class][fast], 0);
            if (!page)
                continue;
            uintptr_t addr = (uintptr_t)page->mem;
            free(page);
            return addr;
        }
    return 0;
}
