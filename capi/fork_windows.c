#include "fork.h"

/* No process is forked here. */
static const _Atomic uint32_t always = 1;
const _Atomic uint32_t *sprint_fork_mark = &always;
bool sprint_fork_seen;

sprint_status sprint_refuse_forked(void) {
    return SPRINT_E_FORKED;
}

uint64_t sprint_forks_refused(void) {
    return 0;
}
