/* What crosses between C and Go besides scalars and byte pointers. Go fills these in
 * C memory and stores no pointer in them. */
#ifndef SPRINT_BRIDGE_H
#define SPRINT_BRIDGE_H

#include <stdbool.h>

#include "../include/sprint.h"

/* The largest text, and the largest bytes, that an option takes. */
enum { SPRINT_MAX_TEXT = 64 * 1024, SPRINT_MAX_BYTES = 4 * 1024 * 1024 };

/* Result of a step of I/O. */
struct sprint_io {
    int64_t n;       /* bytes of plaintext taken or given */
    int32_t unsent;  /* encrypted bytes wait for the socket */
    int32_t drained; /* nothing decrypted is left */
};

/* What C keeps of a lease. */
struct sprint_lease_info {
    uint64_t id, uses, note;
    int32_t fd;
    uint32_t busy_poll_us;
    int32_t drained;
};

/* What sprintgo_pool_acquire and sprintgo_pool_take answer besides a status: wait for the
 * bell, until an instant at the latest, and take. */
enum { SPRINT_WAITS = 1 };

/* A lease as C and package pool share it, and a pool's shelf where such leases rest: as in
 * pool/shelf.go, where the fields are explained (Rest, Shelf). All are read and written
 * atomically. */
struct sprint_rest {
    uint32_t below, depth, endpoint, home;
    int64_t lent_at, rested_at, due, judge_at;
    uint64_t uses, note, wrote, read;
    int64_t asked;
};

struct sprint_shelf {
    uint64_t head;
    uint64_t apart[7];
    uint32_t low, unused;
    int64_t idle_timeout;
    uint64_t *counts; /* C's alone from here on: rows of columns, one for each endpoint */
    uint64_t columns;
    struct sprint_shelf *spare;
    uint64_t rest[3];
};

enum { SPRINT_SHELF_SLOT_BITS = 24, SPRINT_SHELF_EMPTY = (1 << SPRINT_SHELF_SLOT_BITS) - 1 };

/* The first columns of a row; then come the cells of hold times. */
enum { SPRINT_SHELF_TAKEN, SPRINT_SHELF_HELD, SPRINT_SHELF_CELLS };

/* How hold times are counted (pool.HoldCells). Go fills it in before there is a shelf. */
enum { SPRINT_HOLD_STARTS = 512, SPRINT_HOLD_BOUNDS = 512 };
extern struct sprint_hold_cells {
    int64_t bounds[SPRINT_HOLD_BOUNDS];
    uint16_t starts[SPRINT_HOLD_STARTS];
    uint32_t count;
} sprint_hold_cells;

/* Slots whose lease Go has taken from a shelf, a list by rest.below, to be taken back all
 * at once; SPRINT_SHELF_EMPTY without any. */
extern uint32_t sprint_slots_spent;

/* A closed shelf; NULL without memory (shelf.c). */
struct sprint_shelf *sprint_shelf_new(uint32_t endpoints, uint32_t columns);

/* Slots of secure memory go to C in batches, for the smallest classes only. */
enum { SPRINT_SLOT_BATCH = 16, SPRINT_SLOT_CLASSES = 3 };

struct sprint_outside {
    uintptr_t addr;
    size_t size;
};

/* What C's stock holds, by class, without and with FAST (slots.c). Read and written
 * atomically. */
struct sprint_stock_count {
    uint32_t free;  /* slots */
    uint32_t alive; /* secrets in others */
};
extern struct sprint_stock_count sprint_stock_counts[SPRINT_SLOT_CLASSES][2];

/* Take one free slot's address out of C's stock; 0: there is none (slots.c). */
uintptr_t sprint_slots_recall(void);

/* Why the socket brings no more: 0, an errno, or SPRINT_END_FIN. */
enum { SPRINT_END_FIN = -1 };

/* Set this thread's last error (thread.c). */
void sprint_thread_set_error(const char *text, size_t len);

/* Whether fd is open (log_*.c). */
bool sprint_log_takes(int32_t fd);

/* One write(2) that raises no SIGPIPE (log_*.c). */
void sprint_log_write(int32_t fd, const void *line, size_t len);

/* What loading must leave as it found it (guest_linux.c). */
uint64_t sprint_guest_nofile(void);
void sprint_guest_lower_threads(void);
void sprint_guest_give_places_back(void);

/* The same on Windows (guest_windows.c). */
void sprint_guest_restore(void);

#endif
