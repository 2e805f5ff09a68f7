/* groups.c - the groups of rules, in the order in which they are proved. */
#include <stddef.h>

#include "rules.h"

const struct rule *const groups[] = {
    library_rules,  log_rules,   config_rules,  handle_rules,   pool_rules,    endpoint_rules,
    metrics_rules,  conn_rules,  duplex_rules,  stream_rules,   close_rules,   buffer_rules,
    borrow_rules,   guard_rules, key_rules,     lifetime_rules, memory_rules,  limit_rules,
    event_rules,    storm_rules, fork_rules,    hostile_rules,  control_rules, again_rules,
    identity_rules, loop_rules,  closing_rules, shelf_rules,    ipv6_rules,    NULL,
};
