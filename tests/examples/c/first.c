/*
 * first.c - one question over a pooled TLS connection, with every error handled.
 *
 *     first relay.example:443 ca.pem
 *
 * The server is a relay that repeats what it is sent after ECHO.
 */
#include <stdio.h>

#include <sprint.h>

int main(int argc, char **argv) {
    static const char question[] = "ECHO\nPING\n";
    sprint_config config = 0;
    sprint_pool pool = 0;
    sprint_conn conn = 0;
    sprint_status status;
    char answer[256], why[256];
    size_t n = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST:PORT CA_FILE\n", argv[0]);
        return 2;
    }
    status = sprint_config_new(argv[1], &config);
    if (status == SPRINT_OK)
        status = sprint_config_set_str(config, SPRINT_OPT_CA_FILE, argv[2]);
    if (status == SPRINT_OK)
        status = sprint_pool_new(config, &pool);
    if (status == SPRINT_OK)
        status = sprint_pool_acquire(pool, 5000, &conn);
    if (status == SPRINT_OK)
        status = sprint_conn_request(conn, question, sizeof question - 1, answer, sizeof answer, 0,
                                     5000, &n);
    if (status == SPRINT_OK) {
        printf("%.*s", (int)n, answer);
    } else {
        sprint_last_error(why, sizeof why);
        fprintf(stderr, "%s: %s\n", sprint_errname(status), why);
    }
    /* What was not made is 0, which these ignore. */
    sprint_conn_release(conn);
    sprint_pool_free(pool);
    sprint_config_free(config);
    return status == SPRINT_OK ? 0 : 1;
}
