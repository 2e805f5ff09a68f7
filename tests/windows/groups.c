/* groups.c - the groups of tests/c that need no POSIX, and that of Windows. Not duplex, event,
 * fork, ipv6, log, loop and shelf. */
#include <stddef.h>

#include "../c/rules.h"

extern const struct rule windows_rules[];

const struct rule *const groups[] = {
    windows_rules, library_rules, endpoint_rules, stream_rules,   again_rules,   config_rules,
    handle_rules,  pool_rules,    metrics_rules,  conn_rules,     close_rules,   buffer_rules,
    borrow_rules,  guard_rules,   key_rules,      lifetime_rules, memory_rules,  limit_rules,
    storm_rules,   hostile_rules, control_rules,  identity_rules, closing_rules, NULL,
};
