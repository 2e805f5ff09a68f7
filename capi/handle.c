#include "handle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "thread.h"

#define DYING ((uint64_t)1 << 31)
#define REFERENCES (DYING - 1)
#define GENERATION(word) ((uint32_t)((word) >> 32))

enum { SLOTS_PER_CHUNK = 1024, MAX_CHUNKS = 1 << 14, NONE = -1 };

static _Atomic(struct sprint_slot *) chunks[MAX_CHUNKS];

pthread_mutex_t sprint_free_lock = PTHREAD_MUTEX_INITIALIZER;

/* Under the lock, as is the next of free slots. */
static uint32_t used; /* slots that were ever handed out */
static uint32_t free_head = (uint32_t)NONE, free_tail = (uint32_t)NONE;

static uint64_t secret_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

/* The key hides nothing; it makes numbers that are not handles fail. */
static void make_key(void) {
    secret_key = sprint_random_number() ^ (uint64_t)(uintptr_t)&secret_key << 16;
}

static uint64_t key(void) {
    pthread_once(&key_once, make_key);
    return secret_key;
}

struct sprint_slot *sprint_slot_at(uint32_t index) {
    if (index / SLOTS_PER_CHUNK >= MAX_CHUNKS)
        return NULL;
    struct sprint_slot *chunk =
        atomic_load_explicit(&chunks[index / SLOTS_PER_CHUNK], memory_order_acquire);
    return chunk ? &chunk[index % SLOTS_PER_CHUNK] : NULL;
}

/* A slot never used before; the caller holds the lock. */
static struct sprint_slot *fresh_slot(void) {
    if (used == (uint32_t)MAX_CHUNKS * SLOTS_PER_CHUNK)
        return NULL;
    if (used % SLOTS_PER_CHUNK == 0) {
        struct sprint_slot *chunk = calloc(SLOTS_PER_CHUNK, sizeof *chunk);
        if (!chunk)
            return NULL;
        atomic_store_explicit(&chunks[used / SLOTS_PER_CHUNK], chunk, memory_order_release);
    }
    struct sprint_slot *slot = sprint_slot_at(used);
    slot->index = used++;
    /* Generations start anywhere, so that a handle tells nothing of its neighbours. */
    uint64_t mixed = (key() ^ slot->index) * UINT64_C(0x9e3779b97f4a7c15);
    atomic_store(&slot->word, (mixed ^ mixed >> 29) & ~(DYING | REFERENCES));
    return slot;
}

static uint64_t handle_of(const struct sprint_slot *slot) {
    uint64_t generation = atomic_load(&slot->word) >> 32;
    return (generation << 32 | (uint64_t)slot->kind << 24 | slot->index) ^ key();
}

struct sprint_slot *sprint_slot_pop(void) {
    /* A full chunk first: the longer a slot rests, the longer a stale handle is known. */
    if (free_head == (uint32_t)NONE || used % SLOTS_PER_CHUNK != 0)
        return fresh_slot();
    struct sprint_slot *slot = sprint_slot_at(free_head);
    free_head = slot->next;
    if (free_head == (uint32_t)NONE)
        free_tail = (uint32_t)NONE;
    return slot;
}

/* Take back what Go has emptied; the caller holds the lock. */
static void push_spent(void) {
    uint32_t index = __atomic_exchange_n(&sprint_slots_spent, SPRINT_SHELF_EMPTY, __ATOMIC_ACQUIRE);
    while (index != SPRINT_SHELF_EMPTY) {
        struct sprint_slot *slot = sprint_slot_at(index);
        index = __atomic_load_n(&slot->rest.below, __ATOMIC_RELAXED);
        sprint_slot_push(slot);
    }
}

struct sprint_slot *sprint_slot_new(enum sprint_kind kind) {
    pthread_mutex_lock(&sprint_free_lock);
    if (__atomic_load_n(&sprint_slots_spent, __ATOMIC_RELAXED) != SPRINT_SHELF_EMPTY)
        push_spent();
    struct sprint_slot *slot = sprint_slot_pop();
    pthread_mutex_unlock(&sprint_free_lock);
    if (slot)
        sprint_slot_begin(slot, kind);
    return slot;
}

/* The next generation of a slot that nobody pins. Without a reference nobody can: a handle
 * that was guessed hits nothing while the object is being made. */
static void begin_generation(struct sprint_slot *slot, uint64_t word) {
    uint32_t generation = GENERATION(word) + 1;
    atomic_store_explicit(&slot->word, (uint64_t)generation << 32, memory_order_relaxed);
    if (handle_of(slot) == 0) /* 0 is no handle: take the next generation */
        atomic_store_explicit(&slot->word, (uint64_t)(generation + 1) << 32, memory_order_relaxed);
}

void sprint_slot_begin(struct sprint_slot *slot, enum sprint_kind kind) {
    uint64_t word = atomic_load(&slot->word);
    atomic_store_explicit(&slot->kind, (uint8_t)kind, memory_order_relaxed);
    atomic_store_explicit(&slot->poisoned, 0, memory_order_relaxed);
    if (kind == SPRINT_KIND_BUFFER)
        memset(&slot->secret, 0, sizeof slot->secret);
    else
        memset(&slot->lease, 0, sizeof slot->lease);
    begin_generation(slot, word);
}

void sprint_slot_rest(struct sprint_slot *slot) {
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    atomic_store_explicit(&slot->word, word & ~DYING, memory_order_release);
}

void sprint_slot_renew(struct sprint_slot *slot) {
    begin_generation(slot, atomic_load_explicit(&slot->word, memory_order_acquire));
}

uint64_t sprint_slot_publish(struct sprint_slot *slot) {
    uint64_t handle = handle_of(slot);
    /* The owner's reference. Without any, nobody else changes the word. */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    atomic_store_explicit(&slot->word, word + 1, memory_order_release);
    return handle;
}

void sprint_slot_push(struct sprint_slot *slot) {
    /* Without references nobody else changes the word. */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    atomic_store_explicit(&slot->word, word & ~DYING, memory_order_release);
    slot->next = (uint32_t)NONE;
    if (free_tail == (uint32_t)NONE)
        free_head = slot->index;
    else
        sprint_slot_at(free_tail)->next = slot->index;
    free_tail = slot->index;
}

void sprint_slot_recycle(struct sprint_slot *slot) {
    pthread_mutex_lock(&sprint_free_lock);
    sprint_slot_push(slot);
    pthread_mutex_unlock(&sprint_free_lock);
}

/* The slot that handle may name, and its word as it is now; NULL if there is none. */
static struct sprint_slot *find(uint64_t value, enum sprint_kind kind, uint64_t *word) {
    struct sprint_slot *slot = sprint_slot_at((uint32_t)value & 0xffffff);
    if (!slot || (uint8_t)(value >> 24) != (uint8_t)kind)
        return NULL;
    *word = atomic_load_explicit(&slot->word, memory_order_acquire);
    return slot;
}

/* Whether a slot whose word is this is the live one that value names. The kind is that of
 * the word's generation as long as the word stays. */
static bool is_live(const struct sprint_slot *slot, uint64_t word, uint64_t value,
                    enum sprint_kind kind, bool dying_too) {
    return GENERATION(word) == GENERATION(value) && (word & REFERENCES) != 0 &&
           (dying_too || !(word & DYING)) &&
           atomic_load_explicit(&slot->kind, memory_order_relaxed) == (uint8_t)kind;
}

/* The slot that handle names, pinned, or NULL. */
static struct sprint_slot *pin(uint64_t handle, enum sprint_kind kind, bool dying_too) {
    uint64_t value = handle ^ key(), word;
    struct sprint_slot *slot = handle == 0 ? NULL : find(value, kind, &word);
    if (!slot)
        return NULL;
    do {
        if (!is_live(slot, word, value, kind, dying_too))
            return NULL;
    } while (!atomic_compare_exchange_weak(&slot->word, &word, word + 1));
    return slot;
}

struct sprint_slot *sprint_slot_kill(uint64_t handle, enum sprint_kind kind, bool *last) {
    uint64_t value = handle ^ key(), word, dead;
    struct sprint_slot *slot = handle == 0 ? NULL : find(value, kind, &word);
    if (!slot)
        return NULL;
    do {
        if (!is_live(slot, word, value, kind, false))
            return NULL;
        *last = (word & REFERENCES) == 1;
        dead = (word | DYING) - (*last ? 1 : 0);
    } while (!atomic_compare_exchange_weak(&slot->word, &word, dead));
    return slot;
}

static const char *const kind_names[] = {"object", "config", "pool", "conn", "buffer"};

static sprint_status pin_or_fail(uint64_t handle, enum sprint_kind kind, bool dying_too,
                                 struct sprint_slot **out) {
    struct sprint_slot *slot = pin(handle, kind, dying_too);
    if (!slot && handle == 0)
        return sprint_failf(SPRINT_E_HANDLE, "sprint: %s: 0 is no handle", kind_names[kind]);
    if (!slot)
        return sprint_failf(SPRINT_E_HANDLE, "sprint: %s: stale, freed or foreign handle",
                            kind_names[kind]);
    if (atomic_load_explicit(&slot->poisoned, memory_order_relaxed)) {
        sprint_unpin(slot);
        return sprint_failf(SPRINT_E_INTERNAL,
                            "sprint: %s: poisoned by an internal error in an earlier call",
                            kind_names[kind]);
    }
    *out = slot;
    return SPRINT_OK;
}

sprint_status sprint_pin(uint64_t handle, enum sprint_kind kind, struct sprint_slot **out) {
    return pin_or_fail(handle, kind, false, out);
}

sprint_status sprint_pin_dying(uint64_t handle, enum sprint_kind kind, struct sprint_slot **out) {
    return pin_or_fail(handle, kind, true, out);
}

struct sprint_slot *sprint_pin_quiet(uint64_t handle, enum sprint_kind kind) {
    return pin(handle, kind, false);
}

struct sprint_slot *sprint_pin_next(struct sprint_slot *slot, enum sprint_kind kind) {
    uint32_t index = slot ? slot->index + 1 : 0;
    if (slot)
        sprint_unpin(slot);
    pthread_mutex_lock(&sprint_free_lock);
    uint32_t end = used;
    pthread_mutex_unlock(&sprint_free_lock);
    for (; index < end; index++) {
        slot = sprint_slot_at(index);
        uint64_t word = atomic_load(&slot->word);
        while ((word & REFERENCES) != 0 && !(word & DYING))
            if (atomic_compare_exchange_weak(&slot->word, &word, word + 1)) {
                if (slot->kind == (uint8_t)kind)
                    return slot;
                sprint_unpin(slot);
                break;
            }
    }
    return NULL;
}

void sprint_repin(struct sprint_slot *slot) {
    atomic_fetch_add(&slot->word, 1);
}

void sprint_unpin(struct sprint_slot *slot) {
    if ((atomic_fetch_sub(&slot->word, 1) & REFERENCES) == 1)
        sprint_object_end(slot);
}

bool sprint_kill(struct sprint_slot *slot) {
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        if (word & DYING)
            return false;
        /* The owner's pin goes; the caller's remains. */
    } while (!atomic_compare_exchange_weak(&slot->word, &word, (word | DYING) - 1));
    return true;
}

bool sprint_dying(const struct sprint_slot *slot) {
    return atomic_load(&slot->word) & DYING;
}
