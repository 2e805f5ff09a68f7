#include "wait.h"

#define MS INT64_C(1000000)

struct sprint_deadline sprint_deadline_in(int64_t timeout_ms) {
    struct sprint_deadline d = {.start = sprint_now(), .limit = -1};
    /* More than a century is for ever. */
    if (timeout_ms >= 0 && timeout_ms < INT64_C(100) * 365 * 24 * 3600 * 1000)
        d.limit = timeout_ms * MS;
    return d;
}

int64_t sprint_deadline_left(const struct sprint_deadline *d, int64_t now) {
    return d->start + d->limit - now;
}

struct sprint_deadline sprint_deadline_rest(const struct sprint_deadline *d) {
    struct sprint_deadline now = {.start = sprint_now(), .limit = -1};
    if (d->limit >= 0) {
        now.limit = sprint_deadline_left(d, now.start);
        if (now.limit < 0)
            now.limit = 0;
    }
    return now;
}
