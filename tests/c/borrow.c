/* borrow.c - rules about borrowed secrets: who may, until when, and on eight threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "rules.h"
#include "support.h"

/* Each call on a buffer while nothing, a READ or a WRITE borrow is open. */
static void borrows_follow_their_matrix(void) {
    static const struct {
        int32_t open; /**< 0: nothing */
        sprint_status open_read, open_write, read, write, use, close;
    } rows[] = {
        {0, SPRINT_OK, SPRINT_OK, SPRINT_OK, SPRINT_OK, SPRINT_OK, SPRINT_E_STATE},
        {SPRINT_READ, SPRINT_OK, SPRINT_E_STATE, SPRINT_OK, SPRINT_E_STATE, SPRINT_OK, SPRINT_OK},
        {SPRINT_WRITE, SPRINT_E_STATE, SPRINT_E_STATE, SPRINT_E_STATE, SPRINT_E_STATE,
         SPRINT_E_STATE, SPRINT_OK},
    };
    sprint_buffer other = buffer_of("0123456789abcdef", 16), b;
    unsigned char copy[64];
    void *data, *more;
    int32_t equal;
    size_t i, len;

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        b = buffer_of("0123456789abcdef", 16);
        data = NULL;
        len = 0;
        if (rows[i].open != 0) {
            CHECK_IS(SPRINT_OK, sprint_buffer_open(b, rows[i].open, &data, &len));
            CHECK(len == 16 && data != NULL && memcmp(data, "0123456789abcdef", 16) == 0);
        }
        CHECK_IS(rows[i].read, sprint_buffer_read(b, 0, copy, 16));
        CHECK_IS(rows[i].write, sprint_buffer_write(b, 0, "0123456789abcdef", 16));
        CHECK_IS(rows[i].use, sprint_buffer_equal(b, other, &equal));
        CHECK_IS(rows[i].use, sprint_buffer_equal(other, b, &equal));
        CHECK_IS(rows[i].use, sprint_buffer_equal(b, b, &equal));
        CHECK_IS(rows[i].use, sprint_buffer_hmac(b, SPRINT_HASH_SHA256, "m", 1, copy, 64, NULL));
        CHECK_IS(SPRINT_OK, sprint_buffer_len(b, &len));
        more = &data;
        CHECK_IS(rows[i].open_read, sprint_buffer_open(b, SPRINT_READ, &more, NULL));
        if (rows[i].open_read == SPRINT_OK) {
            CHECK(more != &data && (data == NULL || more == data));
            CHECK_IS(SPRINT_OK, sprint_buffer_close(b));
        } else {
            CHECK(more == &data); /* outputs on success only */
        }
        CHECK_IS(rows[i].open_write, sprint_buffer_open(b, SPRINT_WRITE, &more, NULL));
        if (rows[i].open_write == SPRINT_OK)
            CHECK_IS(SPRINT_OK, sprint_buffer_close(b));
        CHECK_IS(rows[i].close, sprint_buffer_close(b));
        CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(b)); /* one close per open */
        CHECK_IS(SPRINT_OK, sprint_buffer_write(b, 0, "x", 1));
        sprint_buffer_free(b);
    }
    sprint_buffer_free(other);
}

static void open_refuses_bad_modes_and_null(void) {
    static const int32_t modes[] = {0, 3, 4, -1, INT32_MIN, INT32_MAX};
    sprint_buffer buffer = buffer_of("x", 1);
    void *data = &buffer;
    size_t i;

    for (i = 0; i < sizeof modes / sizeof *modes; i++)
        CHECK_IS(SPRINT_E_ARG, sprint_buffer_open(buffer, modes[i], &data, NULL));
    CHECK_SAYS("mode");
    CHECK_IS(SPRINT_E_ARG, sprint_buffer_open(buffer, SPRINT_READ, NULL, NULL));
    CHECK(data == &buffer);
    CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(buffer)); /* none of them opened it */
    sprint_buffer_free(buffer);
}

static void what_a_writer_borrows_is_the_buffer_itself(void) {
    sprint_buffer buffer = buffer_of("0123456789", 10);
    char copy[10];
    void *data = NULL;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_WRITE, &data, NULL));
    memcpy(data, "in place", 8);
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK_IS(SPRINT_OK, sprint_buffer_read(buffer, 0, copy, 10));
    CHECK(memcmp(copy, "in place89", 10) == 0);
    sprint_buffer_free(buffer);
}

static void a_write_through_a_read_borrow_is_a_fault(void) {
    sprint_buffer buffer = buffer_of("0123456789", 10);
    void *data = NULL;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &data, NULL));
    CHECK(write_faults(data));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK(buffer_holds(buffer, "0123456789", 10));
    CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 0, "X", 1)); /* writable again */
    sprint_buffer_free(buffer);
}

static void a_buffer_freed_while_borrowed_lives_until_the_last_close(void) {
    uint64_t alive = memory_now().buffers;
    sprint_buffer buffer = buffer_of("0123456789abcdef", 16);
    void *first = NULL, *second = NULL;
    unsigned char copy[16];
    size_t len;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &first, NULL));
    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_READ, &second, NULL));
    sprint_buffer_free(buffer);
    sprint_buffer_free(buffer);
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_len(buffer, &len));
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_read(buffer, 0, copy, 16));
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_write(buffer, 0, copy, 16));
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_open(buffer, SPRINT_READ, &second, NULL));
    CHECK_IS(SPRINT_E_HANDLE,
             sprint_buffer_hmac(buffer, SPRINT_HASH_SHA256, "", 0, copy, 16, NULL));
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK(memcmp(first, "0123456789abcdef", 16) == 0);
    CHECK_IS(SPRINT_OK, sprint_buffer_close(buffer));
    CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_close(buffer));
    CHECK(memory_now().buffers == alive);
}

/* A secret that nothing was done with yet is not open either. */
static void a_new_buffer_is_not_open(void) {
    static const uint32_t flags[] = {0, SPRINT_BUFFER_FAST, SPRINT_BUFFER_NOACCESS};
    sprint_buffer buffer;
    size_t i;

    for (i = 0; i < sizeof flags / sizeof *flags; i++) {
        CHECK_IS(SPRINT_OK, sprint_buffer_random(32, flags[i], &buffer));
        CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(buffer));
        CHECK_IS(SPRINT_OK, sprint_buffer_write(buffer, 0, "x", 1));
        sprint_buffer_free(buffer);
        CHECK_IS(SPRINT_E_HANDLE, sprint_buffer_close(buffer));
    }
}

static void damage_below_the_data_is_found_when_it_is_freed(void) {
    uint64_t failures = memory_now().canary_failures;
    sprint_buffer buffer = buffer_of("0123456789abcdef", 16), next = 0;
    void *data = NULL;

    CHECK_IS(SPRINT_OK, sprint_buffer_open(buffer, SPRINT_WRITE, &data, NULL));
    ((volatile unsigned char *)data)[-1] ^= 0xff;
    sprint_buffer_free(buffer);
    CHECK_IS(SPRINT_E_CORRUPT, sprint_buffer_close(buffer));
    CHECK(memory_now().canary_failures == failures + 1);
    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(16, 0, &next)); /* the others go on */
    sprint_buffer_free(next);
}

enum { THREADS = 8, SECRET = 4096 };

static sprint_buffer shared;
static atomic_int stop, torn, refused_writes, wrong;

/* Copies are whole: every byte of the buffer is the same at any moment. */
static void *copy_in_and_out(void *arg) {
    unsigned char bytes[SECRET];
    unsigned turn = (unsigned)(uintptr_t)arg;
    int32_t equal;

    while (!atomic_load(&stop)) {
        switch (turn++ % 4) {
        case 0:
            memset(bytes, (int)(turn & 0xff), sizeof bytes);
            if (sprint_buffer_write(shared, 0, bytes, sizeof bytes) != SPRINT_OK)
                atomic_fetch_add(&refused_writes, 1);
            break;
        case 1:
            if (sprint_buffer_equal(shared, shared, &equal) != SPRINT_OK || !equal)
                atomic_fetch_add(&wrong, 1);
            break;
        default:
            if (sprint_buffer_read(shared, 0, bytes, sizeof bytes) != SPRINT_OK)
                atomic_fetch_add(&wrong, 1);
            else if (!all_bytes(bytes, sizeof bytes, bytes[0]))
                atomic_fetch_add(&torn, 1);
        }
    }
    return NULL;
}

static void copies_on_eight_threads_are_whole(void) {
    pthread_t threads[THREADS];
    int i;

    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SECRET, 0, &shared));
    atomic_store(&stop, 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, copy_in_and_out, (void *)(uintptr_t)i) == 0);
    sleep_ms(settings.seconds * 300); /* the length of the run */
    atomic_store(&stop, 1);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(torn == 0 && refused_writes == 0 && wrong == 0);
    sprint_buffer_free(shared);
}

static atomic_int writers_inside, readers_inside, opened;

/* Readers share, a writer is alone, and nobody ever waits. */
static void *borrow(void *arg) {
    unsigned turn = (unsigned)(uintptr_t)arg;
    int write;
    unsigned char *bytes;
    void *data;
    sprint_status status;

    while (!atomic_load(&stop)) {
        write = turn++ % 4 == 0;
        status = sprint_buffer_open(shared, write ? SPRINT_WRITE : SPRINT_READ, &data, NULL);
        if (status != SPRINT_OK) {
            if (status != SPRINT_E_STATE)
                atomic_fetch_add(&wrong, 1);
            continue;
        }
        atomic_fetch_add(&opened, 1);
        bytes = data;
        if (write) {
            if (atomic_fetch_add(&writers_inside, 1) != 0 || atomic_load(&readers_inside) != 0)
                atomic_fetch_add(&wrong, 1);
            memset(bytes, (int)(turn & 0xff), SECRET);
        } else {
            atomic_fetch_add(&readers_inside, 1);
            if (atomic_load(&writers_inside) != 0)
                atomic_fetch_add(&wrong, 1);
        }
        if (!all_bytes(bytes, SECRET, bytes[0]))
            atomic_fetch_add(&torn, 1);
        atomic_fetch_sub(write ? &writers_inside : &readers_inside, 1);
        if (sprint_buffer_close(shared) != SPRINT_OK)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void borrows_on_eight_threads_exclude_each_other(void) {
    pthread_t threads[THREADS];
    int i;

    CHECK_IS(SPRINT_OK, sprint_buffer_alloc(SECRET, 0, &shared));
    atomic_store(&stop, 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, borrow, (void *)(uintptr_t)i) == 0);
    sleep_ms(settings.seconds * 300); /* the length of the run */
    atomic_store(&stop, 1);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(opened > 0 && torn == 0 && wrong == 0);
    CHECK_IS(SPRINT_E_STATE, sprint_buffer_close(shared));
    sprint_buffer_free(shared);
}

const struct rule borrow_rules[] = {
    RULE(borrows_follow_their_matrix),
    RULE(open_refuses_bad_modes_and_null),
    RULE(what_a_writer_borrows_is_the_buffer_itself),
    RULE(a_write_through_a_read_borrow_is_a_fault),
    RULE(a_buffer_freed_while_borrowed_lives_until_the_last_close),
    RULE(a_new_buffer_is_not_open),
    RULE(damage_below_the_data_is_found_when_it_is_freed),
    RULE(copies_on_eight_threads_are_whole),
    RULE(borrows_on_eight_threads_exclude_each_other),
    NO_MORE_RULES,
};
