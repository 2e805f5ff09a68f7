/* event.c - rules about the lines that tell what happens to secrets. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rules.h"
#include "support.h"

/* Nothing else in this process holds these bytes, and the lines must not. */
static const char content[] = "not a secret but easy to find...";
enum { SIZE = sizeof content - 1 };

struct events {
    int ends[2];
    char text[65536];
    size_t len;
};

static void events_open(struct events *e) {
    e->len = 0;
    CHECK(pipe2(e->ends, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(e->ends[1]));
}

/* What was told since the last time, one write for each event. */
static const char *events_read(struct events *e) {
    ssize_t n = read(e->ends[0], e->text, sizeof e->text - 1);

    e->len = n > 0 ? (size_t)n : 0;
    e->text[e->len] = '\0';
    return e->text;
}

static void events_close(struct events *e) {
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(-1));
    CHECK(close(e->ends[1]) == 0); /* it was still the host's */
    CHECK(close(e->ends[0]) == 0);
}

/* Whether one line tells of op on size bytes, and whether it ended well. */
static int tells(const char *text, const char *op, size_t size, int well) {
    char message[64], bytes[64], line[1024];
    const char *end;

    snprintf(message, sizeof message, "\"msg\":\"%s\"", op);
    snprintf(bytes, sizeof bytes, "\"size\":%zu,", size);
    for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        snprintf(line, sizeof line, "%.*s", (int)(end - text), text);
        if (strstr(line, message) != NULL && strstr(line, bytes) != NULL &&
            (strstr(line, "\"result\":\"ok\"") != NULL) == well)
            return 1;
    }
    return 0;
}

/* JSON objects, one a line, the last one whole. */
static int are_lines(const char *text) {
    const char *end;

    if (*text == '\0')
        return 0;
    for (; (end = strchr(text, '\n')) != NULL; text = end + 1)
        if (end - text < 2 || text[0] != '{' || end[-1] != '}')
            return 0;
    return *text == '\0';
}

static void every_event_tells_size_and_result_and_never_content(void) {
    static struct events e;
    sprint_buffer secret = 0, none = 0;
    char copy[SIZE];
    unsigned char byte, mac[32];
    const char *text;
    void *data;

    events_open(&e);
    memcpy(copy, content, SIZE);
    CHECK_IS(SPRINT_OK, sprint_buffer_from(copy, SIZE, 0, &secret));
    CHECK(tells(events_read(&e), "allocate", SIZE, 1) && are_lines(e.text));
    CHECK(strstr(e.text, content) == NULL);

    CHECK_IS(SPRINT_OK, sprint_buffer_open(secret, SPRINT_WRITE, &data, NULL));
    CHECK_IS(SPRINT_E_STATE, sprint_buffer_open(secret, SPRINT_READ, &data, NULL));
    CHECK_IS(SPRINT_E_STATE, sprint_buffer_read(secret, 0, &byte, 1));
    CHECK_IS(SPRINT_E_STATE, sprint_buffer_seal(secret));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(secret));
    text = events_read(&e);
    CHECK(tells(text, "open", SIZE, 1) && tells(text, "open", SIZE, 0));
    CHECK(tells(text, "use", SIZE, 0) && tells(text, "seal", SIZE, 0));
    CHECK(tells(text, "close", SIZE, 1) && are_lines(text) && strstr(text, content) == NULL);

    CHECK_IS(SPRINT_OK, sprint_buffer_seal(secret));
    CHECK_IS(SPRINT_OK, sprint_buffer_hmac(secret, SPRINT_HASH_SHA256, "m", 1, mac, 32, NULL));
    text = events_read(&e);
    CHECK(tells(text, "seal", SIZE, 1) && tells(text, "use", SIZE, 1) && are_lines(text));
    CHECK(strstr(text, content) == NULL);

    memory_trimmed();
    CHECK_IS(SPRINT_OK, sprint_memory_set(SPRINT_MEM_BUDGET_BYTES, 1));
    CHECK_IS(SPRINT_E_MLOCK, sprint_buffer_alloc(12345, 0, &none));
    memory_defaults();
    CHECK(tells(events_read(&e), "refuse", 12345, 0) && are_lines(e.text));

    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(secret, 1));
    CHECK(eventually(has_expired, &secret));
    CHECK(tells(events_read(&e), "expire", SIZE, 1) && are_lines(e.text));
    sprint_buffer_free(secret);
    CHECK(tells(events_read(&e), "free", SIZE, 1) && are_lines(e.text));
    CHECK(strstr(e.text, content) == NULL);
    events_close(&e);
}

static void what_happens_to_older_secrets_is_told_too(void) {
    static struct events e;
    sprint_buffer used = buffer_of(content, SIZE), freed = buffer_of(content, SIZE);

    events_open(&e);
    CHECK(*events_read(&e) == '\0');
    CHECK(buffer_holds(used, content, SIZE));
    CHECK(tells(events_read(&e), "use", SIZE, 1));
    sprint_buffer_free(freed);
    CHECK(tells(events_read(&e), "free", SIZE, 1));
    sprint_buffer_free(used);
    events_close(&e);
}

static void without_a_descriptor_nothing_is_told(void) {
    static struct events e;
    sprint_buffer heard = 0, unheard = 0;

    events_open(&e);
    CHECK_IS(SPRINT_OK, sprint_buffer_random(SIZE, 0, &heard));
    CHECK(are_lines(events_read(&e)));
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(-1));
    CHECK_IS(SPRINT_OK, sprint_buffer_random(SIZE, 0, &unheard));
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(heard));
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(unheard));
    sprint_buffer_free(heard);
    sprint_buffer_free(unheard);
    CHECK(*events_read(&e) == '\0');
    events_close(&e);
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(-1));
    CHECK_IS(SPRINT_E_ARG, sprint_events_to_fd(e.ends[1])); /* closed by now */
}

/* Nothing waits for the reader of the lines. */
static void a_full_pipe_loses_lines_and_nothing_else(void) {
    static struct events e;
    static char block[4096];
    sprint_buffer buffer;
    int i;

    events_open(&e);
    while (write(e.ends[1], block, sizeof block) > 0)
        continue;
    for (i = 0; i < 50; i++) {
        buffer = buffer_of(content, SIZE);
        CHECK(buffer_holds(buffer, content, SIZE));
        sprint_buffer_free(buffer);
    }
    events_close(&e);
}

static void a_pipe_without_a_reader_raises_no_signal(void) {
    sprint_buffer buffer;
    int ends[2];

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(ends[1]));
    CHECK(close(ends[0]) == 0);
    buffer = buffer_of(content, SIZE); /* SIGPIPE would end this program */
    CHECK(buffer_holds(buffer, content, SIZE));
    sprint_buffer_free(buffer);
    CHECK_IS(SPRINT_OK, sprint_events_to_fd(-1));
    CHECK(close(ends[1]) == 0);
}

const struct rule event_rules[] = {
    RULE(every_event_tells_size_and_result_and_never_content),
    RULE(what_happens_to_older_secrets_is_told_too),
    RULE(without_a_descriptor_nothing_is_told),
    RULE(a_full_pipe_loses_lines_and_nothing_else),
    RULE(a_pipe_without_a_reader_raises_no_signal),
    NO_MORE_RULES,
};
