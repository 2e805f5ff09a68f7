/* rules.h - the groups, one file each. */
#ifndef TEST_RULES_H
#define TEST_RULES_H

#include "check.h"

/** All of them, ended by NULL. */
extern const struct rule *const groups[];

extern const struct rule library_rules[];
extern const struct rule log_rules[];
extern const struct rule config_rules[];
extern const struct rule handle_rules[];
extern const struct rule pool_rules[];
extern const struct rule endpoint_rules[];
extern const struct rule metrics_rules[];
extern const struct rule control_rules[];
extern const struct rule conn_rules[];
extern const struct rule duplex_rules[];
extern const struct rule stream_rules[];
extern const struct rule again_rules[];
extern const struct rule identity_rules[];
extern const struct rule close_rules[];
extern const struct rule closing_rules[];
extern const struct rule buffer_rules[];
extern const struct rule borrow_rules[];
extern const struct rule guard_rules[];
extern const struct rule key_rules[];
extern const struct rule lifetime_rules[];
extern const struct rule memory_rules[];
extern const struct rule limit_rules[];
extern const struct rule event_rules[];
extern const struct rule storm_rules[];
extern const struct rule fork_rules[];
extern const struct rule hostile_rules[];
extern const struct rule loop_rules[];
extern const struct rule shelf_rules[];
extern const struct rule ipv6_rules[];

#endif
