/**
 * @file sprint.h
 * The C interface of libsprint.
 *
 * Two things a process can trust: a pool of warm, verified TLS connections
 * (sprint_pool, sprint_conn) and locked, guarded, wiped memory for secrets that
 * is used in place (sprint_buffer).
 *
 * Conventions, true for every function unless its own comment says otherwise:
 *
 * - Handles. Objects are 64-bit handles, never pointers; 0 is no handle. A stale,
 *   forged, freed or wrong-kind handle is SPRINT_E_HANDLE, never undefined
 *   behaviour. The functions that return void (free, release, discard) ignore
 *   such a handle.
 * - Errors. A sprint_status is 0 or negative. A failing call leaves a sentence for
 *   sprint_last_error() on its thread; a successful call never clears it.
 * - Outputs. Last parameters, written on success only (sprint_conn_read_exact and
 *   the *needed sizes are the named exceptions). Handles are set to 0 on failure.
 * - Text. (char *buf, size_t cap, size_t *needed): needed counts the NUL, the text
 *   is always terminated if cap > 0, and a short buffer is SPRINT_E_RANGE.
 * - Time. Durations are int64_t milliseconds, and one absolute deadline, taken when
 *   the call starts, covers everything the call does.
 * - Threads. sprint_config: one thread at a time. sprint_pool, sprint_buffer and all
 *   functions without a handle: any thread, at the same time. sprint_conn: at most
 *   one reader and one writer at the same time; a second one is SPRINT_E_STATE.
 *   Freeing an object that another thread is using is safe: the handle dies at
 *   once, the other call finishes (an I/O call returns SPRINT_E_CLOSED).
 * - Fork. A process forked after the library was loaded gets SPRINT_E_FORKED from
 *   every call; what returns void does nothing there. Child processes that exec,
 *   or that load the library themselves, are not concerned.
 * - Signals. No function is async-signal-safe. EINTR never reaches the caller.
 * - Loading. Load early, never dlclose (it has no effect), never from a constructor.
 * - Windows. Connections have no descriptor to poll: sprint_conn_try_read(),
 *   sprint_conn_try_write() and sprint_conn_poll_info() are SPRINT_E_UNSUPPORTED, and I/O
 *   with a timeout of 0 takes about 1 ms. What log and events are written to is a HANDLE,
 *   cast to int32_t. Pages that Linux closes are read-only.
 */
#ifndef SPRINT_H
#define SPRINT_H

#include <stddef.h>
#include <stdint.h>

/** Changes when a host has to be compiled anew; the number in the SONAME. */
#define SPRINT_VERSION_MAJOR 1
/** Counts additions: functions, options, codes, fields at the end of structs. */
#define SPRINT_VERSION_MINOR 0
/** Counts releases that add nothing. */
#define SPRINT_VERSION_PATCH 0
/** The interface that a host was compiled against, for sprint_init(). */
#define SPRINT_ABI (SPRINT_VERSION_MAJOR * 0x10000u + SPRINT_VERSION_MINOR)

#ifndef SPRINT_API
#if defined(_WIN32) && !defined(SPRINT_BUILD)
#define SPRINT_API extern __declspec(dllimport)
#elif defined(SPRINT_BUILD) && defined(__GNUC__)
#define SPRINT_API extern __attribute__((visibility("default")))
#else
#define SPRINT_API extern
#endif
#endif
#if defined(__GNUC__) && !defined(SPRINT_NO_ATTRS)
/** A function whose status must not be ignored; define SPRINT_NO_ATTRS to do so without a warning. */
#define SPRINT_CALL __attribute__((warn_unused_result)) SPRINT_API sprint_status
#else
#define SPRINT_CALL SPRINT_API sprint_status
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Result of a call: SPRINT_OK or one of the negative codes below.
 *
 * An int32_t, never an enum type, so that the codes of a newer library stay legal
 * values. Numbers are frozen; new ones are appended.
 */
typedef int32_t sprint_status;

/** The codes of ::sprint_status; docs/errors.md says of each what to do. */
enum {
    SPRINT_OK = 0,
    SPRINT_E_ARG = -1,           /**< NULL, bad size, bad value; the text names which */
    SPRINT_E_HANDLE = -2,        /**< 0, stale, freed twice, forged or of another kind */
    SPRINT_E_CLOSED = -3,        /**< the pool was closed, or the lease given up elsewhere */
    SPRINT_E_TIMEOUT = -4,       /**< the deadline passed */
    SPRINT_E_EXHAUSTED = -5,     /**< no connection free and no wait wanted, or too many waiters */
    SPRINT_E_EOF = -6,           /**< truncated: the peer went without close_notify */
    SPRINT_E_IO = -7,            /**< name resolution, connect, reset, errno */
    SPRINT_E_TLS = -8,           /**< handshake or record layer; the text holds the alert */
    SPRINT_E_CERT = -9,          /**< untrusted, expired or wrong-name certificate */
    SPRINT_E_RANGE = -10,        /**< caller's buffer too small; the needed size is reported */
    SPRINT_E_NOMEM = -11,        /**< out of ordinary memory or handles */
    SPRINT_E_MLOCK = -12,        /**< locked-memory limit reached; nothing else was lost */
    SPRINT_E_STATE = -13,        /**< call not valid in this state */
    SPRINT_E_UNSUPPORTED = -14,  /**< an option, flag or feature that this build does not know */
    SPRINT_E_FORKED = -15,       /**< this process was forked after the library was loaded */
    SPRINT_E_ABI = -16,          /**< header newer than the library, or of another major version */
    SPRINT_E_INTERNAL = -17,     /**< a bug of ours, caught; the handle is poisoned */
    SPRINT_E_BREAKER_OPEN = -18, /**< every endpoint's circuit breaker is open */
    SPRINT_E_WOULD_BLOCK = -19,  /**< nothing to be had now; poll and call again */
    SPRINT_E_EXPIRED = -20,      /**< the secret's lifetime is over */
    SPRINT_E_CORRUPT = -21,      /**< canary damaged by an overflow in the host */
    SPRINT_E_STALE = -22, /**< a reused connection died before any answer: retry if idempotent */
    SPRINT_E_CRYPTO = -23 /**< authentication failed, or a bad key */
};

/** A pool's settings being put together; copied by sprint_pool_new(). */
typedef uint64_t sprint_config;
/** A bounded pool of verified TLS connections. */
typedef uint64_t sprint_pool;
/** A connection on lease from a pool. */
typedef uint64_t sprint_conn;
/** A secret in locked, guarded memory. */
typedef uint64_t sprint_buffer;

/** sprint_pool_stats.breaker_state */
enum { SPRINT_BREAKER_CLOSED = 0, SPRINT_BREAKER_OPEN = 1, SPRINT_BREAKER_HALF_OPEN = 2 };

/**
 * Counters of a pool at one moment, for sprint_pool_stats_get().
 *
 * Set struct_size to sizeof before the call: the library writes the smaller of its
 * own and that size, and stores what it wrote. Fields are only ever appended.
 */
typedef struct sprint_pool_stats {
    uint32_t struct_size;     /**< in: sizeof; out: bytes written */
    uint32_t max_connections; /**< the hard bound */
    uint32_t idle;            /**< open and free */
    uint32_t lent;            /**< open and leased */
    uint32_t dialing;         /**< being connected; counts against the bound */
    uint32_t waiting;         /**< callers in sprint_pool_acquire() */
    uint32_t breaker_state;   /**< SPRINT_BREAKER_*; OPEN when every endpoint's is */
    uint32_t healthy;         /**< 1: as /healthz says, 0: not */
    uint64_t acquires;        /**< leases given */
    uint64_t dials;           /**< connections opened */
    uint64_t dial_errors;     /**< attempts that failed */
    uint64_t reconnects;      /**< dials that replaced a lost connection */
    uint64_t errors;          /**< failures of connections and of dials */
    uint64_t timeouts;        /**< acquires and I/O calls that ran out of time */
    uint64_t discards;        /**< leases that ended without going back to the pool */
    uint64_t bytes_sent;      /**< application bytes, before encryption */
    uint64_t bytes_received;  /**< application bytes, after decryption */
} sprint_pool_stats;

/** sprint_memory_stats.self_check */
enum { SPRINT_SELF_CHECK_NOT_RUN = 0, SPRINT_SELF_CHECK_PASSED = 1, SPRINT_SELF_CHECK_FAILED = 2 };

/** How a secret's pages are kept from others; sprint_memory_stats.backend */
enum {
    SPRINT_BACKEND_AUTO = 0,      /**< not chosen yet: nothing was allocated */
    SPRINT_BACKEND_SECRETMEM = 1, /**< memfd_secret(2): not even root reads it through the kernel */
    SPRINT_BACKEND_MLOCK = 2      /**< mlock(2), out of core dumps, wiped in forked children */
};

/** Secure memory of this process at one moment, for sprint_memory_stats_get(). */
typedef struct sprint_memory_stats {
    uint32_t struct_size;      /**< in: sizeof; out: bytes written */
    uint32_t enabled;          /**< 1: locked memory can be had, 0: it was refused */
    uint32_t self_check;       /**< SPRINT_SELF_CHECK_* */
    uint32_t backend;          /**< SPRINT_BACKEND_*, of the newest allocation */
    uint64_t buffers;          /**< alive */
    uint64_t sealed;           /**< of these, encrypted at rest */
    uint64_t locked_bytes;     /**< held locked by this library, free slots included */
    uint64_t lock_limit_bytes; /**< RLIMIT_MEMLOCK; UINT64_MAX: no limit */
    uint64_t slots_cached;     /**< free slots kept for reuse */
    uint64_t refused;          /**< allocations refused at a limit */
    uint64_t canary_failures;  /**< overflows found when a buffer was freed */
    uint64_t forks_refused;    /**< calls refused in forked children of this process */
    uint64_t unlocked;         /**< alive in pages that are not locked, see DEGRADE */
} sprint_memory_stats;

/* ------------------------------------------------------------------ library */

/**
 * Check that this library serves the interface the host was compiled against.
 *
 * Optional, idempotent, starts nothing. Hosts that dlopen should call it first.
 *
 * @param abi  pass SPRINT_ABI
 * @return SPRINT_OK, SPRINT_E_ABI, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 * Example: tests/examples/c/first.c
 */
SPRINT_CALL sprint_init(uint32_t abi);

/**
 * Version of the library at run time, "MAJOR.MINOR.PATCH".
 *
 * @return a static string
 *
 * Threads: any. Blocks: no. Owner: the library. Since: 1.0.
 */
SPRINT_API const char *sprint_version(void);

/**
 * One sentence for a status code.
 *
 * @param status  any number; unknown ones get "unknown status"
 * @return a static string, never NULL
 *
 * Threads: any. Blocks: no. Owner: the library. Since: 1.0.
 */
SPRINT_API const char *sprint_strerror(sprint_status status);

/**
 * The name of a status code, "SPRINT_E_TIMEOUT", for logs.
 *
 * @param status  any number; unknown ones get "SPRINT_E_UNKNOWN"
 * @return a static string, never NULL
 *
 * Threads: any. Blocks: no. Owner: the library. Since: 1.0.
 */
SPRINT_API const char *sprint_errname(sprint_status status);

/**
 * What went wrong in the last failing call on this thread: the option, endpoint
 * or argument and the cause. Never holds a secret.
 *
 * @param[out] text  filled and terminated if cap > 0; may be NULL if cap is 0
 * @param cap        size of text in bytes
 * @return bytes needed with the NUL; 1 when nothing has failed on this thread
 *
 * Threads: any; each has its own text. Blocks: no. Since: 1.0.
 */
SPRINT_API size_t sprint_last_error(char *text, size_t cap);

/** Levels of sprint_log_to_fd(), those of Go's log/slog. */
enum {
    SPRINT_LOG_TRACE = -8,
    SPRINT_LOG_DEBUG = -4,
    SPRINT_LOG_INFO = 0,
    SPRINT_LOG_WARN = 4,
    SPRINT_LOG_ERROR = 8
};

/**
 * Write log lines (JSON, one write(2) each) to a descriptor of the host.
 *
 * Off at the start; silence costs nothing. The descriptor stays the host's: it is
 * never closed here, and must stay open until logging is off again. A line that
 * the descriptor does not take at once (a full pipe) is dropped, never waited for
 * if the descriptor is non-blocking. When this returns, nothing is written to the
 * descriptor that was set before.
 *
 * @param fd     where to write; < 0: off
 * @param level  least level written, SPRINT_LOG_*
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Owner: the host keeps fd. Since: 1.0.
 */
SPRINT_CALL sprint_log_to_fd(int32_t fd, int32_t level);

/* ------------------------------------------------------------ configuration */

/**
 * Options of sprint_config_set_*(). Numbers are frozen; one that this library does
 * not know is SPRINT_E_UNSUPPORTED. _MS: milliseconds. _US: microseconds.
 */
enum {
    SPRINT_OPT_NAMESPACE = 1,       /**< str: prefix of metric names; "secure_channel" */
    SPRINT_OPT_MAX_CONNECTIONS = 2, /**< int: hard bound, 1..65536; 100 */
    SPRINT_OPT_MIN_IDLE = 3,        /**< int: 0..max; 10, or max if that is less */
    SPRINT_OPT_MAX_WAITERS = 4,     /**< int: 1..1048576; 4 x max */
    SPRINT_OPT_MAX_LATENCY_MS = 5,  /**< int: p95 above it is slow; 500, 0: off */
    SPRINT_OPT_MAX_LIFETIME_MS = 6, /**< int: age to replace at, less up to 20 %; 1800000, 0: off */
    SPRINT_OPT_IDLE_TIMEOUT_MS = 7, /**< int: idle for longer is closed; 300000, 0: off */
    SPRINT_OPT_CONNECT_TIMEOUT_MS = 8,  /**< int: one dial, handshake included; 5000 */
    SPRINT_OPT_CLEANUP_INTERVAL_MS = 9, /**< int: the cleanup task sleeps at most; 300000 */
    SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS = 10,    /**< int: latency window; 3600000 */
    SPRINT_OPT_KEY_ROTATION_INTERVAL_MS = 11,          /**< int: as MAX_LIFETIME; 3600000, 0: off */
    SPRINT_OPT_CIRCUIT_BREAKER_FAILURE_THRESHOLD = 12, /**< int: failed dials in a row; 5, 0: off */
    SPRINT_OPT_CIRCUIT_BREAKER_COOLDOWN_MS = 13,       /**< int: longest open time; 60000 */
    SPRINT_OPT_METRICS_HOST = 20,                      /**< str: where to listen; "127.0.0.1" */
    SPRINT_OPT_METRICS_PORT = 21,                      /**< int: 0..65535, 0: any free one; 9090 */
    SPRINT_OPT_METRICS_AUTH_TOKEN = 22,                /**< str or buffer: none */
    SPRINT_OPT_METRICS_PUBLIC = 23,  /**< int: 1 allows a non-loopback host without a token; 0 */
    SPRINT_OPT_SERVER_NAME = 30,     /**< str: name verified and sent; the endpoint's host */
    SPRINT_OPT_CA_FILE = 31,         /**< str: PEM roots, instead of the system's */
    SPRINT_OPT_CA_PEM = 32,          /**< bytes: PEM roots, instead of the system's */
    SPRINT_OPT_CERT_FILE = 33,       /**< str: PEM chain to show to a peer that asks */
    SPRINT_OPT_CERT_PEM = 34,        /**< bytes: the same */
    SPRINT_OPT_KEY_FILE = 35,        /**< str: its private key, PEM; kept in ordinary memory */
    SPRINT_OPT_KEY = 36,             /**< buffer: its private key instead, opened only to sign:
                                            PKCS#8, SEC 1 or PKCS#1, DER or PEM, or an Ed25519 seed
                                            of 32 bytes */
    SPRINT_OPT_PIN_SHA256 = 37,      /**< str: base64 of a key's hash that the chain must hold;
                                            each call adds one */
    SPRINT_OPT_ALPN = 38,            /**< str: protocols to offer, comma-separated */
    SPRINT_OPT_MIN_TLS_VERSION = 39, /**< int: 12 or 13; 13 */
    SPRINT_OPT_IDLE_ORDER = 40,      /**< str: lifo, fifo or latency; "lifo" */
    SPRINT_OPT_ENDPOINT_ORDER = 41,  /**< str: failover or latency; "failover" */
    SPRINT_OPT_BUSY_POLL_US = 42,    /**< int: spin this long for an answer; 0 */
    SPRINT_OPT_PROBE_SWEEP_MS = 43,  /**< int: the cleanup task looks at idle ones; 10000, 0: off */
    SPRINT_OPT_DNS_REFRESH_MS = 44,  /**< int: names are resolved anew; 30000, 0: off */
    SPRINT_OPT_MAX_DIALS = 45,       /**< int: dials in flight, 1..1024; 8 */
    SPRINT_OPT_LEAK_AFTER_MS = 46,   /**< int: a lease held longer is reported; 30000, 0: off */
    SPRINT_OPT_ACQUIRE_TIMEOUT_MS = 47,    /**< int: where a caller passes < 0; 5000 */
    SPRINT_OPT_NAME = 48,                  /**< str: in logs, and where pools share a metrics
                                                address: letters, digits, _ . -, 64 at most; "" */
    SPRINT_OPT_METRICS_TLS_CERT_FILE = 49, /**< str: PEM chain: metrics over HTTPS; none */
    SPRINT_OPT_METRICS_TLS_KEY_FILE = 50   /**< str: its private key, PEM; none */
};

/**
 * Begin the settings of a pool.
 *
 * @param endpoints  "host:port[,host:port...]", IPv6 as "[::1]:443"; with several,
 *                   the first that works is dialled, or the fastest (ENDPOINT_ORDER)
 * @param[out] out   set to the settings on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_ARG (the text names the endpoint), SPRINT_E_NOMEM, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no, nothing is resolved. Owner: caller must free. Since: 1.0.
 * Example: tests/examples/c/first.c
 */
SPRINT_CALL sprint_config_new(const char *endpoints, sprint_config *out);

/**
 * Set a text option.
 *
 * @param config  live settings
 * @param option  a SPRINT_OPT_* of type str
 * @param utf8    NUL-terminated, copied
 * @return SPRINT_OK, SPRINT_E_ARG (wrong type or value; the text names the option),
 *         SPRINT_E_UNSUPPORTED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: one at a time per config. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_config_set_str(sprint_config config, int32_t option, const char *utf8);

/**
 * Set a number option.
 *
 * @param config  live settings
 * @param option  a SPRINT_OPT_* of type int
 * @param value   ranges are checked together by sprint_pool_new()
 * @return SPRINT_OK, SPRINT_E_ARG (wrong type, or negative), SPRINT_E_UNSUPPORTED,
 *         SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: one at a time per config. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_config_set_int(sprint_config config, int32_t option, int64_t value);

/**
 * Set an option of raw bytes.
 *
 * @param config  live settings
 * @param option  a SPRINT_OPT_* of type bytes
 * @param data    copied
 * @param len     1 byte to 4 MiB
 * @return SPRINT_OK, SPRINT_E_ARG (wrong type or size), SPRINT_E_UNSUPPORTED, SPRINT_E_NOMEM,
 *         SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: one at a time per config. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_config_set_bytes(sprint_config config, int32_t option, const void *data,
                                    size_t len);

/**
 * Set a secret option. The secret stays in its buffer and is used in place.
 *
 * @param config  live settings
 * @param option  a SPRINT_OPT_* of type buffer
 * @param secret  a reference is taken: the handle may be freed afterwards
 * @return SPRINT_OK, SPRINT_E_ARG (wrong type), SPRINT_E_UNSUPPORTED, SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED
 *
 * Threads: one at a time per config. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_config_set_buffer(sprint_config config, int32_t option, sprint_buffer secret);

/**
 * Free settings. Pools made from them are not affected.
 *
 * @param config  any handle; 0 and stale ones are ignored
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_API void sprint_config_free(sprint_config config);

/* --------------------------------------------------------------------- pool */

/**
 * Make a pool. All settings are validated together here; no connection is opened
 * and nothing is started. Files are read, and the settings are copied.
 *
 * @param config    live settings
 * @param[out] out  set to the pool on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_ARG (the text names every wrong option; a file that cannot be
 *         read is one), SPRINT_E_CERT (no certificate in CA_* or CERT_*, or a key that is not
 *         its own), SPRINT_E_CRYPTO (KEY holds no private key), SPRINT_E_EXPIRED, SPRINT_E_STATE
 *         or SPRINT_E_MLOCK (KEY cannot be read), SPRINT_E_NOMEM, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Owner: caller must free. Since: 1.0.
 * Example: tests/examples/c/first.c
 */
SPRINT_CALL sprint_pool_new(sprint_config config, sprint_pool *out);

/**
 * Open connections ahead of need.
 *
 * @param pool        live pool
 * @param count       wanted open connections; more than the bound counts as the bound
 * @param timeout_ms  < 0: the pool's acquire timeout; 0: report what is there now
 * @return SPRINT_OK when min(count, max) are open (idle or lent); else SPRINT_E_TIMEOUT,
 *         SPRINT_E_BREAKER_OPEN, SPRINT_E_CERT, SPRINT_E_EXPIRED, SPRINT_E_CLOSED, SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED. What was opened stays open.
 *
 * Threads: any. Blocks: up to timeout_ms. Since: 1.0.
 */
SPRINT_CALL sprint_pool_warm_up(sprint_pool pool, uint32_t count, int64_t timeout_ms);

/**
 * Lease a connection: an idle one whose liveness was just checked, or a new one.
 *
 * Callers are served strictly in their order. Dials belong to the pool: one that
 * is under way when the caller gives up serves the next, and one that fails is tried
 * again within the limit until the circuit breaker opens. The text of a failure holds
 * why the last dial failed.
 *
 * @param pool        live pool
 * @param timeout_ms  < 0: the pool's acquire timeout; 0: only what can be had now, no dial is
 *                    started; else the limit in milliseconds over waiting and dialling
 * @param[out] out    set to the lease on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_TIMEOUT, SPRINT_E_EXHAUSTED, SPRINT_E_BREAKER_OPEN (at once, with
 *         callers that wait already), SPRINT_E_CERT (never tried again), SPRINT_E_EXPIRED (or
 *         another of secure memory: KEY cannot sign), SPRINT_E_CLOSED,
 *         SPRINT_E_NOMEM, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: up to timeout_ms. Owner: caller must release or discard. Since: 1.0.
 * Example: tests/examples/c/first.c
 */
SPRINT_CALL sprint_pool_acquire(sprint_pool pool, int64_t timeout_ms, sprint_conn *out);

/**
 * Start the cleanup task: it keeps MIN_IDLE connections idle, replaces old and slow ones
 * (the new one is dialled first), closes what is idle for too long, dials an endpoint
 * that failed until it works, and reports leases held too long. Idempotent.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_start_cleanup(sprint_pool pool);

/**
 * Stop the cleanup task and wait for it. Idempotent. The pool works on.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no, the task never waits for a peer. Since: 1.0.
 */
SPRINT_CALL sprint_pool_stop_cleanup(sprint_pool pool);

/**
 * Serve /metrics, /status/connections, /status/memory, /healthz and a page for people at / over
 * HTTP, or HTTPS with METRICS_TLS_*. Idempotent: a second start reports the same port. Pools with
 * a NAME may share a host and a port above 0: /metrics shows all, with the label pool; the other
 * paths take ?pool=.
 *
 * @param pool       live pool; host and port are the METRICS_* options
 * @param[out] port  where it listens; may be NULL
 * @return SPRINT_OK, SPRINT_E_IO (the address cannot be bound; the text holds the cause),
 *         SPRINT_E_ARG (a METRICS_TLS_* file cannot be read, or NAME, token or files do not fit
 *         those of the pools at that address; the text says which), SPRINT_E_CERT (what is in the
 *         files), SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_start_metrics(sprint_pool pool, uint16_t *port);

/**
 * Stop the metrics server and free its port, if no other pool shares it. Idempotent.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: until requests under way have ended, at most 1 s. Since: 1.0.
 */
SPRINT_CALL sprint_pool_stop_metrics(sprint_pool pool);

/**
 * Change the bound and the number of idle connections wanted. Idle ones above the bound
 * are closed now, lent ones at their return.
 *
 * @param pool             live pool
 * @param max_connections  1..65536
 * @param min_idle         0..max_connections
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_resize(sprint_pool pool, uint32_t max_connections, uint32_t min_idle);

/**
 * Let every sprint_pool_acquire() wait until sprint_pool_resume(). Leases that are out go
 * on. Idempotent.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_pause(sprint_pool pool);

/**
 * End sprint_pool_pause(). Idempotent.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_resume(sprint_pool pool);

/**
 * Close the connections to one endpoint: idle ones now, lent ones at their return. The
 * next dial resolves its name anew.
 *
 * @param pool      live pool
 * @param endpoint  "host:port" as in the list of the pool
 * @return SPRINT_OK, SPRINT_E_ARG (not one of the pool's), SPRINT_E_CLOSED, SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_evict_endpoint(sprint_pool pool, const char *endpoint);

/**
 * Begin anew: idle connections are closed now, lent ones at their return, circuit breakers
 * close, and waits between retries are over.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_reset(sprint_pool pool);

/**
 * Replace every connection by one with fresh keys. CA_FILE, CERT_FILE and KEY_FILE are read
 * again and old session tickets are forgotten; if that fails, nothing changes. While the
 * cleanup task runs, replacements are dialled first, at most a tenth of all in a second;
 * otherwise idle connections are closed now. Lent ones go at their return.
 *
 * @param pool  live pool
 * @return SPRINT_OK, SPRINT_E_ARG (a file cannot be read), SPRINT_E_CERT (what is in it),
 *         SPRINT_E_CLOSED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: for reading the files. Since: 1.0.
 */
SPRINT_CALL sprint_pool_rotate(sprint_pool pool);

/**
 * Read the pool's counters. Works on a closed pool too.
 *
 * @param pool           live pool
 * @param[in,out] inout  struct_size set by the caller
 * @return SPRINT_OK, SPRINT_E_ARG (NULL, or struct_size below 4), SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_stats_get(sprint_pool pool, sprint_pool_stats *inout);

/**
 * The pool and each of its connections as JSON, what /status/connections serves.
 *
 * @param pool         live pool
 * @param[out] buf     may be NULL if cap is 0
 * @param cap          size of buf
 * @param[out] needed  bytes needed with the NUL, set on SPRINT_E_RANGE too; may be NULL
 * @return SPRINT_OK, SPRINT_E_RANGE, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_pool_status_json(sprint_pool pool, char *buf, size_t cap, size_t *needed);

/**
 * Close a pool: no new leases, waiters woken, the metrics port freed, leases drained
 * until the grace ends, then cut off. Idempotent; the handle lives until freed.
 *
 * @param pool         live pool
 * @param grace_ms     how long leases may go on; 0: none; negative is SPRINT_E_ARG
 * @param[out] forced  leases that were cut off; may be NULL
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: up to grace_ms + 1 s. Since: 1.0.
 */
SPRINT_CALL sprint_pool_close(sprint_pool pool, int64_t grace_ms, uint32_t *forced);

/**
 * Free a pool, closing it first without grace if it is open. Leases that are still
 * out keep their handles, whose I/O returns SPRINT_E_CLOSED.
 *
 * @param pool  any handle; 0 and stale ones are ignored
 *
 * Threads: any. Blocks: up to 1 s. Since: 1.0.
 */
SPRINT_API void sprint_pool_free(sprint_pool pool);

/* --------------------------------------------------------------- connection */

/**
 * Send all of data.
 *
 * After a timeout or an error the stream cannot be continued: every later write is
 * SPRINT_E_STATE, and release discards the connection. A write that succeeded has
 * been taken by the kernel, not by the peer.
 *
 * @param conn        live lease
 * @param data        may be NULL if len is 0
 * @param len         bytes to send
 * @param timeout_ms  < 0: no limit; 0: what the socket takes now
 * @return SPRINT_OK, SPRINT_E_TIMEOUT, SPRINT_E_STALE, SPRINT_E_IO, SPRINT_E_TLS, SPRINT_E_CLOSED,
 *         SPRINT_E_STATE, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: one writer per lease. Blocks: up to timeout_ms. Since: 1.0.
 * Example: tests/examples/c/first.c
 */
SPRINT_CALL sprint_conn_write(sprint_conn conn, const void *data, size_t len, int64_t timeout_ms);

/**
 * Receive what is there, at least one byte.
 *
 * @param conn        live lease
 * @param[out] buf    filled with n bytes
 * @param cap         size of buf, at least 1
 * @param timeout_ms  < 0: no limit; 0: what is there now. A timeout loses nothing: read again
 * @param[out] n      bytes received; 0: the peer ended the stream with close_notify
 * @return SPRINT_OK, SPRINT_E_TIMEOUT, SPRINT_E_EOF (truncated), SPRINT_E_STALE, SPRINT_E_IO,
 *         SPRINT_E_TLS, SPRINT_E_CLOSED, SPRINT_E_STATE, SPRINT_E_ARG, SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED
 *
 * Threads: one reader per lease. Blocks: up to timeout_ms. Since: 1.0.
 * Example: tests/examples/c/first.c
 */
SPRINT_CALL sprint_conn_read(sprint_conn conn, void *buf, size_t cap, int64_t timeout_ms,
                             size_t *n);

/**
 * Receive exactly len bytes.
 *
 * @param conn        live lease
 * @param[out] buf    filled with len bytes
 * @param len         bytes wanted, at least 1
 * @param timeout_ms  < 0: no limit; 0: what is there now
 * @param[out] n      bytes received, set on failure too; may be NULL
 * @return as sprint_conn_read(); SPRINT_E_EOF also when close_notify came before len bytes
 *
 * Threads: one reader per lease. Blocks: up to timeout_ms. Since: 1.0.
 */
SPRINT_CALL sprint_conn_read_exact(sprint_conn conn, void *buf, size_t len, int64_t timeout_ms,
                                   size_t *n);

/** Flags of sprint_conn_request(). */
enum {
    SPRINT_REQUEST_IDEMPOTENT = 1 /**< the peer may get it twice: send it once more if stale */
};

/**
 * Send all of data, then receive once: sprint_conn_write() and sprint_conn_read()
 * under one deadline.
 *
 * With SPRINT_REQUEST_IDEMPOTENT, what would be SPRINT_E_STALE is sent once more on a
 * connection that is dialled for it, under the same deadline, if no other call of I/O was
 * made on this lease and the retry budget of the pool allows it: a fifth of the leases that
 * are out, 3 at least, at the same time. The handle then stands for the fresh connection:
 * id and descriptor change, and sprint_conn_uses() is 0. A text "not sent again" says why it
 * was not.
 *
 * @param conn        live lease
 * @param data        request
 * @param len         its size, at least 1
 * @param[out] buf    filled with n bytes
 * @param cap         size of buf, at least 1
 * @param flags       SPRINT_REQUEST_*, or 0; others are SPRINT_E_ARG
 * @param timeout_ms  < 0: no limit
 * @param[out] n      bytes received; 0: the peer ended the stream with close_notify
 * @return as sprint_conn_write() and sprint_conn_read()
 *
 * Threads: counts as reader and writer. Blocks: up to timeout_ms. Since: 1.0.
 */
SPRINT_CALL sprint_conn_request(sprint_conn conn, const void *data, size_t len, void *buf,
                                size_t cap, uint32_t flags, int64_t timeout_ms, size_t *n);

/**
 * Send a secret, a token usually, from its buffer: it passes through no memory of the host. On its
 * way it is in the memory of TLS, which is not locked.
 *
 * @param conn        live lease
 * @param secret      live buffer; all of it is sent
 * @param timeout_ms  < 0: no limit; 0: what the socket takes now
 * @return as sprint_conn_write(), and SPRINT_E_EXPIRED, SPRINT_E_MLOCK (it was sealed); a buffer
 *         that is open for writing is SPRINT_E_STATE
 *
 * Threads: one writer per lease. Blocks: up to timeout_ms. Since: 1.0.
 */
SPRINT_CALL sprint_conn_write_secret(sprint_conn conn, sprint_buffer secret, int64_t timeout_ms);

/** What sprint_conn_poll_info() asks to poll for. */
enum { SPRINT_WANT_READ = 1, SPRINT_WANT_WRITE = 2 };

/**
 * Send what can be sent without waiting, for event loops.
 *
 * Accepted bytes may still sit encrypted in the library when the socket is full:
 * poll as sprint_conn_poll_info() says and call sprint_conn_flush(0).
 *
 * @param conn    live lease
 * @param data    may be NULL if len is 0
 * @param len     bytes to send
 * @param[out] n  bytes accepted, possibly fewer than len
 * @return SPRINT_OK, SPRINT_E_WOULD_BLOCK (none accepted), SPRINT_E_UNSUPPORTED (on Windows), or
 *         as sprint_conn_write()
 *
 * Threads: one writer per lease. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_conn_try_write(sprint_conn conn, const void *data, size_t len, size_t *n);

/**
 * Receive what is there without waiting, for event loops. Call it until
 * SPRINT_E_WOULD_BLOCK before polling: decrypted bytes do not show on the socket.
 *
 * @param conn      live lease
 * @param[out] buf  filled with n bytes
 * @param cap       size of buf, at least 1
 * @param[out] n    bytes received; 0: the peer ended the stream with close_notify
 * @return SPRINT_OK, SPRINT_E_WOULD_BLOCK, SPRINT_E_UNSUPPORTED (on Windows), or as
 *         sprint_conn_read()
 *
 * Threads: one reader per lease. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_conn_try_read(sprint_conn conn, void *buf, size_t cap, size_t *n);

/**
 * Send what was accepted but not taken by the socket yet. A timeout above 0 that
 * passes breaks the connection, as with sprint_conn_write().
 *
 * @param conn        live lease
 * @param timeout_ms  < 0: no limit; 0: what the socket takes now
 * @return SPRINT_OK when nothing is left; with 0 SPRINT_E_WOULD_BLOCK, else SPRINT_E_TIMEOUT,
 *         when something is; or as sprint_conn_write()
 *
 * Threads: one writer per lease. Blocks: up to timeout_ms. Since: 1.0.
 */
SPRINT_CALL sprint_conn_flush(sprint_conn conn, int64_t timeout_ms);

/**
 * The descriptor to poll and what for. Never read, write or close it.
 *
 * @param conn       live lease
 * @param[out] fd    valid until the lease ends, or a request is sent once more
 * @param[out] want  SPRINT_WANT_READ, and SPRINT_WANT_WRITE while something is unsent
 * @return SPRINT_OK (on a lease that was cut off, too: polling tells, and try_read says
 *         SPRINT_E_CLOSED), SPRINT_E_UNSUPPORTED (on Windows), SPRINT_E_ARG, SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Owner: the library keeps fd. Since: 1.0.
 */
SPRINT_CALL sprint_conn_poll_info(sprint_conn conn, int32_t *fd, uint32_t *want);

/**
 * The connection's number in its pool, as in logs and in the status. Never reused.
 *
 * @param conn     live lease
 * @param[out] id  counts from 1
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_conn_id(sprint_conn conn, uint64_t *id);

/**
 * How many leases of this connection came before this one.
 *
 * @param conn       live lease
 * @param[out] uses  0: the connection is fresh, so a protocol with a login logs in first
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_conn_uses(sprint_conn conn, uint64_t *uses);

/**
 * The connection as JSON: connection_id, endpoint, uses, generation, opened, bytes_written
 * and bytes_read in this lease, tls_version, cipher_suite, alpn, resumed,
 * peer_certificate_expires. Keys are only ever added.
 *
 * @param conn         live lease
 * @param[out] buf     may be NULL if cap is 0
 * @param cap          size of buf
 * @param[out] needed  bytes needed with the NUL, set on SPRINT_E_RANGE too; may be NULL
 * @return SPRINT_OK, SPRINT_E_RANGE, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_conn_info_json(sprint_conn conn, char *buf, size_t cap, size_t *needed);

/**
 * End a lease. The connection goes back to the pool, or is closed if it failed, timed
 * out on a write, or holds unread or unsent bytes.
 *
 * @param conn  any handle; 0 and stale ones are ignored
 *
 * Threads: any; I/O on other threads returns SPRINT_E_CLOSED and the connection is closed.
 * Blocks: no. Since: 1.0.
 */
SPRINT_API void sprint_conn_release(sprint_conn conn);

/**
 * End a lease and close the connection, for protocols that lost their place in it.
 *
 * @param conn  any handle; 0 and stale ones are ignored
 *
 * Threads: any; I/O on other threads returns SPRINT_E_CLOSED. Blocks: no. Since: 1.0.
 */
SPRINT_API void sprint_conn_discard(sprint_conn conn);

/* ------------------------------------------------------------ secure buffer */

/**
 * Flags of a new buffer, to be combined. By default the pages of a freed buffer have no
 * access, so that a stale pointer faults.
 */
enum {
    SPRINT_BUFFER_DEFAULT = 0,
    SPRINT_BUFFER_FAST = 1,     /**< pages stay mapped, wiped, while free: no system call */
    SPRINT_BUFFER_NOACCESS = 2, /**< no access to the pages unless open or in use by a call */
    SPRINT_BUFFER_DEGRADE = 4   /**< at the lock limit take unlocked memory rather than fail */
};

/** Modes of sprint_buffer_open(). */
enum { SPRINT_READ = 1, SPRINT_WRITE = 2 };

/** Hashes of sprint_buffer_hmac(), sprint_buffer_hkdf() and sprint_buffer_pbkdf2(). */
enum { SPRINT_HASH_SHA256 = 1, SPRINT_HASH_SHA384 = 2, SPRINT_HASH_SHA512 = 3 };

/**
 * Allocate a buffer of zeros.
 *
 * @param len       1 byte to 1 GiB
 * @param flags     SPRINT_BUFFER_*; others are SPRINT_E_UNSUPPORTED
 * @param[out] out  set to the buffer on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_MLOCK, SPRINT_E_NOMEM, SPRINT_E_ARG, SPRINT_E_UNSUPPORTED,
 *         SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Owner: caller must free. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_alloc(size_t len, uint32_t flags, sprint_buffer *out);

/**
 * Move a secret into a new buffer: src is wiped, also when the call fails for want
 * of locked memory; only an argument error leaves it as it was.
 *
 * @param src       readable and writable
 * @param len       1 byte to 1 GiB
 * @param flags     SPRINT_BUFFER_*; others are SPRINT_E_UNSUPPORTED
 * @param[out] out  set to the buffer on SPRINT_OK, to 0 otherwise
 * @return as sprint_buffer_alloc()
 *
 * Threads: any. Blocks: no. Owner: caller must free. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_from(void *src, size_t len, uint32_t flags, sprint_buffer *out);

/**
 * Allocate a buffer and fill it from the kernel's random generator.
 *
 * @param len       1 byte to 1 GiB
 * @param flags     SPRINT_BUFFER_*; others are SPRINT_E_UNSUPPORTED
 * @param[out] out  set to the buffer on SPRINT_OK, to 0 otherwise
 * @return as sprint_buffer_alloc()
 *
 * Threads: any. Blocks: no. Owner: caller must free. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_random(size_t len, uint32_t flags, sprint_buffer *out);

/**
 * Size of a buffer.
 *
 * @param buffer    live buffer
 * @param[out] len  in bytes
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_len(sprint_buffer buffer, size_t *len);

/**
 * How a buffer's pages are kept from others now.
 *
 * @param buffer        live buffer
 * @param[out] backend  SPRINT_BACKEND_*; AUTO while it is sealed, or in unlocked pages
 * @param[out] locked   1; 0 in the unlocked pages that DEGRADE took; may be NULL
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_protection(sprint_buffer buffer, uint32_t *backend, uint32_t *locked);

/**
 * Copy bytes out of a buffer. The copy is the caller's to protect and to wipe.
 *
 * @param buffer    live buffer
 * @param offset    first byte; offset + len must not pass the end
 * @param[out] dst  len bytes
 * @param len       0 does nothing
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_STATE (open for writing), SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED, SPRINT_E_EXPIRED; of a sealed buffer also SPRINT_E_MLOCK, SPRINT_E_NOMEM
 *
 * Threads: any. Blocks: for other copies and uses of this buffer only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_read(sprint_buffer buffer, size_t offset, void *dst, size_t len);

/**
 * Copy bytes into a buffer.
 *
 * @param buffer  live buffer
 * @param offset  first byte; offset + len must not pass the end
 * @param src     len bytes; not wiped
 * @param len     0 does nothing
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_STATE (open), SPRINT_E_HANDLE, SPRINT_E_FORKED,
 *         SPRINT_E_EXPIRED; of a sealed buffer also SPRINT_E_MLOCK, SPRINT_E_NOMEM
 *
 * Threads: any. Blocks: for other copies and uses of this buffer only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_write(sprint_buffer buffer, size_t offset, const void *src, size_t len);

/**
 * Borrow the guarded memory itself. Readers share and are counted; a writer is alone.
 *
 * @param buffer     live buffer
 * @param mode       SPRINT_READ or SPRINT_WRITE
 * @param[out] data  valid until the matching sprint_buffer_close(); through a READ borrow a
 *                   write is a fault at the guilty line
 * @param[out] len   its size; may be NULL
 * @return SPRINT_OK, SPRINT_E_STATE (another borrow conflicts; never a wait), SPRINT_E_ARG,
 *         SPRINT_E_HANDLE, SPRINT_E_FORKED, SPRINT_E_EXPIRED; of a sealed buffer also
 *         SPRINT_E_MLOCK, SPRINT_E_NOMEM
 *
 * Threads: any. Blocks: no. Owner: the library keeps data. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_open(sprint_buffer buffer, int32_t mode, void **data, size_t *len);

/**
 * Give one borrow back. On a buffer that was freed meanwhile, the last one wipes it.
 *
 * @param buffer  a buffer that is open, freed or not
 * @return SPRINT_OK, SPRINT_E_STATE (not open), SPRINT_E_CORRUPT (freed meanwhile and found
 *         damaged), SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_close(sprint_buffer buffer);

/**
 * Encrypt a secret that is not used for a while: it leaves locked memory, and the next call that
 * needs it brings it back. More secrets can be kept sealed than may be locked.
 *
 * @param buffer  live buffer; sealing a sealed one does nothing
 * @return SPRINT_OK, SPRINT_E_STATE (open or in use), SPRINT_E_MLOCK (no room for the sealing key),
 *         SPRINT_E_NOMEM, SPRINT_E_EXPIRED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_seal(sprint_buffer buffer);

/**
 * Give a secret a lifetime: when it is over the secret is wiped (when the last borrow is closed),
 * and every use is SPRINT_E_EXPIRED. The handle still has to be freed.
 *
 * @param buffer  live buffer
 * @param ttl_ms  from now, above 0; a later call moves the end
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_EXPIRED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_expire_after(sprint_buffer buffer, int64_t ttl_ms);

/**
 * Compare two buffers in constant time. Different lengths are not equal.
 *
 * @param a           live buffer
 * @param b           live buffer, may be a
 * @param[out] equal  1 or 0
 * @return SPRINT_OK, SPRINT_E_STATE (open for writing), SPRINT_E_ARG, SPRINT_E_HANDLE,
 *         SPRINT_E_FORKED, SPRINT_E_EXPIRED; of a sealed buffer also SPRINT_E_MLOCK, SPRINT_E_NOMEM
 *
 * Threads: any. Blocks: for copies and uses of these buffers only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_equal(sprint_buffer a, sprint_buffer b, int32_t *equal);

/**
 * HMAC (RFC 2104) with the buffer as the key, which is not copied out.
 *
 * @param key       live buffer
 * @param hash      SPRINT_HASH_*
 * @param msg       may be NULL if len is 0
 * @param len       size of msg
 * @param[out] mac  the full tag
 * @param cap       size of mac: at least 32, 48 or 64 bytes
 * @param[out] n    size of the tag, set on SPRINT_E_RANGE too; may be NULL
 * @return SPRINT_OK, SPRINT_E_RANGE, SPRINT_E_UNSUPPORTED (hash), SPRINT_E_STATE (open for
 *         writing), SPRINT_E_ARG, SPRINT_E_HANDLE, SPRINT_E_FORKED, SPRINT_E_EXPIRED; of a sealed
 *         buffer also SPRINT_E_MLOCK, SPRINT_E_NOMEM
 *
 * Threads: any. Blocks: for copies of this buffer only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_hmac(sprint_buffer key, int32_t hash, const void *msg, size_t len,
                               void *mac, size_t cap, size_t *n);

/**
 * The Ed25519 public key (RFC 8032) of a seed.
 *
 * @param seed      live buffer of 32 bytes
 * @param[out] key  32 bytes
 * @return SPRINT_OK, SPRINT_E_CRYPTO (not 32 bytes), SPRINT_E_STATE (open for writing),
 *         SPRINT_E_ARG, SPRINT_E_EXPIRED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: for copies of this buffer only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_public_ed25519(sprint_buffer seed, uint8_t key[32]);

/**
 * Sign with Ed25519 (RFC 8032). The seed is not copied out.
 *
 * @param seed            live buffer of 32 bytes
 * @param msg             may be NULL if len is 0
 * @param len             size of msg
 * @param[out] signature  64 bytes
 * @return as sprint_buffer_public_ed25519()
 *
 * Threads: any. Blocks: for copies of this buffer only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_sign_ed25519(sprint_buffer seed, const void *msg, size_t len,
                                       uint8_t signature[64]);

/**
 * Encrypt with AES-256-GCM: a fresh random nonce of 12 bytes, the ciphertext, a tag of 16.
 *
 * @param key      live buffer of 32 bytes
 * @param aad      authenticated, not encrypted; may be NULL if aad_len is 0
 * @param aad_len  size of aad
 * @param plain    may be NULL if len is 0
 * @param len      size of plain
 * @param[out] out nonce, ciphertext and tag; must not overlap plain
 * @param cap      size of out: at least len + 28
 * @param[out] n   bytes written, or needed on SPRINT_E_RANGE; may be NULL
 * @return SPRINT_OK, SPRINT_E_RANGE, SPRINT_E_CRYPTO (size of the key), SPRINT_E_STATE (open for
 *         writing), SPRINT_E_ARG, SPRINT_E_EXPIRED, SPRINT_E_HANDLE, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: for copies of this buffer only. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_encrypt(sprint_buffer key, const void *aad, size_t aad_len,
                                  const void *plain, size_t len, void *out, size_t cap, size_t *n);

/**
 * Decrypt what sprint_buffer_encrypt() made, straight into a new buffer.
 *
 * @param key       live buffer, the key it was encrypted with
 * @param aad       what was given then; may be NULL if aad_len is 0
 * @param aad_len   size of aad
 * @param sealed    nonce, ciphertext and tag
 * @param len       its size, at least 29: an empty secret has no buffer
 * @param flags     SPRINT_BUFFER_*, of the new buffer
 * @param[out] out  set to the new buffer on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_CRYPTO (not authentic, or the size of the key), SPRINT_E_STATE,
 *         SPRINT_E_EXPIRED, SPRINT_E_HANDLE, or as sprint_buffer_alloc()
 *
 * Threads: any. Blocks: for copies of this buffer only. Owner: caller must free. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_decrypt(sprint_buffer key, const void *aad, size_t aad_len,
                                  const void *sealed, size_t len, uint32_t flags,
                                  sprint_buffer *out);

/**
 * Derive a secret with HKDF (RFC 5869, extract and expand) into a new buffer.
 *
 * @param key       live buffer, the input keying material
 * @param hash      SPRINT_HASH_*
 * @param salt      may be NULL if salt_len is 0
 * @param salt_len  size of salt
 * @param info      may be NULL if info_len is 0
 * @param info_len  size of info
 * @param out_len   1 byte to 255 times the size of the hash
 * @param flags     SPRINT_BUFFER_*, of the new buffer
 * @param[out] out  set to the new buffer on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_STATE, SPRINT_E_EXPIRED, SPRINT_E_HANDLE, or as sprint_buffer_alloc()
 *
 * Threads: any. Blocks: for copies of this buffer only. Owner: caller must free. Since: 1.0.
 */
SPRINT_CALL sprint_buffer_hkdf(sprint_buffer key, int32_t hash, const void *salt, size_t salt_len,
                               const void *info, size_t info_len, size_t out_len, uint32_t flags,
                               sprint_buffer *out);

/**
 * Derive a secret from a password with PBKDF2 (RFC 8018) into a new buffer.
 *
 * @param password    live buffer
 * @param hash        SPRINT_HASH_*
 * @param salt        random, different for each password
 * @param salt_len    at least 16 bytes (NIST SP 800-132)
 * @param iterations  at least 100000 (OWASP gives 600000 for SHA-256, 210000 for SHA-512)
 * @param out_len     1 to 1024 bytes
 * @param flags       SPRINT_BUFFER_*, of the new buffer
 * @param[out] out    set to the new buffer on SPRINT_OK, to 0 otherwise
 * @return SPRINT_OK, SPRINT_E_STATE, SPRINT_E_EXPIRED, SPRINT_E_HANDLE, or as sprint_buffer_alloc()
 *
 * Threads: any. Blocks: for the derivation, tens of milliseconds and more. Owner: caller must free.
 * Since: 1.0.
 */
SPRINT_CALL sprint_buffer_pbkdf2(sprint_buffer password, int32_t hash, const void *salt,
                                 size_t salt_len, uint32_t iterations, size_t out_len,
                                 uint32_t flags, sprint_buffer *out);

/**
 * Free a buffer: the handle dies now for everything but sprint_buffer_close(); the
 * memory is wiped now, or when the last borrow is closed.
 *
 * @param buffer  any handle; 0 and stale ones are ignored
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_API void sprint_buffer_free(sprint_buffer buffer);

/**
 * Overwrite memory of the host with zeros; the compiler does not remove it.
 *
 * @param p    may be NULL
 * @param len  bytes
 *
 * Threads: any. Blocks: no. Works in a forked child too. Since: 1.0.
 */
SPRINT_API void sprint_wipe(void *p, size_t len);

/* -------------------------------------------------------- memory protection */

/**
 * What protects the secrets of this process now. Measured, never assumed.
 *
 * @param[in,out] inout  struct_size set by the caller
 * @return SPRINT_OK, SPRINT_E_ARG (NULL, or struct_size below 4), SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_memory_stats_get(sprint_memory_stats *inout);

/**
 * MemoryProtectionStatus as JSON: what was measured, and nothing else.
 *
 * @param[out] buf     may be NULL if cap is 0
 * @param cap          size of buf
 * @param[out] needed  bytes needed with the NUL, set on SPRINT_E_RANGE too; may be NULL
 * @return SPRINT_OK, SPRINT_E_RANGE, SPRINT_E_ARG, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: a millisecond or more, to ask the kernel. Since: 1.0.
 */
SPRINT_CALL sprint_memory_status_json(char *buf, size_t cap, size_t *needed);

/**
 * Check that the protection works here and now: allocate, write, read, look at the kernel's own
 * flags of the pages, and compute known answers. The result is kept in the stats and in the status.
 *
 * @return SPRINT_OK, SPRINT_E_MLOCK, SPRINT_E_NOMEM, SPRINT_E_STATE (a step failed; the text names
 *         it), SPRINT_E_FORKED
 *
 * Threads: any. Blocks: some milliseconds. Since: 1.0.
 */
SPRINT_CALL sprint_memory_self_check(void);

/** Options of sprint_memory_set(). */
enum {
    SPRINT_MEM_BUDGET_BYTES = 1, /**< most that is locked for secrets; 0: as the system allows */
    SPRINT_MEM_BACKEND = 2,      /**< SPRINT_BACKEND_*, for later allocations */
    SPRINT_MEM_AT_LIMIT = 3      /**< SPRINT_LIMIT_* */
};

/** What an allocation does when no more memory can be locked. */
enum {
    SPRINT_LIMIT_FAIL = 0,   /**< SPRINT_E_MLOCK */
    SPRINT_LIMIT_SEAL = 1,   /**< seal buffers that are not in use, to make room */
    SPRINT_LIMIT_DEGRADE = 2 /**< take unlocked memory; stats and status count it */
};

/**
 * Choose how secrets of this process are kept from now on.
 *
 * @param option  SPRINT_MEM_*
 * @param value   as the option says
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_UNSUPPORTED (unknown option, or a backend that this
 *         system does not have), SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Since: 1.0.
 */
SPRINT_CALL sprint_memory_set(int32_t option, int64_t value);

/**
 * Write what happens to secrets (JSON lines, one write(2) each) to a descriptor of the host:
 * allocate, refuse, open, close, use, seal, unseal, expire, free, with the number of the
 * secret, its size and the result, never content. Off at the start; off costs nothing.
 *
 * @param fd  where to write, the rules are those of sprint_log_to_fd(); < 0: off
 * @return SPRINT_OK, SPRINT_E_ARG, SPRINT_E_FORKED
 *
 * Threads: any. Blocks: no. Owner: the host keeps fd. Since: 1.0.
 */
SPRINT_CALL sprint_events_to_fd(int32_t fd);

#ifdef __cplusplus
}
#endif
#endif /* SPRINT_H */
