//! Snapshots of the library's counters.

use std::mem;

use sprint_sys as sys;

use crate::error::{check, Result};

/// State of a pool's circuit breakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// Dials go ahead.
    Closed,
    /// Every endpoint's breaker is open: nothing is dialled.
    Open,
    /// One dial is trying.
    HalfOpen,
    /// A state of a library newer than this crate.
    Unknown,
}

/// Counters of a pool at one moment; see [`Pool::stats`](crate::Pool::stats).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "sprint_pool_stats")]
pub struct PoolStats {
    /// The hard bound.
    pub max_connections: u32,
    /// Open and free.
    pub idle: u32,
    /// Open and leased.
    pub lent: u32,
    /// Being connected; counts against the bound.
    pub dialing: u32,
    /// Callers waiting for a connection.
    pub waiting: u32,
    /// Open when every endpoint's is.
    pub breaker_state: BreakerState,
    /// As `/healthz` says.
    pub healthy: bool,
    /// Leases given.
    pub acquires: u64,
    /// Connections opened.
    pub dials: u64,
    /// Attempts that failed.
    pub dial_errors: u64,
    /// Dials that replaced a lost connection.
    pub reconnects: u64,
    /// Failures of connections and of dials.
    pub errors: u64,
    /// Acquires and I/O calls that ran out of time.
    pub timeouts: u64,
    /// Leases that ended without going back to the pool.
    pub discards: u64,
    /// Application bytes, before encryption.
    pub bytes_sent: u64,
    /// Application bytes, after decryption.
    pub bytes_received: u64,
}

impl PoolStats {
    pub(crate) fn of(pool: sys::sprint_pool) -> Result<Self> {
        let mut raw = sys::sprint_pool_stats {
            struct_size: size_of_u32::<sys::sprint_pool_stats>(),
            ..Default::default()
        };
        // SAFETY: a struct whose size is told.
        check(unsafe { sys::sprint_pool_stats_get(pool, &mut raw) })?;
        Ok(PoolStats {
            max_connections: raw.max_connections,
            idle: raw.idle,
            lent: raw.lent,
            dialing: raw.dialing,
            waiting: raw.waiting,
            breaker_state: match raw.breaker_state {
                sys::SPRINT_BREAKER_CLOSED => BreakerState::Closed,
                sys::SPRINT_BREAKER_OPEN => BreakerState::Open,
                sys::SPRINT_BREAKER_HALF_OPEN => BreakerState::HalfOpen,
                _ => BreakerState::Unknown,
            },
            healthy: raw.healthy != 0,
            acquires: raw.acquires,
            dials: raw.dials,
            dial_errors: raw.dial_errors,
            reconnects: raw.reconnects,
            errors: raw.errors,
            timeouts: raw.timeouts,
            discards: raw.discards,
            bytes_sent: raw.bytes_sent,
            bytes_received: raw.bytes_received,
        })
    }
}

/// Result of the library's test of its own memory protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SelfCheck {
    /// Not run yet.
    NotRun,
    /// Passed.
    Passed,
    /// Failed.
    Failed,
    /// A result of a library newer than this crate.
    Unknown,
}

/// How a secret's pages are kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Not chosen yet: nothing was allocated.
    Auto,
    /// `memfd_secret(2)`: not even root reads it through the kernel.
    Secretmem,
    /// `mlock(2)`, out of core dumps, wiped in forked children.
    Mlock,
    /// A way of a library newer than this crate.
    Unknown,
}

impl Backend {
    pub(crate) fn of(raw: u32) -> Self {
        match raw {
            sys::SPRINT_BACKEND_AUTO => Backend::Auto,
            sys::SPRINT_BACKEND_SECRETMEM => Backend::Secretmem,
            sys::SPRINT_BACKEND_MLOCK => Backend::Mlock,
            _ => Backend::Unknown,
        }
    }
}

/// Secure memory of this process at one moment; see [`memory_stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "sprint_memory_stats")]
pub struct MemoryStats {
    /// Whether locked memory can be had.
    pub enabled: bool,
    /// The library's test of its own protection.
    pub self_check: SelfCheck,
    /// Of the newest allocation.
    pub backend: Backend,
    /// Buffers alive.
    pub buffers: u64,
    /// Of these, encrypted at rest.
    pub sealed: u64,
    /// Bytes held locked by the library, free slots included.
    pub locked_bytes: u64,
    /// `RLIMIT_MEMLOCK`; `None`: no limit.
    pub lock_limit_bytes: Option<u64>,
    /// Free slots kept for reuse.
    pub slots_cached: u64,
    /// Allocations refused at a limit.
    pub refused: u64,
    /// Overflows found when a buffer was freed.
    pub canary_failures: u64,
    /// Calls refused in forked children of this process.
    pub forks_refused: u64,
    /// Buffers in pages that are not locked.
    pub unlocked: u64,
}

/// What protects the secrets of this process now. Measured, never assumed.
#[doc(alias = "sprint_memory_stats_get")]
pub fn memory_stats() -> Result<MemoryStats> {
    let mut raw = sys::sprint_memory_stats {
        struct_size: size_of_u32::<sys::sprint_memory_stats>(),
        ..Default::default()
    };
    // SAFETY: a struct whose size is told.
    check(unsafe { sys::sprint_memory_stats_get(&mut raw) })?;
    Ok(MemoryStats {
        enabled: raw.enabled != 0,
        self_check: match raw.self_check {
            sys::SPRINT_SELF_CHECK_NOT_RUN => SelfCheck::NotRun,
            sys::SPRINT_SELF_CHECK_PASSED => SelfCheck::Passed,
            sys::SPRINT_SELF_CHECK_FAILED => SelfCheck::Failed,
            _ => SelfCheck::Unknown,
        },
        backend: Backend::of(raw.backend),
        buffers: raw.buffers,
        sealed: raw.sealed,
        locked_bytes: raw.locked_bytes,
        lock_limit_bytes: Some(raw.lock_limit_bytes).filter(|&limit| limit != u64::MAX),
        slots_cached: raw.slots_cached,
        refused: raw.refused,
        canary_failures: raw.canary_failures,
        forks_refused: raw.forks_refused,
        unlocked: raw.unlocked,
    })
}

fn size_of_u32<T>() -> u32 {
    mem::size_of::<T>() as u32
}
