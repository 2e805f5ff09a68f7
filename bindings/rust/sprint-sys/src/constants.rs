//! Every constant of `sprint.h`, in its order, with the type of the field or parameter
//! that takes it.

pub const SPRINT_VERSION_MAJOR: u32 = 1;
pub const SPRINT_VERSION_MINOR: u32 = 0;
pub const SPRINT_VERSION_PATCH: u32 = 0;
/// The interface that a host was compiled against, for `sprint_init`.
pub const SPRINT_ABI: u32 = (SPRINT_VERSION_MAJOR << 16) | SPRINT_VERSION_MINOR;

pub const SPRINT_OK: i32 = 0;
pub const SPRINT_E_ARG: i32 = -1;
pub const SPRINT_E_HANDLE: i32 = -2;
pub const SPRINT_E_CLOSED: i32 = -3;
pub const SPRINT_E_TIMEOUT: i32 = -4;
pub const SPRINT_E_EXHAUSTED: i32 = -5;
pub const SPRINT_E_EOF: i32 = -6;
pub const SPRINT_E_IO: i32 = -7;
pub const SPRINT_E_TLS: i32 = -8;
pub const SPRINT_E_CERT: i32 = -9;
pub const SPRINT_E_RANGE: i32 = -10;
pub const SPRINT_E_NOMEM: i32 = -11;
pub const SPRINT_E_MLOCK: i32 = -12;
pub const SPRINT_E_STATE: i32 = -13;
pub const SPRINT_E_UNSUPPORTED: i32 = -14;
pub const SPRINT_E_FORKED: i32 = -15;
pub const SPRINT_E_ABI: i32 = -16;
pub const SPRINT_E_INTERNAL: i32 = -17;
pub const SPRINT_E_BREAKER_OPEN: i32 = -18;
pub const SPRINT_E_WOULD_BLOCK: i32 = -19;
pub const SPRINT_E_EXPIRED: i32 = -20;
pub const SPRINT_E_CORRUPT: i32 = -21;
pub const SPRINT_E_STALE: i32 = -22;
pub const SPRINT_E_CRYPTO: i32 = -23;

pub const SPRINT_BREAKER_CLOSED: u32 = 0;
pub const SPRINT_BREAKER_OPEN: u32 = 1;
pub const SPRINT_BREAKER_HALF_OPEN: u32 = 2;

pub const SPRINT_SELF_CHECK_NOT_RUN: u32 = 0;
pub const SPRINT_SELF_CHECK_PASSED: u32 = 1;
pub const SPRINT_SELF_CHECK_FAILED: u32 = 2;

pub const SPRINT_BACKEND_AUTO: u32 = 0;
pub const SPRINT_BACKEND_SECRETMEM: u32 = 1;
pub const SPRINT_BACKEND_MLOCK: u32 = 2;

pub const SPRINT_LOG_TRACE: i32 = -8;
pub const SPRINT_LOG_DEBUG: i32 = -4;
pub const SPRINT_LOG_INFO: i32 = 0;
pub const SPRINT_LOG_WARN: i32 = 4;
pub const SPRINT_LOG_ERROR: i32 = 8;

pub const SPRINT_OPT_NAMESPACE: i32 = 1;
pub const SPRINT_OPT_MAX_CONNECTIONS: i32 = 2;
pub const SPRINT_OPT_MIN_IDLE: i32 = 3;
pub const SPRINT_OPT_MAX_WAITERS: i32 = 4;
pub const SPRINT_OPT_MAX_LATENCY_MS: i32 = 5;
pub const SPRINT_OPT_MAX_LIFETIME_MS: i32 = 6;
pub const SPRINT_OPT_IDLE_TIMEOUT_MS: i32 = 7;
pub const SPRINT_OPT_CONNECT_TIMEOUT_MS: i32 = 8;
pub const SPRINT_OPT_CLEANUP_INTERVAL_MS: i32 = 9;
pub const SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS: i32 = 10;
pub const SPRINT_OPT_KEY_ROTATION_INTERVAL_MS: i32 = 11;
pub const SPRINT_OPT_CIRCUIT_BREAKER_FAILURE_THRESHOLD: i32 = 12;
pub const SPRINT_OPT_CIRCUIT_BREAKER_COOLDOWN_MS: i32 = 13;
pub const SPRINT_OPT_METRICS_HOST: i32 = 20;
pub const SPRINT_OPT_METRICS_PORT: i32 = 21;
pub const SPRINT_OPT_METRICS_AUTH_TOKEN: i32 = 22;
pub const SPRINT_OPT_METRICS_PUBLIC: i32 = 23;
pub const SPRINT_OPT_SERVER_NAME: i32 = 30;
pub const SPRINT_OPT_CA_FILE: i32 = 31;
pub const SPRINT_OPT_CA_PEM: i32 = 32;
pub const SPRINT_OPT_CERT_FILE: i32 = 33;
pub const SPRINT_OPT_CERT_PEM: i32 = 34;
pub const SPRINT_OPT_KEY_FILE: i32 = 35;
pub const SPRINT_OPT_KEY: i32 = 36;
pub const SPRINT_OPT_PIN_SHA256: i32 = 37;
pub const SPRINT_OPT_ALPN: i32 = 38;
pub const SPRINT_OPT_MIN_TLS_VERSION: i32 = 39;
pub const SPRINT_OPT_IDLE_ORDER: i32 = 40;
pub const SPRINT_OPT_ENDPOINT_ORDER: i32 = 41;
pub const SPRINT_OPT_BUSY_POLL_US: i32 = 42;
pub const SPRINT_OPT_PROBE_SWEEP_MS: i32 = 43;
pub const SPRINT_OPT_DNS_REFRESH_MS: i32 = 44;
pub const SPRINT_OPT_MAX_DIALS: i32 = 45;
pub const SPRINT_OPT_LEAK_AFTER_MS: i32 = 46;
pub const SPRINT_OPT_ACQUIRE_TIMEOUT_MS: i32 = 47;
pub const SPRINT_OPT_NAME: i32 = 48;
pub const SPRINT_OPT_METRICS_TLS_CERT_FILE: i32 = 49;
pub const SPRINT_OPT_METRICS_TLS_KEY_FILE: i32 = 50;

pub const SPRINT_REQUEST_IDEMPOTENT: u32 = 1;

pub const SPRINT_WANT_READ: u32 = 1;
pub const SPRINT_WANT_WRITE: u32 = 2;

pub const SPRINT_BUFFER_DEFAULT: u32 = 0;
pub const SPRINT_BUFFER_FAST: u32 = 1;
pub const SPRINT_BUFFER_NOACCESS: u32 = 2;
pub const SPRINT_BUFFER_DEGRADE: u32 = 4;

pub const SPRINT_READ: i32 = 1;
pub const SPRINT_WRITE: i32 = 2;

pub const SPRINT_HASH_SHA256: i32 = 1;
pub const SPRINT_HASH_SHA384: i32 = 2;
pub const SPRINT_HASH_SHA512: i32 = 3;

pub const SPRINT_MEM_BUDGET_BYTES: i32 = 1;
pub const SPRINT_MEM_BACKEND: i32 = 2;
pub const SPRINT_MEM_AT_LIMIT: i32 = 3;

pub const SPRINT_LIMIT_FAIL: i64 = 0;
pub const SPRINT_LIMIT_SEAL: i64 = 1;
pub const SPRINT_LIMIT_DEGRADE: i64 = 2;
