/* windows.c - rules about what is different on Windows. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "../c/rules.h"
#include "../c/support.h"

static void connections_have_no_descriptor_to_poll(void) {
    struct line l = line_open();
    char answer[8] = "";
    uint32_t want = 7;
    int32_t fd = 7;
    size_t n = 7;

    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_conn_poll_info(l.conn, &fd, &want));
    CHECK_SAYS("no descriptor");
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_conn_try_write(l.conn, "A", 1, &n));
    CHECK_SAYS("with a timeout");
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_conn_try_read(l.conn, answer, sizeof answer, &n));
    CHECK_SAYS("with a timeout");
    CHECK(fd == 7 && want == 7 && n == 7);
    /* The lease is none the worse for it. */
    CHECK_IS(SPRINT_OK, sprint_conn_flush(l.conn, 0));
    CHECK_IS(SPRINT_OK, sprint_conn_request(l.conn, "B", 1, answer, sizeof answer, 0, 5000, &n));
    CHECK(n == 1 && answer[0] == 'B');
    line_close(&l);
}

static void *read_two_without_a_limit(void *conn) {
    char bytes[2];
    size_t n = 0;

    CHECK_IS(SPRINT_OK, sprint_conn_read_exact(*(sprint_conn *)conn, bytes, 2, -1, &n));
    CHECK(n == 2 && memcmp(bytes, "AB", 2) == 0);
    return NULL;
}

static void the_limit_of_a_write_is_not_that_of_a_read(void) {
    struct line l = line_open();
    pthread_t reader;

    CHECK(pthread_create(&reader, NULL, read_two_without_a_limit, &l.conn) == 0);
    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "A", 1, 50));
    sleep_ms(200);
    CHECK_IS(SPRINT_OK, sprint_conn_write(l.conn, "B", 1, 50));
    CHECK(pthread_join(reader, NULL) == 0);
    line_close(&l);
}

static void a_limit_of_0_reads_what_is_there(void) {
    struct line l = line_open();
    char bytes[4];
    size_t n = 0;

    CHECK_IS(SPRINT_E_TIMEOUT, sprint_conn_read(l.conn, bytes, sizeof bytes, 0, &n));
    CHECK_IS(SPRINT_OK, sprint_conn_request(l.conn, "ABCD", 4, bytes, 2, 0, 5000, &n));
    CHECK(n == 2);
    CHECK_IS(SPRINT_OK, sprint_conn_read(l.conn, bytes, sizeof bytes, 0, &n));
    CHECK(n == 2 && memcmp(bytes, "CD", 2) == 0);
    line_close(&l);
}

/* What a pipe holds now, as text. */
static const char *drain(HANDLE pipe, char *buf, DWORD cap) {
    DWORD there = 0, n = 0;

    if (PeekNamedPipe(pipe, NULL, 0, NULL, &there, NULL) && there > 0)
        ReadFile(pipe, buf, there < cap - 1 ? there : cap - 1, &n, NULL);
    buf[n] = '\0';
    return buf;
}

static int32_t as_fd(HANDLE handle) {
    return (int32_t)(intptr_t)handle;
}

static void log_and_events_go_to_a_handle(void) {
    char lines[32768];
    HANDLE ours = NULL, theirs = NULL;
    sprint_buffer buffer;
    struct line l;

    CHECK(CreatePipe(&ours, &theirs, NULL, 1 << 16));
    CHECK_IS(SPRINT_OK, sprint_log_to_fd(as_fd(theirs), SPRINT_LOG_DEBUG));
    l = line_open();
    line_close(&l);
    CHECK_IS(SPRINT_OK, sprint_log_to_fd(-1, SPRINT_LOG_DEBUG));
    CHECK(strncmp(drain(ours, lines, sizeof lines), "{\"time\":\"", 9) == 0);
    CHECK(strstr(lines, settings.address) != NULL);

    CHECK_IS(SPRINT_OK, sprint_events_to_fd(as_fd(theirs)));
    CHECK_IS(SPRINT_OK, sprint_buffer_random(32, 0, &buffer));
    sprint_buffer_free(buffer);
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(-1));
    CHECK(strstr(drain(ours, lines, sizeof lines), "free") != NULL);

    CloseHandle(theirs);
    CHECK_IS(SPRINT_E_ARG, sprint_log_to_fd(as_fd(theirs), SPRINT_LOG_DEBUG));
    CHECK_SAYS("not an open");
    CHECK_IS(SPRINT_E_ARG, sprint_events_to_fd(as_fd(theirs)));
    CloseHandle(ours);
}

static void the_status_of_memory_claims_what_windows_gives(void) {
    char json[4096];
    long slots;

    CHECK_IS(SPRINT_OK, sprint_memory_self_check());
    CHECK_IS(SPRINT_OK, sprint_memory_status_json(json, sizeof json, NULL));
    CHECK(strstr(json, "\"platform\":\"windows/amd64\"") != NULL);
    CHECK(strstr(json, "\"backend\":\"mlock\"") != NULL);
    slots = json_number(json, "slots");
    CHECK(slots > 0 && json_number(json, "guard_pages") == 2 * slots);
    CHECK(json_number(json, "no_core_dump") == 0);
    CHECK(json_number(json, "memlock_limit_bytes") > 0); /* the minimum working set */
    CHECK_IS(SPRINT_E_UNSUPPORTED, sprint_memory_set(SPRINT_MEM_BACKEND, SPRINT_BACKEND_SECRETMEM));
}

/* Windows would unlock pages that nobody may read: at rest they are read-only. */
static void a_free_page_is_read_only_and_wiped(void) {
    unsigned char secret[32];
    sprint_buffer buffer = 0;
    void *data = NULL;

    fill_pattern(secret, sizeof secret, 1);
    buffer = buffer_of(secret, sizeof secret);
    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
    CHECK(memcmp(data, secret, sizeof secret) == 0 && write_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    sprint_buffer_free(buffer);
    CHECK(!read_faults(data) && write_faults(data));
    CHECK(all_bytes(data, sizeof secret, 0));
}

static DWORD WINAPI fail_on_another_thread(void *unused) {
    char text[64] = "not written";
    sprint_buffer buffer = 1;

    (void)unused;
    CHECK(sprint_last_error(text, sizeof text) == 1 && text[0] == '\0');
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_alloc(0, 0, &buffer));
    CHECK_SAYS("len");
    return 0;
}

static void each_thread_of_windows_has_its_own_last_error(void) {
    HANDLE threads[8];
    size_t i;

    CHECK_IS(SPRINT_E_ARG, sprint_config_new(NULL, NULL));
    for (i = 0; i < 8; i++)
        threads[i] = CreateThread(NULL, 0, fail_on_another_thread, NULL, 0, NULL);
    CHECK(WaitForMultipleObjects(8, threads, TRUE, 20000) == WAIT_OBJECT_0);
    for (i = 0; i < 8; i++)
        CloseHandle(threads[i]);
    CHECK_SAYS("out is NULL");
}

static void a_pointer_to_no_memory_is_an_error_and_poisons_nothing(void) {
    sprint_buffer buffer = buffer_of("0123456789abcdef", 16);
    unsigned char mac[32];
    size_t n = 0;

    CHECK_IS(SPRINT_E_ARG,
             sprint_buffer_hmac(buffer, SPRINT_HASH_SHA256, (void *)16, 8, mac, sizeof mac, &n));
    CHECK_SAYS("no such memory: 0x10");
    CHECK_IS(SPRINT_OK,
             sprint_buffer_hmac(buffer, SPRINT_HASH_SHA256, "m", 1, mac, sizeof mac, &n));
    CHECK(n == 32);
    sprint_buffer_free(buffer);
}

const struct rule windows_rules[] = {
    RULE(connections_have_no_descriptor_to_poll),
    RULE(the_limit_of_a_write_is_not_that_of_a_read),
    RULE(a_limit_of_0_reads_what_is_there),
    RULE(log_and_events_go_to_a_handle),
    RULE(the_status_of_memory_claims_what_windows_gives),
    RULE(a_free_page_is_read_only_and_wiped),
    RULE(each_thread_of_windows_has_its_own_last_error),
    RULE(a_pointer_to_no_memory_is_an_error_and_poisons_nothing),
    NO_MORE_RULES,
};
