/* Handles: kind and generation checked, reference counted, never pointers.
 *
 * A handle is (generation << 32 | kind << 24 | slot), XORed with a number of this
 * process so that small integers hit nothing. Whoever works on an object pins its
 * slot. Killing a handle makes it unknown to every later call; the object goes when
 * the last pin is gone. Slots are reused first in, first out, with a new generation. */
#ifndef SPRINT_HANDLE_H
#define SPRINT_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "../include/sprint.h"
#include "bridge.h"

enum sprint_kind { SPRINT_KIND_CONFIG = 1, SPRINT_KIND_POOL, SPRINT_KIND_CONN, SPRINT_KIND_BUFFER };

/* A lease as far as C needs to know it. */
struct sprint_lease {
    _Atomic int32_t fd; /* this, id and uses change when a request is sent once more */
    uint32_t busy_poll_us;
    uint32_t rcvtimeo_ms;    /* SO_RCVTIMEO as it is set on fd now */
    _Atomic uint32_t busy;   /* SPRINT_READER | SPRINT_WRITER | SPRINT_TOUCHED */
    _Atomic uint8_t drained; /* nothing decrypted waits in Go */
    _Atomic uint8_t unsent;  /* something encrypted waits in Go */
    _Atomic uint8_t discard; /* do not give back to the pool */
    _Atomic uint64_t id, uses;
    _Atomic uint32_t bell;      /* rung, while a thread waits in line for this lease */
    struct sprint_shelf *shelf; /* of its pool */
};

/* Who is at work on a lease, and whether anybody ever was. */
enum { SPRINT_READER = 1, SPRINT_WRITER = 2, SPRINT_TOUCHED = 4 };

/* Who keeps a buffer's secret. */
enum { SPRINT_HOME_GO, SPRINT_HOME_C, SPRINT_HOME_MOVING };

/* A buffer as far as C needs to know it. */
struct sprint_secret {
    size_t len;
    uint32_t flags;
    struct sprint_page *page; /* at home in C */
    _Atomic uint8_t home;     /* SPRINT_HOME_*; C to GO once, by way of MOVING */
    _Atomic uint8_t freed;    /* Go was told */
};

struct sprint_slot {
    _Atomic uint64_t word; /* generation << 32 | dying << 31 | references */
    uint32_t index;
    uint32_t next; /* in the free list */
    _Atomic uint8_t kind;
    _Atomic uint8_t poisoned; /* a bug of ours was caught in a call on it */
    union {
        struct sprint_lease lease;
        struct sprint_secret secret;
        struct sprint_shelf *shelf; /* of a pool */
    };
    struct sprint_rest rest; /* of a lease */
};

/* Guards the free slots, and the free pages of slots.c: a secret that is made or freed
 * takes or gives one of each, and a second lock would double what that costs. */
extern pthread_mutex_t sprint_free_lock;

/* The slot of a number that was one's once. */
struct sprint_slot *sprint_slot_at(uint32_t index);

/* A slot that no handle reaches yet; NULL without memory. */
struct sprint_slot *sprint_slot_new(enum sprint_kind kind);

/* Its two halves: the first one for a caller who holds sprint_free_lock. */
struct sprint_slot *sprint_slot_pop(void);
void sprint_slot_begin(struct sprint_slot *slot, enum sprint_kind kind);

/* Give a slot whose object is complete to its owner: the handle. */
uint64_t sprint_slot_publish(struct sprint_slot *slot);

/* Leave a slot whose handle was killed, and that nobody pins, to whoever finds it; and have it
 * be as of sprint_slot_new() once more, but that its object stays. */
void sprint_slot_rest(struct sprint_slot *slot);
void sprint_slot_renew(struct sprint_slot *slot);

/* Undo sprint_slot_new(): nothing pins the slot, and its object is gone or was not made. */
void sprint_slot_recycle(struct sprint_slot *slot);

/* The same for a caller who holds sprint_free_lock. */
void sprint_slot_push(struct sprint_slot *slot);

/* Pin what handle names; SPRINT_E_HANDLE or SPRINT_E_INTERNAL (poisoned) with a text. */
sprint_status sprint_pin(uint64_t handle, enum sprint_kind kind, struct sprint_slot **out);

/* As sprint_pin(), also for a handle that is dying. */
sprint_status sprint_pin_dying(uint64_t handle, enum sprint_kind kind, struct sprint_slot **out);

/* As sprint_pin() without an error text, for functions that ignore dead handles; a
 * poisoned one can be freed. */
struct sprint_slot *sprint_pin_quiet(uint64_t handle, enum sprint_kind kind);

/* The live slot of a kind that follows a pinned one, pinned instead of it; the first for
 * NULL, NULL at the end. */
struct sprint_slot *sprint_pin_next(struct sprint_slot *slot, enum sprint_kind kind);

/* One more pin on a pinned slot. */
void sprint_repin(struct sprint_slot *slot);

void sprint_unpin(struct sprint_slot *slot);

/* Make the handle of a pinned slot unknown; false if it was already. */
bool sprint_kill(struct sprint_slot *slot);

/* Make handle unknown and return its slot, NULL if it was unknown or of another kind. The
 * owner's pin is the caller's now; if it was the last there is none any more, and the
 * caller ends the object with sprint_object_end() instead of sprint_unpin(). */
struct sprint_slot *sprint_slot_kill(uint64_t handle, enum sprint_kind kind, bool *last);

bool sprint_dying(const struct sprint_slot *slot);

/* End the object of a slot that nobody pins any more, and recycle the slot (object.c). */
void sprint_object_end(struct sprint_slot *slot);

#endif
