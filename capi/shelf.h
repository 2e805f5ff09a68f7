/* Leases at rest, lent by package pool to C: take one, look at its socket, give it back;
 * nothing else. What is released in good order rests on the shelf of its pool and is leased
 * again without a crossing. Go may take the shelf in at any time, and does before it looks at
 * its connections; whatever is more than the usual case goes through Go (pool/shelf.go). */
#ifndef SPRINT_SHELF_H
#define SPRINT_SHELF_H

#include <stdbool.h>

#include "handle.h"

/* Have a lease rest whose handle was killed and that nobody pins; false if it must end in Go. */
bool sprint_shelf_give(struct sprint_slot *slot);

/* A lease that rested, to be published; NULL if Go is to be asked. *unfit is one that Go must
 * have back first, or NULL. The caller pins the pool. */
struct sprint_slot *sprint_shelf_take(struct sprint_shelf *shelf, struct sprint_slot **unfit);

/* Undo sprint_shelf_new(): the pool has closed the shelf, and no call on the pool is under way.
 * Leases of the pool may still look at it. */
void sprint_shelf_end(struct sprint_shelf *shelf);

#endif
