/* log.c - rules about the log. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "rules.h"
#include "support.h"

struct log {
    int fd; /**< the reading end, non-blocking */
    size_t len;
    char text[16384];
};

/* A dial is told of on a thread of the library's, perhaps after its lease was given. */
static int tells_of_the_relay(void *arg) {
    struct log *l = arg;
    ssize_t n = read(l->fd, l->text + l->len, sizeof l->text - 1 - l->len);

    l->len += n > 0 ? (size_t)n : 0;
    l->text[l->len] = '\0';
    return strstr(l->text, settings.address) != NULL;
}

static void log_lines_are_json_and_stop_when_switched_off(void) {
    static struct log log;
    sprint_pool pool;
    int ends[2];

    if (!CHECK(pipe2(ends, O_NONBLOCK) == 0))
        return;
    log = (struct log){.fd = ends[0]};
    CHECK_IS(SPRINT_OK, sprint_log_to_fd(ends[1], SPRINT_LOG_TRACE));
    pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn_release(lease(pool));
    CHECK(eventually(tells_of_the_relay, &log));
    sprint_pool_free(pool);
    CHECK_IS(SPRINT_OK, sprint_log_to_fd(-1, SPRINT_LOG_INFO));
    tells_of_the_relay(&log);
    CHECK(log.len > 2 && log.text[0] == '{' && strcmp(log.text + log.len - 2, "}\n") == 0);

    pool = pool_make((struct pool_options){.max_connections = 1});
    sprint_conn_release(lease(pool));
    sprint_pool_free(pool);
    CHECK(read(ends[0], log.text, sizeof log.text) < 0);
    CHECK(close(ends[1]) == 0); /* still the host's */
    CHECK(close(ends[0]) == 0);
}

const struct rule log_rules[] = {
    RULE(log_lines_are_json_and_stop_when_switched_off),
    NO_MORE_RULES,
};
