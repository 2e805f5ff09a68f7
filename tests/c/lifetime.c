/* lifetime.c - rules about secrets that rest sealed, and secrets that expire. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>

#include "calls.h"
#include "rules.h"
#include "support.h"

static const unsigned char content[] = "0123456789abcdef0123456789abcdef";
enum { SIZE = sizeof content - 1 }; /* a key of AES-256, a seed of Ed25519 */

static sprint_buffer sealed_one(void) {
    sprint_buffer buffer = buffer_of(content, SIZE);

    CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer));
    return buffer;
}

static void seal_is_refused_while_a_borrow_is_open(void) {
    static const int32_t modes[] = {SPRINT_READ, SPRINT_WRITE};
    uint64_t sealed = memory_now().sealed;
    sprint_buffer buffer = buffer_of(content, SIZE);
    void *data;
    int i;

    for (i = 0; i < 2; i++) {
        CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, modes[i], &data, NULL));
        CHECK_IS(SPRINT_E_STATE, sprint_buffer_seal(buffer));
        CHECK(memcmp(data, content, SIZE) == 0);
        CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    }
    CHECK(memory_now().sealed == sealed);
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer));
    CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer)); /* is sealed already */
    CHECK(memory_now().sealed == sealed + 1);
    CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(buffer));
    sprint_buffer_free(buffer);
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_seal(buffer));
    CHECK(memory_now().sealed == sealed);
}

static void a_sealed_secret_is_in_no_locked_memory(void) {
    static const uint32_t flags[] = {0, SPRINT_BUFFER_FAST, SPRINT_BUFFER_NOACCESS};
    sprint_buffer buffer;
    void *data;
    size_t i;

    for (i = 0; i < sizeof flags / sizeof *flags; i++) {
        data = NULL;
        CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SIZE, flags[i], &buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 0, content, SIZE));
        CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
        CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer));
        CHECK(read_faults(data) || all_bytes(data, SIZE, 0));
        CHECK(buffer_holds(buffer, content, SIZE));
        sprint_buffer_free(buffer);
    }
}

/* Through the table: hmac, sign, encrypt and so on, each of them on a sealed secret. */
static void every_use_brings_a_sealed_secret_back(void) {
    uint64_t sealed = memory_now().sealed, alive = memory_now().buffers;
    struct line l = line_open();
    sprint_status status;
    size_t len;
    int i;

    calls_conn = l.conn;
    calls_buffer = sealed_one();
    CHECK_IS(SPRINT_OK, sprint_config_new(settings.address, &calls_config));
    for (i = 0; i < call_count; i++) {
        sprint_buffer buffer = sealed_one();

        if (calls[i].kind == KIND_BUFFER && !calls[i].is_void) {
            status = calls[i].run(buffer);
            CHECK(call_allows(&calls[i], status) && status != SPRINT_E_HANDLE);
            CHECK_IS(SPRINT_OK, sprint_buffer_len(buffer, &len));
            CHECK(len == SIZE);
            while (sprint_buffer_close(buffer) == SPRINT_OK)
                continue; /* what open left */
        }
        sprint_buffer_free(buffer);
    }
    sprint_config_free(calls_config);
    sprint_buffer_free(calls_buffer);
    line_close(&l);
    CHECK(memory_now().sealed == sealed && memory_now().buffers == alive);
}

static void a_secret_that_was_sealed_is_what_it_was(void) {
    static const size_t sizes[] = {1, 16, 4096, 5000, 100000};
    static unsigned char bytes[100000], copy[100000];
    uint64_t sealed = memory_now().sealed;
    sprint_buffer buffer;
    void *data;
    size_t i, n;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill_pattern(bytes, sizes[i], (unsigned)i);
        memcpy(copy, bytes, sizes[i]);
        CHECK_IS(SPRINT_OK, sprint_buffer_from(copy, sizes[i], 0, &buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer)); /* from where it was made */
        CHECK(memory_now().sealed == sealed + 1);
        CHECK(buffer_holds(buffer, bytes, sizes[i]));
        CHECK(memory_now().sealed == sealed);
        CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_WRITE, &data, &n));
        CHECK(n == sizes[i] && memcmp(data, bytes, n) == 0);
        *(unsigned char *)data ^= 1;
        bytes[0] ^= 1;
        CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_seal(buffer));
        CHECK(buffer_holds(buffer, bytes, sizes[i]));
        sprint_buffer_free(buffer);
    }
}

static void a_lifetime_is_above_zero_and_can_be_moved(void) {
    sprint_buffer moved = buffer_of(content, SIZE), clock = buffer_of("x", 1);
    sprint_status status;
    int64_t started;

    CHECK_IS(SPRINT_E_ARG, sprint_buffer_expire_after(moved, 0));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_expire_after(moved, -1));
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_expire_after(moved, INT64_MIN));
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(moved, INT64_MAX));
    CHECK(buffer_holds(moved, content, SIZE));
    do { /* until the machine is quick enough to be in time */
        sprint_buffer_free(moved);
        moved = buffer_of(content, SIZE);
        started = now_ms();
        CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(moved, 500));
        status = sprint_buffer_expire_after(moved, 600000); /* later */
    } while (now_ms() - started >= 500);
    CHECK_IS(SPRINT_OK, status);
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(clock, 510));
    CHECK(eventually(has_expired, &clock));
    CHECK(buffer_holds(moved, content, SIZE));
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(moved, 1)); /* earlier */
    CHECK(eventually(has_expired, &moved));
    CHECK_IS(SPRINT_E_EXPIRED, sprint_buffer_expire_after(moved, 600000)); /* too late */
    sprint_buffer_free(moved);
    sprint_buffer_free(clock);
}

/* Whether a call works on the secret itself. */
static int is_a_use(const struct call *call) {
    return call->kind == KIND_BUFFER && !call->is_void &&
           strcmp(call->name, "sprint_buffer_len") != 0 &&
           strcmp(call->name, "sprint_buffer_close") != 0 &&
           strcmp(call->name, "sprint_buffer_protection") != 0 &&
           strncmp(call->name, "sprint_config_", 14) != 0;
}

static void refused_as_expired_by_all(sprint_buffer buffer) {
    int i, uses = 0;

    for (i = 0; i < call_count; i++)
        if (is_a_use(&calls[i]))
            uses += CHECK_IS(SPRINT_E_EXPIRED, calls[i].run(buffer));
    CHECK(uses >= 14);
}

static void an_expired_secret_is_refused_by_every_use(void) {
    uint64_t alive = memory_now().buffers, sealed = memory_now().sealed;
    struct line l = line_open();
    sprint_buffer buffers[2];
    size_t len;
    int i;

    calls_conn = l.conn;
    calls_buffer = buffer_of(content, SIZE);
    buffers[0] = buffer_of(content, SIZE);
    buffers[1] = sealed_one();
    for (i = 0; i < 2; i++)
        CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(buffers[i], 1));
    for (i = 0; i < 2; i++) {
        CHECK(eventually(has_expired, &buffers[i]));
        refused_as_expired_by_all(buffers[i]);
        CHECK_IS(SPRINT_OK, sprint_buffer_len(buffers[i], &len)); /* no secret */
        CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(buffers[i]));
    }
    CHECK(memory_now().buffers == alive + 3 && memory_now().sealed == sealed);
    for (i = 0; i < 2; i++) {
        sprint_buffer_free(buffers[i]);
        CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_len(buffers[i], &len));
    }
    sprint_buffer_free(calls_buffer);
    CHECK(memory_now().buffers == alive);
    line_close(&l);
}

static int is_closed_to_all(void *place) {
    return read_faults(place);
}

/* Nothing is called on it: the library's own clock does it. */
static void an_expired_secret_is_wiped_without_a_call(void) {
    sprint_buffer buffer = buffer_of(content, SIZE);
    void *data = NULL;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK(!read_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(buffer, 30));
    CHECK(eventually(is_closed_to_all, data));
    sprint_buffer_free(buffer);
}

/* As with a buffer that is freed while it is borrowed, but for the handle. */
static void a_borrow_outlives_the_lifetime(void) {
    static const int32_t modes[] = {SPRINT_READ, SPRINT_WRITE};
    sprint_buffer buffer;
    void *data, *more = &buffer;
    int i;

    for (i = 0; i < 2; i++) {
        buffer = buffer_of(content, SIZE);
        data = NULL;
        CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, modes[i], &data, NULL));
        if (modes[i] == SPRINT_READ)
            CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
        CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(buffer, 1));
        CHECK(eventually(has_expired, &buffer));
        CHECK_IS(SPRINT_E_EXPIRED, sprint_buffer_open(buffer, SPRINT_READ, &more, NULL));
        CHECK_IS(SPRINT_E_EXPIRED, sprint_buffer_seal(buffer));
        CHECK(memcmp(data, content, SIZE) == 0 && more == &buffer);
        if (modes[i] == SPRINT_READ) {
            CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
            CHECK(memcmp(data, content, SIZE) == 0);
        }
        CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
        CHECK(read_faults(data));
        CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(buffer));
        sprint_buffer_free(buffer);
    }
}

static void an_expired_secret_can_be_freed_while_it_is_borrowed(void) {
    uint64_t alive = memory_now().buffers;
    sprint_buffer buffer = buffer_of(content, SIZE);
    void *data = NULL;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
    CHECK_IS(SPRINT_OK, sprint_buffer_expire_after(buffer, 1));
    CHECK(eventually(has_expired, &buffer));
    sprint_buffer_free(buffer);
    CHECK(memory_now().buffers == alive);
    CHECK(memcmp(data, content, SIZE) == 0);
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_close(buffer));
    CHECK(read_faults(data));
}

const struct rule lifetime_rules[] = {
    RULE(seal_is_refused_while_a_borrow_is_open),
    RULE(a_sealed_secret_is_in_no_locked_memory),
    RULE(every_use_brings_a_sealed_secret_back),
    RULE(a_secret_that_was_sealed_is_what_it_was),
    RULE(a_lifetime_is_above_zero_and_can_be_moved),
    RULE(an_expired_secret_is_refused_by_every_use),
    RULE(an_expired_secret_is_wiped_without_a_call),
    RULE(a_borrow_outlives_the_lifetime),
    RULE(an_expired_secret_can_be_freed_while_it_is_borrowed),
    NO_MORE_RULES,
};
