/* calls.c - the table. Waits are short: these calls also run between hostile threads. */
#include "calls.h"

#include <string.h>

sprint_config calls_config;
sprint_conn calls_conn;
sprint_buffer calls_buffer;

/* The library may write while another thread runs the same call. */
static _Thread_local unsigned char scratch[4096];

static sprint_status run_init(uint64_t h) {
    (void)h;
    return sprint_init(SPRINT_ABI);
}

static sprint_status run_log_to_fd(uint64_t h) {
    (void)h;
    return sprint_log_to_fd(-1, SPRINT_LOG_INFO);
}

static sprint_status run_config_new(uint64_t h) {
    sprint_config config = 0;
    sprint_status status = sprint_config_new("relay.test:443", &config);

    (void)h;
    sprint_config_free(config);
    return status;
}

static sprint_status run_config_set_str(uint64_t h) {
    return sprint_config_set_str(h, SPRINT_OPT_NAMESPACE, "calls");
}

static sprint_status run_config_set_int(uint64_t h) {
    return sprint_config_set_int(h, SPRINT_OPT_MIN_IDLE, 0);
}

static sprint_status run_config_set_bytes(uint64_t h) {
    return sprint_config_set_bytes(h, SPRINT_OPT_CA_PEM, "x", 1);
}

static sprint_status run_config_set_buffer(uint64_t h) {
    return sprint_config_set_buffer(h, SPRINT_OPT_METRICS_AUTH_TOKEN, calls_buffer);
}

static sprint_status run_config_set_buffer_secret(uint64_t h) {
    return sprint_config_set_buffer(calls_config, SPRINT_OPT_METRICS_AUTH_TOKEN, h);
}

static sprint_status run_config_free(uint64_t h) {
    sprint_config_free(h);
    return SPRINT_OK;
}

static sprint_status run_pool_new(uint64_t h) {
    sprint_pool pool = 0;
    sprint_status status = sprint_pool_new(h, &pool);

    sprint_pool_free(pool);
    return status;
}

static sprint_status run_pool_warm_up(uint64_t h) {
    return sprint_pool_warm_up(h, 1, 20);
}

static sprint_status run_pool_acquire(uint64_t h) {
    sprint_conn conn = 0;
    sprint_status status = sprint_pool_acquire(h, 20, &conn);

    sprint_conn_release(conn);
    return status;
}

static sprint_status run_pool_start_metrics(uint64_t h) {
    uint16_t port;

    return sprint_pool_start_metrics(h, &port);
}

static sprint_status run_pool_start_cleanup(uint64_t h) {
    return sprint_pool_start_cleanup(h);
}
static sprint_status run_pool_stop_cleanup(uint64_t h) {
    return sprint_pool_stop_cleanup(h);
}
static sprint_status run_pool_resize(uint64_t h) {
    return sprint_pool_resize(h, 2, 0);
}
static sprint_status run_pool_pause(uint64_t h) {
    return sprint_pool_pause(h);
}
static sprint_status run_pool_resume(uint64_t h) {
    return sprint_pool_resume(h);
}
static sprint_status run_pool_evict_endpoint(uint64_t h) {
    return sprint_pool_evict_endpoint(h, "localhost:1");
}
static sprint_status run_pool_reset(uint64_t h) {
    return sprint_pool_reset(h);
}
static sprint_status run_pool_rotate(uint64_t h) {
    return sprint_pool_rotate(h);
}
static sprint_status run_pool_stop_metrics(uint64_t h) {
    return sprint_pool_stop_metrics(h);
}

static sprint_status run_pool_stats_get(uint64_t h) {
    sprint_pool_stats stats = {.struct_size = sizeof stats};

    return sprint_pool_stats_get(h, &stats);
}

static sprint_status run_pool_status_json(uint64_t h) {
    return sprint_pool_status_json(h, (char *)scratch, sizeof scratch, NULL);
}

static sprint_status run_pool_close(uint64_t h) {
    return sprint_pool_close(h, 0, NULL);
}

static sprint_status run_pool_free(uint64_t h) {
    sprint_pool_free(h);
    return SPRINT_OK;
}

static sprint_status run_conn_write(uint64_t h) {
    return sprint_conn_write(h, "PING\n", 5, 20);
}

static sprint_status run_conn_read(uint64_t h) {
    size_t n;

    return sprint_conn_read(h, scratch, sizeof scratch, 20, &n);
}

static sprint_status run_conn_read_exact(uint64_t h) {
    return sprint_conn_read_exact(h, scratch, 5, 20, NULL);
}

static sprint_status run_conn_request(uint64_t h) {
    size_t n;

    return sprint_conn_request(h, "PING\n", 5, scratch, sizeof scratch, SPRINT_REQUEST_IDEMPOTENT,
                               20, &n);
}

static sprint_status run_conn_write_secret(uint64_t h) {
    return sprint_conn_write_secret(h, calls_buffer, 20);
}

static sprint_status run_conn_write_secret_secret(uint64_t h) {
    return sprint_conn_write_secret(calls_conn, h, 20);
}

static sprint_status run_conn_try_write(uint64_t h) {
    size_t n;

    return sprint_conn_try_write(h, "PING\n", 5, &n);
}

static sprint_status run_conn_try_read(uint64_t h) {
    size_t n;

    return sprint_conn_try_read(h, scratch, sizeof scratch, &n);
}

static sprint_status run_conn_flush(uint64_t h) {
    return sprint_conn_flush(h, 0);
}

static sprint_status run_conn_poll_info(uint64_t h) {
    int32_t fd;
    uint32_t want;

    return sprint_conn_poll_info(h, &fd, &want);
}

static sprint_status run_conn_id(uint64_t h) {
    uint64_t id;

    return sprint_conn_id(h, &id);
}

static sprint_status run_conn_info_json(uint64_t h) {
    return sprint_conn_info_json(h, (char *)scratch, sizeof scratch, NULL);
}
static sprint_status run_conn_uses(uint64_t h) {
    uint64_t uses;

    return sprint_conn_uses(h, &uses);
}

static sprint_status run_conn_release(uint64_t h) {
    sprint_conn_release(h);
    return SPRINT_OK;
}

static sprint_status run_conn_discard(uint64_t h) {
    sprint_conn_discard(h);
    return SPRINT_OK;
}

static sprint_status run_buffer_alloc(uint64_t h) {
    sprint_buffer buffer = 0;
    sprint_status status = sprint_buffer_alloc(32, SPRINT_BUFFER_DEFAULT, &buffer);

    (void)h;
    sprint_buffer_free(buffer);
    return status;
}

static sprint_status run_buffer_from(uint64_t h) {
    sprint_buffer buffer = 0;
    sprint_status status = sprint_buffer_from(scratch, 32, SPRINT_BUFFER_DEFAULT, &buffer);

    (void)h;
    sprint_buffer_free(buffer);
    return status;
}

static sprint_status run_buffer_random(uint64_t h) {
    sprint_buffer buffer = 0;
    sprint_status status = sprint_buffer_random(32, SPRINT_BUFFER_DEFAULT, &buffer);

    (void)h;
    sprint_buffer_free(buffer);
    return status;
}

static sprint_status run_buffer_len(uint64_t h) {
    size_t len;

    return sprint_buffer_len(h, &len);
}

static sprint_status run_buffer_read(uint64_t h) {
    return sprint_buffer_read(h, 0, scratch, 16);
}

static sprint_status run_buffer_write(uint64_t h) {
    return sprint_buffer_write(h, 0, "0123456789abcdef", 16);
}

/* Open and close take turns by chance when hostile threads call both. */
static sprint_status run_buffer_open(uint64_t h) {
    void *data;

    return sprint_buffer_open(h, SPRINT_READ, &data, NULL);
}

static sprint_status run_buffer_open_write(uint64_t h) {
    void *data;

    return sprint_buffer_open(h, SPRINT_WRITE, &data, NULL);
}

static sprint_status run_buffer_close(uint64_t h) {
    return sprint_buffer_close(h);
}

static sprint_status run_buffer_equal(uint64_t h) {
    int32_t equal;

    return sprint_buffer_equal(h, calls_buffer, &equal);
}

static sprint_status run_buffer_equal_second(uint64_t h) {
    int32_t equal;

    return sprint_buffer_equal(calls_buffer, h, &equal);
}

static sprint_status run_buffer_hmac(uint64_t h) {
    return sprint_buffer_hmac(h, SPRINT_HASH_SHA256, "m", 1, scratch, sizeof scratch, NULL);
}

static sprint_status run_buffer_protection(uint64_t h) {
    uint32_t backend, locked;

    return sprint_buffer_protection(h, &backend, &locked);
}

static sprint_status run_buffer_seal(uint64_t h) {
    return sprint_buffer_seal(h);
}

static sprint_status run_buffer_expire_after(uint64_t h) {
    return sprint_buffer_expire_after(h, 20);
}

static sprint_status run_buffer_public_ed25519(uint64_t h) {
    return sprint_buffer_public_ed25519(h, scratch);
}

static sprint_status run_buffer_sign_ed25519(uint64_t h) {
    return sprint_buffer_sign_ed25519(h, "m", 1, scratch);
}

static sprint_status run_buffer_encrypt(uint64_t h) {
    size_t n;

    return sprint_buffer_encrypt(h, "a", 1, "m", 1, scratch, sizeof scratch, &n);
}

static sprint_status run_buffer_decrypt(uint64_t h) {
    sprint_buffer plain = 0;
    sprint_status status = sprint_buffer_decrypt(h, "a", 1, scratch, 64, 0, &plain);

    sprint_buffer_free(plain);
    return status;
}

static sprint_status run_buffer_hkdf(uint64_t h) {
    sprint_buffer derived = 0;
    sprint_status status =
        sprint_buffer_hkdf(h, SPRINT_HASH_SHA256, "s", 1, "i", 1, 32, 0, &derived);

    sprint_buffer_free(derived);
    return status;
}

static sprint_status run_buffer_pbkdf2(uint64_t h) {
    sprint_buffer derived = 0;
    sprint_status status = sprint_buffer_pbkdf2(h, SPRINT_HASH_SHA256, "sixteen byte salt", 17,
                                                100000, 32, 0, &derived);

    sprint_buffer_free(derived);
    return status;
}

static sprint_status run_buffer_free(uint64_t h) {
    sprint_buffer_free(h);
    return SPRINT_OK;
}

static sprint_status run_memory_stats_get(uint64_t h) {
    sprint_memory_stats stats = {.struct_size = sizeof stats};

    (void)h;
    return sprint_memory_stats_get(&stats);
}

static sprint_status run_memory_status_json(uint64_t h) {
    (void)h;
    return sprint_memory_status_json((char *)scratch, sizeof scratch, NULL);
}

static sprint_status run_memory_self_check(uint64_t h) {
    (void)h;
    return sprint_memory_self_check();
}

static sprint_status run_memory_set(uint64_t h) {
    (void)h;
    return sprint_memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_FAIL);
}

static sprint_status run_events_to_fd(uint64_t h) {
    (void)h;
    return sprint_events_to_fd(-1);
}

#define CODE(name) (1u << -(SPRINT_##name))
/* What sprint.h documents; HANDLE and FORKED hold for all that take a handle. */
#define ALWAYS (CODE(OK) | CODE(E_FORKED))
#define HANDLED (ALWAYS | CODE(E_HANDLE) | CODE(E_ARG))
#define SETTER (HANDLED | CODE(E_UNSUPPORTED))
#define DIALS (CODE(E_TIMEOUT) | CODE(E_CLOSED) | CODE(E_BREAKER_OPEN) | CODE(E_CERT))
#define STREAM (HANDLED | CODE(E_STALE) | CODE(E_IO) | CODE(E_TLS) | CODE(E_CLOSED) | CODE(E_STATE))
#define WRITES (STREAM | CODE(E_TIMEOUT))
#define READS (STREAM | CODE(E_TIMEOUT) | CODE(E_EOF))
#ifdef _WIN32
#define NO_DESCRIPTOR CODE(E_UNSUPPORTED)
#else
#define NO_DESCRIPTOR 0
#endif
#define TRY_WRITES (STREAM | CODE(E_WOULD_BLOCK) | NO_DESCRIPTOR)
#define TRY_READS (STREAM | CODE(E_EOF) | CODE(E_WOULD_BLOCK) | NO_DESCRIPTOR)
#define SECRET (HANDLED | CODE(E_STATE))
/* As sprint_buffer_expire_after() and sprint_buffer_seal() say of every use. */
#define USES (SECRET | CODE(E_EXPIRED) | CODE(E_MLOCK) | CODE(E_NOMEM))
#define ALLOCATES (ALWAYS | CODE(E_ARG) | CODE(E_MLOCK) | CODE(E_NOMEM) | CODE(E_UNSUPPORTED))

const struct call calls[] = {
    {"sprint_init", KIND_NONE, run_init, ALWAYS | CODE(E_ABI), 0},
    {"sprint_log_to_fd", KIND_NONE, run_log_to_fd, ALWAYS | CODE(E_ARG), 0},
    {"sprint_config_new", KIND_NONE, run_config_new, ALWAYS | CODE(E_ARG) | CODE(E_NOMEM), 0},
    {"sprint_config_set_str", KIND_CONFIG, run_config_set_str, SETTER, 0},
    {"sprint_config_set_int", KIND_CONFIG, run_config_set_int, SETTER, 0},
    {"sprint_config_set_bytes", KIND_CONFIG, run_config_set_bytes, SETTER | CODE(E_NOMEM), 0},
    {"sprint_config_set_buffer", KIND_CONFIG, run_config_set_buffer, SETTER, 0},
    {"sprint_config_set_buffer [secret]", KIND_BUFFER, run_config_set_buffer_secret, SETTER, 0},
    {"sprint_config_free", KIND_CONFIG, run_config_free, 0, 1},
    {"sprint_pool_new", KIND_CONFIG, run_pool_new, HANDLED | CODE(E_CERT) | CODE(E_NOMEM), 0},
    {"sprint_pool_warm_up", KIND_POOL, run_pool_warm_up, HANDLED | DIALS, 0},
    {"sprint_pool_acquire", KIND_POOL, run_pool_acquire,
     HANDLED | DIALS | CODE(E_EXHAUSTED) | CODE(E_NOMEM), 0},
    {"sprint_pool_start_metrics", KIND_POOL, run_pool_start_metrics,
     HANDLED | CODE(E_IO) | CODE(E_CLOSED), 0},
    {"sprint_pool_stop_metrics", KIND_POOL, run_pool_stop_metrics, HANDLED, 0},
    {"sprint_pool_start_cleanup", KIND_POOL, run_pool_start_cleanup, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_stop_cleanup", KIND_POOL, run_pool_stop_cleanup, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_resize", KIND_POOL, run_pool_resize, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_pause", KIND_POOL, run_pool_pause, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_resume", KIND_POOL, run_pool_resume, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_evict_endpoint", KIND_POOL, run_pool_evict_endpoint, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_reset", KIND_POOL, run_pool_reset, HANDLED | CODE(E_CLOSED), 0},
    {"sprint_pool_rotate", KIND_POOL, run_pool_rotate, HANDLED | CODE(E_CLOSED) | CODE(E_CERT), 0},
    {"sprint_pool_stats_get", KIND_POOL, run_pool_stats_get, HANDLED, 0},
    {"sprint_pool_status_json", KIND_POOL, run_pool_status_json, HANDLED | CODE(E_RANGE), 0},
    {"sprint_pool_close", KIND_POOL, run_pool_close, HANDLED, 0},
    {"sprint_pool_free", KIND_POOL, run_pool_free, 0, 1},
    {"sprint_conn_write", KIND_CONN, run_conn_write, WRITES, 0},
    {"sprint_conn_read", KIND_CONN, run_conn_read, READS, 0},
    {"sprint_conn_read_exact", KIND_CONN, run_conn_read_exact, READS, 0},
    {"sprint_conn_request", KIND_CONN, run_conn_request, READS, 0},
    {"sprint_conn_write_secret", KIND_CONN, run_conn_write_secret, WRITES | USES, 0},
    {"sprint_conn_write_secret [secret]", KIND_BUFFER, run_conn_write_secret_secret, WRITES | USES,
     0},
    {"sprint_conn_try_write", KIND_CONN, run_conn_try_write, TRY_WRITES, 0},
    {"sprint_conn_try_read", KIND_CONN, run_conn_try_read, TRY_READS, 0},
    {"sprint_conn_flush", KIND_CONN, run_conn_flush, TRY_WRITES | CODE(E_TIMEOUT), 0},
    {"sprint_conn_poll_info", KIND_CONN, run_conn_poll_info,
     HANDLED | CODE(E_CLOSED) | NO_DESCRIPTOR, 0},
    {"sprint_conn_id", KIND_CONN, run_conn_id, HANDLED, 0},
    {"sprint_conn_uses", KIND_CONN, run_conn_uses, HANDLED, 0},
    {"sprint_conn_info_json", KIND_CONN, run_conn_info_json,
     HANDLED | CODE(E_RANGE) | CODE(E_CLOSED), 0},
    {"sprint_conn_release", KIND_CONN, run_conn_release, 0, 1},
    {"sprint_conn_discard", KIND_CONN, run_conn_discard, 0, 1},
    {"sprint_buffer_alloc", KIND_NONE, run_buffer_alloc, ALLOCATES, 0},
    {"sprint_buffer_from", KIND_NONE, run_buffer_from, ALLOCATES, 0},
    {"sprint_buffer_random", KIND_NONE, run_buffer_random, ALLOCATES, 0},
    {"sprint_buffer_len", KIND_BUFFER, run_buffer_len, HANDLED, 0},
    {"sprint_buffer_protection", KIND_BUFFER, run_buffer_protection, HANDLED, 0},
    {"sprint_buffer_read", KIND_BUFFER, run_buffer_read, USES, 0},
    {"sprint_buffer_write", KIND_BUFFER, run_buffer_write, USES, 0},
    {"sprint_buffer_open", KIND_BUFFER, run_buffer_open, USES, 0},
    {"sprint_buffer_open [write]", KIND_BUFFER, run_buffer_open_write, USES, 0},
    {"sprint_buffer_close", KIND_BUFFER, run_buffer_close, SECRET | CODE(E_CORRUPT), 0},
    {"sprint_buffer_equal", KIND_BUFFER, run_buffer_equal, USES, 0},
    {"sprint_buffer_equal [second]", KIND_BUFFER, run_buffer_equal_second, USES, 0},
    {"sprint_buffer_seal", KIND_BUFFER, run_buffer_seal, USES, 0},
    {"sprint_buffer_expire_after", KIND_BUFFER, run_buffer_expire_after, HANDLED | CODE(E_EXPIRED),
     0},
    {"sprint_buffer_hmac", KIND_BUFFER, run_buffer_hmac, USES | CODE(E_RANGE) | CODE(E_UNSUPPORTED),
     0},
    {"sprint_buffer_public_ed25519", KIND_BUFFER, run_buffer_public_ed25519, USES | CODE(E_CRYPTO),
     0},
    {"sprint_buffer_sign_ed25519", KIND_BUFFER, run_buffer_sign_ed25519, USES | CODE(E_CRYPTO), 0},
    {"sprint_buffer_encrypt", KIND_BUFFER, run_buffer_encrypt,
     USES | CODE(E_RANGE) | CODE(E_CRYPTO), 0},
    {"sprint_buffer_decrypt", KIND_BUFFER, run_buffer_decrypt, USES | ALLOCATES | CODE(E_CRYPTO),
     0},
    {"sprint_buffer_hkdf", KIND_BUFFER, run_buffer_hkdf, USES | ALLOCATES, 0},
    {"sprint_buffer_pbkdf2", KIND_BUFFER, run_buffer_pbkdf2, USES | ALLOCATES, 0},
    {"sprint_buffer_free", KIND_BUFFER, run_buffer_free, 0, 1},
    {"sprint_memory_stats_get", KIND_NONE, run_memory_stats_get, ALWAYS | CODE(E_ARG), 0},
    {"sprint_memory_status_json", KIND_NONE, run_memory_status_json,
     ALWAYS | CODE(E_ARG) | CODE(E_RANGE), 0},
    {"sprint_memory_self_check", KIND_NONE, run_memory_self_check,
     ALWAYS | CODE(E_MLOCK) | CODE(E_NOMEM), 0},
    {"sprint_memory_set", KIND_NONE, run_memory_set, ALWAYS | CODE(E_ARG) | CODE(E_UNSUPPORTED), 0},
    {"sprint_events_to_fd", KIND_NONE, run_events_to_fd, ALWAYS | CODE(E_ARG), 0},
};

const int call_count = sizeof calls / sizeof *calls;

int call_allows(const struct call *call, sprint_status status) {
    if (call->is_void)
        return status == SPRINT_OK;
    return status <= 0 && status > -32 && (call->allowed >> -status & 1u);
}
