#include "mappings.h"

#include <stdatomic.h>

/* What a probe found beyond what was asked, and what a call takes besides its bytes. To
 * probe for each would cost more than to seal a secret. */
enum { CREDIT = 1 << 20, CALL = 4096 };

static _Atomic size_t credit;

bool sprint_mappings_room(size_t bytes) {
    size_t left = atomic_load(&credit);
    while (left >= bytes + CALL)
        if (atomic_compare_exchange_weak(&credit, &left, left - bytes - CALL))
            return true;
    if (!sprint_mappings_probe(bytes + CREDIT))
        return false;
    atomic_store(&credit, CREDIT);
    return true;
}
