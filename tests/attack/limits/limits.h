/*
 * limits.h - what happens when the system gives no more. Each rule runs in a process of
 * its own, which loads the library itself, once with each backend.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "library.h"

struct rule {
    const char *name;
    void (*prove)(void);
};

#define RULE(function)                                                                             \
    { #function, function }

extern const struct rule memlock_rules[];
extern const struct rule mapping_rules[];
extern const struct rule sealed_rules[];
extern const struct rule fork_rules[];

/** The backend of this run, SPRINT_BACKEND_*. */
extern int32_t backend;

/** Record a failed check and say where; yields cond. Allocates nothing. */
#define CHECK(cond) check((cond) ? 1 : 0, #cond, __FILE__, __LINE__)
int check(int holds, const char *what, const char *file, int line);

/** Record whether a call returned the wanted status; yields 1 if so. */
#define CHECK_IS(wanted, call) check_status((wanted), (call), #call, __FILE__, __LINE__)
int check_status(sprint_status wanted, sprint_status got, const char *what, const char *file,
                 int line);

/** How many checks have failed in this process. */
int checks_failed(void);

/** Load the library with the backend of this run; ends the process where that fails. */
void load(void);

/** Set RLIMIT_MEMLOCK of this process. */
void set_lock_limit(uint64_t soft, uint64_t hard);

/** The kernel's count of locked bytes in this process. */
uint64_t locked_bytes(void);

/** Secrets whose content is known from their number, so that no copy need be kept. */
enum { CONTENT = 32 };
struct secrets {
    sprint_buffer *buffers;
    int count, room;
};

/** Room for at most this many. */
struct secrets secrets_new(int room);

/** Add one secret. On failure nothing is added. */
sprint_status secrets_add(struct secrets *all);

/** Add secrets until one is refused or there is no room. Returns the refusal. */
sprint_status secrets_fill(struct secrets *all);

/** How many of them can be read and hold what was written. */
int secrets_intact(const struct secrets *all);
int secret_intact(const struct secrets *all, int i);

/** Free the one that was added last. */
void secrets_drop(struct secrets *all);

/** Free all of them, and the list. */
void secrets_free(struct secrets *all);

/** Give free slots back to the kernel too. */
void trim(void);

#endif
