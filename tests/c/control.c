/* The cleanup task, control at run time, and what a lease says of itself. */
#include <string.h>

#include "rules.h"
#include "support.h"

static int is_warm(void *pool) {
    return stats_of(*(sprint_pool *)pool).idle == 3;
}

static void the_cleanup_task_keeps_min_idle(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 3});

    CHECK(stats_of(pool).idle == 0);
    CHECK_IS(SPRINT_OK, sprint_pool_start_cleanup(pool));
    CHECK_IS(SPRINT_OK, sprint_pool_start_cleanup(pool));
    CHECK(eventually(is_warm, &pool)); /* min_idle is max_connections if that is less than 10 */
    CHECK_IS(SPRINT_OK, sprint_pool_stop_cleanup(pool));
    CHECK_IS(SPRINT_OK, sprint_pool_stop_cleanup(pool));
    CHECK_IS(SPRINT_OK, sprint_pool_close(pool, 0, NULL));
    CHECK_IS(SPRINT_E_CLOSED, sprint_pool_start_cleanup(pool));
    sprint_pool_free(pool);
}

static void a_pool_is_controlled_while_it_runs(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 4});
    sprint_conn conn = 0;
    uint64_t id = 0;

    CHECK_IS(SPRINT_OK, sprint_pool_resize(pool, 2, 0));
    CHECK_IS(SPRINT_OK, sprint_pool_warm_up(pool, 9, PROMPT_MS * settings.slow));
    CHECK(stats_of(pool).max_connections == 2 && stats_of(pool).idle == 2);
    CHECK_IS(SPRINT_E_ARG, sprint_pool_resize(pool, 2, 3));
    CHECK_SAYS("min_idle");
    CHECK_IS(SPRINT_E_ARG, sprint_pool_resize(pool, UINT32_MAX, 0));

    CHECK_IS(SPRINT_OK, sprint_pool_pause(pool));
    CHECK_IS(SPRINT_E_EXHAUSTED, sprint_pool_acquire(pool, 0, &conn));
    CHECK_SAYS("paused");
    CHECK_IS(SPRINT_OK, sprint_pool_resume(pool));

    CHECK_IS(SPRINT_OK, sprint_pool_rotate(pool));
    conn = lease(pool);
    CHECK_IS(SPRINT_OK, sprint_conn_id(conn, &id));
    CHECK(id > 2);
    sprint_conn_release(conn);

    CHECK_IS(SPRINT_E_ARG, sprint_pool_evict_endpoint(pool, "elsewhere.invalid:1"));
    CHECK_SAYS("elsewhere.invalid:1");
    CHECK_IS(SPRINT_E_ARG, sprint_pool_evict_endpoint(pool, NULL));
    CHECK_IS(SPRINT_OK, sprint_pool_evict_endpoint(pool, settings.address));
    CHECK(stats_of(pool).idle == 0);
    CHECK_IS(SPRINT_OK, sprint_pool_reset(pool));
    sprint_pool_free(pool);
}

static void a_lease_describes_its_handshake(void) {
    sprint_pool pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn conn = lease(pool);
    char text[1024], small[8];
    size_t needed = 0;

    CHECK_IS(SPRINT_OK, sprint_conn_info_json(conn, text, sizeof text, &needed));
    CHECK(needed == strlen(text) + 1);
    CHECK(strstr(text, "\"tls_version\":\"TLS 1.3\"") && strstr(text, settings.address));
    needed = 0;
    CHECK_IS(SPRINT_E_RANGE, sprint_conn_info_json(conn, small, sizeof small, &needed));
    CHECK(needed == strlen(text) + 1 && strlen(small) == sizeof small - 1);
    CHECK_IS(SPRINT_E_RANGE, sprint_conn_info_json(conn, NULL, 0, NULL));
    CHECK_IS(SPRINT_E_ARG, sprint_conn_info_json(conn, NULL, 1, &needed));
    sprint_conn_release(conn);
    CHECK_IS(SPRINT_E_HANDLE, sprint_conn_info_json(conn, text, sizeof text, &needed));
    sprint_pool_free(pool);
}

const struct rule control_rules[] = {
    RULE(the_cleanup_task_keeps_min_idle),
    RULE(a_pool_is_controlled_while_it_runs),
    RULE(a_lease_describes_its_handshake),
    NO_MORE_RULES,
};
