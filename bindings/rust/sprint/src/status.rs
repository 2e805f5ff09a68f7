//! The library's JSON reports as types. Keys that a newer library adds are ignored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::{memory, Conn, Pool};

/// A pool and each of its connections at one moment: what `/status/connections` serves. Feature
/// `json`.
///
/// ```
/// # fn main() -> sprint::Result<()> {
/// let pool = sprint::Pool::builder("relay.example:443").build()?;
/// let status = pool.status()?;
/// assert_eq!(status.endpoint, "relay.example:443");
/// assert_eq!(status.active_connections, status.connections.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct PoolStatus {
    /// The list of endpoints as given.
    pub endpoint: String,
    /// Open connections, idle and lent.
    pub active_connections: usize,
    /// Dials that replaced a lost connection.
    pub total_reconnects: u64,
    /// Failures of connections and of dials.
    pub total_errors: u64,
    /// Largest p95 latency of the open connections, rounded up.
    pub pool_p95_latency_ms: u64,
    /// Each open connection.
    pub connections: Vec<ConnectionStatus>,
    /// The hard bound.
    pub max_connections: u32,
    /// Idle connections wanted.
    pub min_idle: u32,
    /// Open and free.
    pub idle: u32,
    /// Open and leased.
    pub lent: u32,
    /// Being connected.
    pub dialing: u32,
    /// Being closed.
    pub closing: u32,
    /// Callers waiting for a connection.
    pub waiting: u32,
    /// Leases given.
    pub total_acquires: u64,
    /// Connections opened.
    pub total_dials: u64,
    /// Attempts that failed.
    pub total_dial_errors: u64,
    /// Acquires and I/O calls that ran out of time.
    pub total_timeouts: u64,
    /// Leases that ended without going back to the pool.
    pub total_discards: u64,
    /// Application bytes, before encryption.
    pub bytes_sent: u64,
    /// Application bytes, after decryption.
    pub bytes_received: u64,
    /// Whether [`Pool::pause`] holds.
    pub paused: bool,
    /// The best state of any endpoint's breaker: `"closed"`, `"half_open"` or `"open"`.
    pub circuit_breaker: String,
    /// Closed connections by the reason.
    pub closed_by_reason: BTreeMap<String, u64>,
    /// Leases that were reported as held for too long.
    pub total_leaks_suspected: u64,
    /// Of these, the ones that ended after all.
    pub total_leaks_returned: u64,
    /// Slow connections that were kept: with the majority (`"share"`) or the `"median"`.
    pub slow_spared: BTreeMap<String, u64>,
    /// Calls of [`Pool::rotate`].
    pub generation: u64,
    /// How the cleanup task fares.
    pub cleanup: CleanupStatus,
    /// Each endpoint's share.
    pub endpoints: Vec<EndpointStatus>,
    /// Empty if it has none.
    pub name: String,
    /// Of all answers in the current window and the one before.
    pub merged_p95_latency_us: u64,
    /// Calls of acquire by how they ended.
    pub acquires_by_outcome: BTreeMap<String, u64>,
    /// Idempotent requests that were stale, by what came of sending them once more.
    pub retries: BTreeMap<String, u64>,
    /// When the certificate shown to peers ends, RFC 3339, UTC; `None` without one.
    #[serde(default)]
    pub client_certificate_expires: Option<String>,
}

/// The cleanup task in a [`PoolStatus`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct CleanupStatus {
    /// Between [`Pool::start_cleanup`] and [`Pool::stop_cleanup`].
    pub running: bool,
    /// How late its last pass by the clock began.
    pub lag_ms: f64,
    /// How often the wall clock moved against the monotonic one.
    pub clock_leaps: u64,
}

/// One open connection in a [`PoolStatus`]. Times are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ConnectionStatus {
    /// Never reused within a pool.
    pub connection_id: u64,
    /// When it was opened, lent, returned, read or written last.
    pub last_activity: String,
    /// Connections that held its place before it.
    pub reconnects: u64,
    /// Its failures.
    pub errors: u64,
    /// 95 % of its answers came within this time, rounded up.
    pub p95_latency_ms: u64,
    /// The same in microseconds.
    pub p95_latency_us: u64,
    /// Where it leads.
    pub endpoint: String,
    /// `"idle"` or `"lent"`.
    pub state: String,
    /// When it was opened.
    pub opened: String,
    /// Leases of it that ended.
    pub uses: u64,
    /// Application bytes, before encryption.
    pub bytes_sent: u64,
    /// Application bytes, after decryption.
    pub bytes_received: u64,
    /// How often [`Pool::rotate`] had been called when it was dialled.
    pub generation: u64,
    /// Answers that the percentiles are of.
    pub samples: u64,
    /// Half of its answers came within this time.
    pub p50_latency_us: u64,
    /// 99 % of its answers came within this time.
    pub p99_latency_us: u64,
    /// How old it is.
    pub age_ms: u64,
    /// For how long it has been idle; 0 if it is lent.
    pub idle_ms: u64,
    /// For how long it has been lent; 0 if it is idle.
    pub held_ms: u64,
    /// `"TLS 1.3"`
    pub tls_version: String,
    /// `"TLS_AES_128_GCM_SHA256"`
    pub cipher_suite: String,
    /// When the peer's certificate expires.
    pub peer_certificate_expires: String,
}

/// TLS handshakes that were alike, in an [`EndpointStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct HandshakeCount {
    /// `"1.2"` or `"1.3"`
    pub tls_version: String,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// How many there were.
    pub count: u64,
}

/// One endpoint's share in a [`PoolStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct EndpointStatus {
    /// `"host:port"`
    pub endpoint: String,
    /// Open connections to it.
    pub active_connections: usize,
    /// As in the pool.
    pub total_reconnects: u64,
    /// As in the pool.
    pub total_errors: u64,
    /// Connections opened.
    pub total_dials: u64,
    /// Attempts that failed.
    pub total_dial_errors: u64,
    /// Application bytes, before encryption.
    pub bytes_sent: u64,
    /// Application bytes, after decryption.
    pub bytes_received: u64,
    /// `"closed"`, `"half_open"` or `"open"`
    pub circuit_breaker: String,
    /// How often it opened.
    pub circuit_breaker_trips: u64,
    /// Changes of its state, by the one that they led to.
    pub circuit_breaker_transitions: BTreeMap<String, u64>,
    /// `total_errors` by their kind.
    pub errors_by_kind: BTreeMap<String, u64>,
    /// Looks at idle connections before they were lent, by what was found.
    pub health_checks: BTreeMap<String, u64>,
    /// Handshakes that succeeded.
    pub tls_handshakes: Vec<HandshakeCount>,
    /// Connections that were closed for the sake of fresh keys.
    pub key_rotations: u64,
    /// When the certificate shown last ends, RFC 3339, UTC; `None` before the first.
    #[serde(default)]
    pub peer_certificate_expires: Option<String>,
    /// Why the last dial failed; empty if it did not.
    #[serde(default)]
    pub last_error: String,
}

/// What a connection's handshake agreed on. Feature `json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// As [`Conn::id`].
    pub connection_id: u64,
    /// Where it leads.
    pub endpoint: String,
    /// As [`Conn::uses`].
    pub uses: u64,
    /// How often [`Pool::rotate`] had been called when it was dialled.
    pub generation: u64,
    /// When it was opened, RFC 3339, UTC.
    pub opened: String,
    /// `"TLS 1.3"`
    pub tls_version: String,
    /// `"TLS_AES_128_GCM_SHA256"`
    pub cipher_suite: String,
    /// The protocol agreed on; empty: none.
    pub alpn: String,
    /// Whether it resumed an earlier session.
    pub resumed: bool,
    /// When the peer's certificate expires, RFC 3339, UTC.
    pub peer_certificate_expires: String,
}

/// What protects the secrets of this process: measured, never assumed. Feature `json`.
///
/// ```
/// let key = sprint::SecureBuffer::random(32)?;
/// sprint::memory::self_check()?;
/// let status = sprint::memory::status()?;
/// assert!(status.enabled && status.self_check == "passed");
/// assert_eq!(status.active_buffers, 1);
/// drop(key);
/// # Ok::<(), sprint::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct MemoryProtectionStatus {
    /// Whether locked memory can be had.
    pub enabled: bool,
    /// `"not_run"`, `"passed"` or `"failed"`
    pub self_check: String,
    /// When that was, RFC 3339, UTC.
    #[serde(default)]
    pub last_self_check: Option<String>,
    /// The step that failed, and how; empty if none did.
    #[serde(default)]
    pub self_check_failure: String,
    /// Of the newest allocation: `"secretmem"` or `"mlock"`; `"none"` before one.
    pub backend: String,
    /// `"linux/amd64"`
    pub platform: String,
    /// Buffers alive.
    pub active_buffers: u64,
    /// Of these, encrypted at rest.
    pub sealed_buffers: u64,
    /// Of these, in pages that are not locked.
    pub unlocked_buffers: u64,
    /// Bytes held locked by the library.
    pub locked_bytes: u64,
    /// `RLIMIT_MEMLOCK`; `None`: no limit.
    pub memlock_limit_bytes: Option<u64>,
    /// Free slots kept for reuse.
    pub slots_cached: u64,
    /// Allocations refused at a limit.
    pub refused: u64,
    /// In place now, one before each secret that is in a slot.
    pub canaries: u64,
    /// Overflows found when a buffer was freed.
    pub canary_failures: u64,
    /// What the kernel says of the pages; `None` where it does not tell.
    #[serde(default)]
    pub mappings: Option<MappingStatus>,
}

/// What the kernel says of the pages of secrets, in slots, free ones included.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct MappingStatus {
    /// How many there are.
    pub slots: u64,
    /// Pages without access, two for each slot.
    pub guard_pages: u64,
    /// Locked in memory.
    pub locked: u64,
    /// Kept out of core dumps.
    pub no_core_dump: u64,
    /// Not in forked children, or as zeros.
    pub no_fork: u64,
}

impl Pool {
    /// [`status_json`](Pool::status_json) as a type. Feature `json`.
    #[doc(alias = "sprint_pool_status_json")]
    pub fn status(&self) -> Result<PoolStatus> {
        parse(&self.status_json()?)
    }
}

impl Conn {
    /// [`info_json`](Conn::info_json) as a type. Feature `json`.
    #[doc(alias = "sprint_conn_info_json")]
    pub fn info(&self) -> Result<ConnectionInfo> {
        parse(&self.info_json()?)
    }
}

/// In `memory`, beside the text it is made from.
pub(crate) fn of_memory() -> Result<MemoryProtectionStatus> {
    parse(&memory::status_json()?)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::own(ErrorKind::Abi, "a status of another library", e))
}
