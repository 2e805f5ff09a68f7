/* ipv6.c - a rule about a pool and its port at the loopback address of IPv6, where there is one. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules.h"
#include "support.h"

static int send_all(int fd, const char *data, ssize_t len) {
    while (len > 0) {
        ssize_t n = send(fd, data, (size_t)len, MSG_NOSIGNAL);

        if (n <= 0)
            return 0;
        data += n;
        len -= n;
    }
    return 1;
}

/* Carry one connection on to the relay, which listens over IPv4, until either side ends. */
static void *carry(void *arg) {
    struct sockaddr_in relay = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port =
                                    htons((uint16_t)atoi(strchr(settings.address, ':') + 1))};
    int fds[2] = {accept(*(int *)arg, NULL, NULL), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct pollfd ends[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    char buf[4096];
    int open = fds[0] >= 0 && connect(fds[1], (struct sockaddr *)&relay, sizeof relay) == 0;
    int i;

    while (open && poll(ends, 2, -1) > 0) {
        for (i = 0; open && i < 2; i++) {
            if (ends[i].revents != 0) {
                ssize_t n = recv(fds[i], buf, sizeof buf, 0);

                open = n > 0 && send_all(fds[1 - i], buf, n);
            }
        }
    }
    close(fds[0]);
    close(fds[1]);
    return NULL;
}

static sprint_pool pool_at(const char *endpoint) {
    sprint_config config = 0;
    sprint_pool pool = 0;
    char ca_file[512];

    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", settings.dir);
    CHECK_IS(SPRINT_OK, sprint_config_new(endpoint, &config));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca_file));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_MAX_CONNECTIONS, 1));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_CONNECT_TIMEOUT_MS,
                                              PROMPT_MS * settings.slow));
    CHECK_IS(SPRINT_OK, sprint_config_set_str(config, SPRINT_OPT_METRICS_HOST, "::1"));
    CHECK_IS(SPRINT_OK, sprint_config_set_int(config, SPRINT_OPT_METRICS_PORT, 0));
    CHECK_IS(SPRINT_OK, sprint_pool_new(config, &pool));
    sprint_config_free(config);
    return pool;
}

/* What the pool, its lease and its metrics say of the endpoint; twice, that the lease rests. */
static void prove_at(const char *endpoint) {
    static char text[256 * 1024];
    char address[64], json[128], label[128];
    sprint_pool pool = pool_at(endpoint);
    sprint_conn conn;
    uint16_t port = 0;
    uint64_t uses = 9, i;
    size_t n = 0;

    snprintf(json, sizeof json, "\"endpoint\":\"%s\"", endpoint);
    snprintf(label, sizeof label, "endpoint=\"%s\"", endpoint);
    for (i = 0; i < 2; i++) {
        conn = lease(pool);
        CHECK_IS(SPRINT_OK, sprint_conn_uses(conn, &uses));
        CHECK(uses == i);
        CHECK_IS(SPRINT_OK, sprint_conn_request(conn, "NONCE\n", 6, text, sizeof text, 0,
                                                5000 * settings.slow, &n));
        CHECK_IS(SPRINT_OK, sprint_conn_info_json(conn, text, sizeof text, NULL));
        CHECK(strstr(text, json) != NULL);
        sprint_conn_release(conn);
    }
    CHECK_IS(SPRINT_OK, sprint_pool_status_json(pool, text, sizeof text, NULL));
    CHECK(strstr(text, json) != NULL);
    CHECK_IS(SPRINT_OK, sprint_pool_start_metrics(pool, &port));
    snprintf(address, sizeof address, "[::1]:%u", port);
    CHECK(get_is(200, address, "/metrics", text, sizeof text));
    CHECK(strstr(text, label) != NULL);
    sprint_pool_free(pool);
}

static void a_pool_works_over_ipv6(void) {
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t carrier;
    char endpoint[64];

    if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0) {
        printf("     not tried, as this system has no [::1]: %s\n", strerror(errno));
        if (listener >= 0)
            close(listener);
        return;
    }
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    snprintf(endpoint, sizeof endpoint, "[::1]:%d", ntohs(at.sin6_port));
    CHECK(pthread_create(&carrier, NULL, carry, &listener) == 0);
    prove_at(endpoint);
    shutdown(listener, SHUT_RDWR); /* if nobody came */
    pthread_join(carrier, NULL);
    close(listener);
}

const struct rule ipv6_rules[] = {
    RULE(a_pool_works_over_ipv6),
    NO_MORE_RULES,
};
