#include "shelf.h"

#include <pthread.h>
#include <stdlib.h>

#include "wait.h"

/* Nobody but the thread that has a lease in hand works on what the lease is: the head hands
 * it over. Fields that Go reads, too, are read and written atomically. */
#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELAXED)
#define ADD(field, value) __atomic_fetch_add(&(field), value, __ATOMIC_RELAXED)

#define EMPTY ((uint64_t)SPRINT_SHELF_EMPTY)
#define CLOSED ((uint64_t)1 << 63)
#define TAG ((uint64_t)1 << SPRINT_SHELF_SLOT_BITS)

struct sprint_hold_cells sprint_hold_cells;
uint32_t sprint_slots_spent = SPRINT_SHELF_EMPTY;

/* Shelves of pools that are gone. They stay mapped, as a lease that was left out may be
 * released at any time: it finds that it must go home. */
static struct sprint_shelf *spare;
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;

enum { LINE = 64 };

static struct sprint_shelf *fresh(void) {
    char *memory = calloc(1, sizeof(struct sprint_shelf) + LINE);
    if (!memory)
        return NULL;
    struct sprint_shelf *shelf = (void *)(memory + LINE - (uintptr_t)memory % LINE);
    shelf->head = CLOSED | EMPTY;
    return shelf;
}

struct sprint_shelf *sprint_shelf_new(uint32_t endpoints, uint32_t columns) {
    uint64_t *counts = calloc((size_t)endpoints * columns, sizeof *counts);
    if (!counts)
        return NULL;
    pthread_mutex_lock(&spare_lock);
    struct sprint_shelf *shelf = spare;
    if (shelf)
        spare = shelf->spare;
    pthread_mutex_unlock(&spare_lock);
    if (!shelf)
        shelf = fresh();
    if (!shelf) {
        free(counts);
        return NULL;
    }
    shelf->counts = counts;
    shelf->columns = columns;
    return shelf;
}

void sprint_shelf_end(struct sprint_shelf *shelf) {
    free(shelf->counts);
    shelf->counts = NULL;
    pthread_mutex_lock(&spare_lock);
    shelf->spare = spare;
    spare = shelf;
    pthread_mutex_unlock(&spare_lock);
}

/* The head that follows one, with slot index on top: the tag tells it from all before. */
static uint64_t next_head(uint64_t head, uint32_t index) {
    return (((head + TAG) & ~CLOSED) & ~EMPTY) | index;
}

static bool swap_head(struct sprint_shelf *shelf, uint64_t *head, uint64_t next) {
    return __atomic_compare_exchange_n(&shelf->head, head, next, true, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* So many leases in a row, in a slot, at most: its generations would come round within the
 * hour, and a handle that was kept be good again. */
enum { IN_A_ROW = 1 << 20 };

/* Whether a lease is as a fresh one: whatever was wrong with it, Go has said so in home. */
static bool in_order(const struct sprint_slot *slot) {
    const struct sprint_lease *lease = &slot->lease;
    return lease->shelf && slot->index != SPRINT_SHELF_EMPTY &&
           LOAD(slot->rest.uses) % IN_A_ROW != IN_A_ROW - 1 &&
           atomic_load_explicit(&lease->drained, memory_order_relaxed) &&
           !atomic_load_explicit(&lease->unsent, memory_order_relaxed) &&
           !atomic_load_explicit(&lease->discard, memory_order_relaxed) &&
           !atomic_load_explicit(&slot->poisoned, memory_order_relaxed);
}

bool sprint_shelf_give(struct sprint_slot *slot) {
    struct sprint_shelf *shelf = slot->lease.shelf;
    struct sprint_rest *rest = &slot->rest;
    if (!in_order(slot))
        return false;
    uint64_t head = __atomic_load_n(&shelf->head, __ATOMIC_ACQUIRE);
    if (head & CLOSED)
        return false;
    int64_t now = sprint_now();
    if (now >= LOAD(rest->due) || now >= LOAD(rest->judge_at))
        return false;
    STORE(rest->rested_at, now);
    STORE(rest->note, slot->lease.rcvtimeo_ms);
    sprint_slot_rest(slot);
    do {
        /* After the head: what Go says before it opens the shelf again is seen, and a head
         * from before it was closed is not there any more. */
        if (head & CLOSED || LOAD(rest->home))
            return false;
        uint32_t below = (uint32_t)(head & EMPTY);
        STORE(rest->below, below);
        STORE(rest->depth, below == EMPTY ? 1 : LOAD(sprint_slot_at(below)->rest.depth) + 1);
    } while (!swap_head(shelf, &head, next_head(head, slot->index)));
    return true;
}

/* The cell that a hold time of ns is counted in. */
static uint32_t cell_of(uint64_t ns) {
    int bits = ns ? 64 - __builtin_clzll(ns) : 0;
    uint32_t key = bits < 4 ? (uint32_t)ns : (uint32_t)bits * 8 + (uint32_t)(ns >> (bits - 4) & 7);
    uint32_t i = sprint_hold_cells.starts[key];
    while (i < sprint_hold_cells.count && ns > (uint64_t)sprint_hold_cells.bounds[i])
        i++;
    return i;
}

/* Count the lease that begins and the one that ended when it was given back. */
static void count(struct sprint_shelf *shelf, const struct sprint_rest *rest) {
    uint64_t *row = shelf->counts + LOAD(rest->endpoint) * shelf->columns;
    int64_t held = LOAD(rest->rested_at) - LOAD(rest->lent_at);
    uint64_t ns = held > 0 ? (uint64_t)held : 0;
    ADD(row[SPRINT_SHELF_TAKEN], 1);
    ADD(row[SPRINT_SHELF_HELD], ns);
    ADD(row[SPRINT_SHELF_CELLS + cell_of(ns)], 1);
}

/* Begin a lease of the connection in a slot that was taken off the shelf. */
static void begin(struct sprint_slot *slot, int64_t now) {
    struct sprint_lease *lease = &slot->lease;
    struct sprint_rest *rest = &slot->rest;
    uint64_t uses = LOAD(rest->uses) + 1;
    STORE(rest->uses, uses);
    STORE(rest->lent_at, now);
    STORE(rest->wrote, 0);
    STORE(rest->read, 0);
    STORE(rest->asked, 0);
    atomic_store_explicit(&lease->uses, uses, memory_order_relaxed);
    atomic_store_explicit(&lease->busy, 0, memory_order_relaxed);
    sprint_slot_renew(slot);
}

struct sprint_slot *sprint_shelf_take(struct sprint_shelf *shelf, struct sprint_slot **unfit) {
    struct sprint_slot *slot;
    struct sprint_rest *rest;
    *unfit = NULL;
    uint64_t head = __atomic_load_n(&shelf->head, __ATOMIC_ACQUIRE);
    do {
        if (head & CLOSED || (head & EMPTY) == EMPTY)
            return NULL;
        slot = sprint_slot_at((uint32_t)(head & EMPTY));
        rest = &slot->rest;
        if (LOAD(rest->depth) <= LOAD(shelf->low))
            return NULL;
    } while (!swap_head(shelf, &head, next_head(head, LOAD(rest->below))));
    int64_t now = sprint_now();
    if (now >= LOAD(rest->due) || now - LOAD(rest->rested_at) >= LOAD(shelf->idle_timeout) ||
        !sprint_wait_silent(slot->lease.fd)) {
        *unfit = slot;
        return NULL;
    }
    count(shelf, rest);
    begin(slot, now);
    return slot;
}
