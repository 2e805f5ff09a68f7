/* support.h - the TLS server under test's control, pools to it, and small helpers. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "sprint.h"

/** What the command line said. */
struct settings {
    const char *address; /**< host:port of the relay */
    const char *control; /**< host:port of its switches */
    const char *dir;     /**< ca.pem and the others */
    int slow;            /**< factor on the time that things may take: 1, more under Valgrind */
    int seconds;         /**< how long the hostile threads run */
};

extern struct settings settings;

/** Turn a switch of the relay, "delay_ms=50". */
void relay_set(const char *query);
/** Everything back to good behaviour. */
void relay_reset(void);
/** A number from the relay's /stats. */
long relay_stat(const char *name);

/** HTTP/1.0 request; the status code, or -1. The answer, headers included, is in buf. */
int http(const char *method, const char *address, const char *path, char *buf, size_t cap);

/** Whether a GET is answered with this code, or not at all (-1); if not, prints what came. */
int get_is(int code, const char *address, const char *path, char *buf, size_t cap);

/** Options of a pool; what is 0 keeps the library's default. */
struct pool_options {
    const char *endpoint; /**< the relay, if NULL */
    const char *ca_file;  /**< the relay's root, if NULL */
    int64_t max_connections, max_waiters, acquire_timeout_ms, connect_timeout_ms;
};

/** A pool, or 0 with a failed check. Free it with sprint_pool_free(). */
sprint_pool pool_make(struct pool_options options);
/** A lease from the pool, or 0 with a failed check. */
sprint_conn lease(sprint_pool pool);
/** A lease that is in echo mode, or 0 with a failed check. */
sprint_conn lease_echo(sprint_pool pool);
/** A snapshot of the counters. */
sprint_pool_stats stats_of(sprint_pool pool);

/** A pool of one and its lease in echo mode. */
struct line {
    sprint_pool pool;
    sprint_conn conn;
};

struct line line_open(void);
void line_close(struct line *l);

/** A buffer that holds these bytes, or 0 with a failed check. */
sprint_buffer buffer_of(const void *bytes, size_t len);
/** Whether a buffer holds exactly these bytes. */
int buffer_holds(sprint_buffer buffer, const void *bytes, size_t len);
/** Whether the lifetime of the sprint_buffer at this address is over. */
int has_expired(void *buffer);
/** A snapshot of secure memory. */
sprint_memory_stats memory_now(void);
/** What sprint_memory_set() chose is as at the start again. */
void memory_defaults(void);
/** Give free slots back to the kernel; the bytes that are still locked. */
uint64_t memory_trimmed(void);
/** Whether a read of the byte at p is a fault. */
int read_faults(const void *p);
/** Whether a write of the byte at p is a fault; if not, it holds what it held. */
int write_faults(void *p);
/** The number of a member in JSON text, or -1. */
long json_number(const char *json, const char *name);
/** The bytes that hexadecimal text stands for; how many. */
size_t unhex(const char *hex, unsigned char *bytes);
/** Whether every byte of p is this one. */
int all_bytes(const unsigned char *p, size_t len, unsigned char byte);

/** Monotonic milliseconds. */
int64_t now_ms(void);
/** A call that ends when it should ends within this time on the busiest machine; one that
 * does not goes on for the LONG_MS that the rules give such calls. */
enum { PROMPT_MS = 20000, LONG_MS = 60000 };
/** Whether at least so many milliseconds passed since started, and at most PROMPT_MS. */
int took(int64_t started, int64_t least);
/** The quickest of a few times that once(arg) took and returns, in milliseconds; no more are
 * tried after one of at most enough. A busy machine may be late once, but not each time. */
int64_t quickest(int64_t (*once)(void *arg), void *arg, int64_t enough);
void sleep_ms(int64_t ms);
/** Poll cond() every 2 ms for up to PROMPT_MS times settings.slow; whether it held in the end. */
int eventually(int (*cond)(void *arg), void *arg);
/** Bytes 0, 1, 2 ... scrambled, the same for the same seed. */
void fill_pattern(unsigned char *buf, size_t len, unsigned seed);
/** Open descriptors of this process. */
int count_fds(void);
/** Whether this is an open descriptor. */
int is_open(int fd);
/** 1: SIGPIPE ends the process, as by default; 0: as it was before that. */
void sigpipe_kills(int does);
/** A port of loopback that refuses, as host:port; end it with stop_refusing(). */
intptr_t refuse(char *address, size_t cap);
void stop_refusing(intptr_t refusing);

#endif
