/*
 * load.c - a host that loads sprint.dll at run time, with sprint_dl.h.
 *
 *   load ADDRESS CA_FILE
 *
 * Linked with nothing of libsprint. Prints "load: all passed" or what failed.
 */
#include <stdio.h>
#include <string.h>

#include "sprint_dl.h"

static int failed;

static void check(int holds, const char *what, const char *why) {
    if (!holds) {
        failed = 1;
        printf("FAIL %s (%s)\n", what, why);
    }
}

#define CHECK(cond, why) check((cond) ? 1 : 0, #cond, (why))

static void ask(const struct sprint_dl *lib, const char *address, const char *ca_file) {
    sprint_config config = 0;
    sprint_pool pool = 0;
    sprint_conn conn = 0;
    sprint_status status = lib->sprint_config_new(address, &config);
    char answer[16] = "", why[256];
    size_t n = 0;

    if (status == SPRINT_OK)
        status = lib->sprint_config_set_str(config, SPRINT_OPT_CA_FILE, ca_file);
    if (status == SPRINT_OK)
        status = lib->sprint_pool_new(config, &pool);
    if (status == SPRINT_OK)
        status = lib->sprint_pool_acquire(pool, 20000, &conn);
    if (status == SPRINT_OK)
        status =
            lib->sprint_conn_request(conn, "ECHO\nPING\n", 10, answer, sizeof answer, 0, 20000, &n);
    lib->sprint_last_error(why, sizeof why);
    CHECK(status == SPRINT_OK, why);
    CHECK(n == 5 && memcmp(answer, "PING\n", 5) == 0, "the answer");
    lib->sprint_conn_release(conn);
    lib->sprint_pool_free(pool);
    lib->sprint_config_free(config);
}

int main(int argc, char **argv) {
    struct sprint_dl lib;
    sprint_buffer buffer = 0;
    char why[256];
    int i;

    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDRESS CA_FILE\n", argv[0]);
        return 2;
    }
    CHECK(sprint_dl_load("nowhere.dll", &lib, why, sizeof why) == SPRINT_E_IO, why);
    CHECK(strstr(why, "nowhere.dll: ") != NULL && lib.sprint_init == NULL, why);
    CHECK(sprint_dl_load("kernel32.dll", &lib, why, sizeof why) == SPRINT_E_UNSUPPORTED, why);
    CHECK(strstr(why, "sprint_init") != NULL, why);

    SetErrorMode(SEM_NOALIGNMENTFAULTEXCEPT);
    if (sprint_dl_load(NULL, &lib, why, sizeof why) != SPRINT_OK) {
        printf("FAIL sprint_dl_load: %s\n", why);
        return 1;
    }
    CHECK(strcmp(why, "") == 0, why);
    CHECK(lib.sprint_memory_self_check() == SPRINT_OK, "the self check");
    CHECK(GetErrorMode() == SEM_NOALIGNMENTFAULTEXCEPT, "Go's start has changed the error mode");
    ask(&lib, argv[1], argv[2]);

    for (i = 0; i < 3; i++) /* to no effect */
        FreeLibrary(GetModuleHandleA("sprint.dll"));
    CHECK(GetModuleHandleA("sprint.dll") != NULL, "unloaded");
    CHECK(lib.sprint_buffer_random(32, 0, &buffer) == SPRINT_OK, "a buffer after FreeLibrary");
    lib.sprint_buffer_free(buffer);
    ask(&lib, argv[1], argv[2]);
    if (!failed)
        printf("load: all passed\n");
    return failed;
}
