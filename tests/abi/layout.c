/* Frozen numbers of sprint.h: sizes, offsets, codes, the derived macro. Compiled as C and C++. */
#include <sprint.h>

#ifdef __cplusplus
#define FROZEN(what, value) static_assert((what) == (value), #what)
#else
#define FROZEN(what, value) _Static_assert((what) == (value), #what)
#endif

FROZEN(sizeof(sprint_status), 4);
FROZEN(sizeof(sprint_config), 8);
FROZEN(sizeof(sprint_pool), 8);
FROZEN(sizeof(sprint_conn), 8);
FROZEN(sizeof(sprint_buffer), 8);

FROZEN(sizeof(sprint_pool_stats), 104);
FROZEN(offsetof(sprint_pool_stats, struct_size), 0);
FROZEN(offsetof(sprint_pool_stats, max_connections), 4);
FROZEN(offsetof(sprint_pool_stats, idle), 8);
FROZEN(offsetof(sprint_pool_stats, lent), 12);
FROZEN(offsetof(sprint_pool_stats, dialing), 16);
FROZEN(offsetof(sprint_pool_stats, waiting), 20);
FROZEN(offsetof(sprint_pool_stats, breaker_state), 24);
FROZEN(offsetof(sprint_pool_stats, healthy), 28);
FROZEN(offsetof(sprint_pool_stats, acquires), 32);
FROZEN(offsetof(sprint_pool_stats, dials), 40);
FROZEN(offsetof(sprint_pool_stats, dial_errors), 48);
FROZEN(offsetof(sprint_pool_stats, reconnects), 56);
FROZEN(offsetof(sprint_pool_stats, errors), 64);
FROZEN(offsetof(sprint_pool_stats, timeouts), 72);
FROZEN(offsetof(sprint_pool_stats, discards), 80);
FROZEN(offsetof(sprint_pool_stats, bytes_sent), 88);
FROZEN(offsetof(sprint_pool_stats, bytes_received), 96);

FROZEN(sizeof(sprint_memory_stats), 88);
FROZEN(offsetof(sprint_memory_stats, struct_size), 0);
FROZEN(offsetof(sprint_memory_stats, enabled), 4);
FROZEN(offsetof(sprint_memory_stats, self_check), 8);
FROZEN(offsetof(sprint_memory_stats, backend), 12);
FROZEN(offsetof(sprint_memory_stats, buffers), 16);
FROZEN(offsetof(sprint_memory_stats, sealed), 24);
FROZEN(offsetof(sprint_memory_stats, locked_bytes), 32);
FROZEN(offsetof(sprint_memory_stats, lock_limit_bytes), 40);
FROZEN(offsetof(sprint_memory_stats, slots_cached), 48);
FROZEN(offsetof(sprint_memory_stats, refused), 56);
FROZEN(offsetof(sprint_memory_stats, canary_failures), 64);
FROZEN(offsetof(sprint_memory_stats, forks_refused), 72);
FROZEN(offsetof(sprint_memory_stats, unlocked), 80);

FROZEN(SPRINT_OK, 0);
FROZEN(SPRINT_E_ARG, -1);
FROZEN(SPRINT_E_HANDLE, -2);
FROZEN(SPRINT_E_CLOSED, -3);
FROZEN(SPRINT_E_TIMEOUT, -4);
FROZEN(SPRINT_E_EXHAUSTED, -5);
FROZEN(SPRINT_E_EOF, -6);
FROZEN(SPRINT_E_IO, -7);
FROZEN(SPRINT_E_TLS, -8);
FROZEN(SPRINT_E_CERT, -9);
FROZEN(SPRINT_E_RANGE, -10);
FROZEN(SPRINT_E_NOMEM, -11);
FROZEN(SPRINT_E_MLOCK, -12);
FROZEN(SPRINT_E_STATE, -13);
FROZEN(SPRINT_E_UNSUPPORTED, -14);
FROZEN(SPRINT_E_FORKED, -15);
FROZEN(SPRINT_E_ABI, -16);
FROZEN(SPRINT_E_INTERNAL, -17);
FROZEN(SPRINT_E_BREAKER_OPEN, -18);
FROZEN(SPRINT_E_WOULD_BLOCK, -19);
FROZEN(SPRINT_E_EXPIRED, -20);
FROZEN(SPRINT_E_CORRUPT, -21);
FROZEN(SPRINT_E_STALE, -22);
FROZEN(SPRINT_E_CRYPTO, -23);

/* Each part is in the derived number, and in its place. */
FROZEN(SPRINT_ABI >> 16, SPRINT_VERSION_MAJOR);
FROZEN(SPRINT_ABI & 0xffff, SPRINT_VERSION_MINOR);
