//! The pool of connections.

use std::sync::Arc;
use std::time::Duration;

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::stats::PoolStats;
use crate::text;
use crate::time::millis;
use crate::{Config, Conn};

/// The pool's other name.
pub type SecureChannelPool = Pool;

/// A bounded pool of verified TLS connections.
///
/// Clones share the pool. It is closed when the last clone *and the last lease* are gone, or by
/// [`close`](Pool::close).
///
/// Send and Sync, by nature: all it holds is a handle, a number that the library resolves under its
/// own lock and that any thread may use at any time; a stale one is refused, never followed.
#[derive(Clone, Debug)]
pub struct Pool {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle(sys::sprint_pool);

impl Drop for Handle {
    #[doc(alias = "sprint_pool_free")]
    fn drop(&mut self) {
        // SAFETY: the handle is ours.
        unsafe { sys::sprint_pool_free(self.0) }
    }
}

impl Pool {
    /// Begins the settings of a pool, see [`Config::new`].
    ///
    /// ```
    /// use sprint::SecureChannelPool;
    ///
    /// // No connection is opened here and no task started.
    /// let primary = SecureChannelPool::builder("primary.example:443")
    ///     .with_namespace("btc_primary")
    ///     .with_metrics_port(9090)
    ///     .build()?;
    /// let backup = SecureChannelPool::builder("backup.example:443")
    ///     .with_namespace("btc_backup")
    ///     .with_metrics_port(9091)
    ///     .build()?;
    /// assert_eq!(primary.stats()?.dials + backup.stats()?.dials, 0);
    /// # Ok::<(), sprint::Error>(())
    /// ```
    pub fn builder(endpoints: &str) -> Config {
        Config::new(endpoints)
    }

    /// Opens connections ahead of need, until `min(count, bound)` are open or the time is over.
    /// What was opened stays open.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout), [`BreakerOpen`](crate::ErrorKind::BreakerOpen) or
    /// [`Certificate`](crate::ErrorKind::Certificate), with why the last dial failed.
    #[doc(alias = "sprint_pool_warm_up")]
    pub fn warm_up(&self, count: u32, timeout: Duration) -> Result<()> {
        // SAFETY: takes a handle and numbers only.
        check(unsafe { sys::sprint_pool_warm_up(self.as_raw(), count, millis(timeout)) })
    }

    /// Leases a connection within the pool's acquire timeout
    /// ([`Config::with_acquire_timeout`]); else as [`acquire`](Pool::acquire).
    pub fn get_connection(&self) -> Result<Conn> {
        self.lease(-1)
    }

    /// Leases a connection: an idle one whose liveness was just checked, or a new one. Callers are
    /// served in their order. `Duration::ZERO`: only what can be had now, no dial is started.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout), [`Exhausted`](crate::ErrorKind::Exhausted),
    /// [`Closed`](crate::ErrorKind::Closed), [`BreakerOpen`](crate::ErrorKind::BreakerOpen) or
    /// [`Certificate`](crate::ErrorKind::Certificate); the text holds why the last dial failed.
    #[doc(alias = "sprint_pool_acquire")]
    pub fn acquire(&self, timeout: Duration) -> Result<Conn> {
        self.lease(millis(timeout))
    }

    fn lease(&self, timeout_ms: i64) -> Result<Conn> {
        let mut conn = 0;
        // SAFETY: takes a handle and a number, and a place for a handle.
        check(unsafe { sys::sprint_pool_acquire(self.as_raw(), timeout_ms, &mut conn) })?;
        Ok(Conn::new(conn, Some(self.clone())))
    }

    /// Serves `/metrics`, `/status/connections`, `/healthz` and a page over HTTP; returns the port.
    /// Idempotent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the address cannot be bound.
    #[doc(alias = "sprint_pool_start_metrics")]
    pub fn start_metrics(&self) -> Result<u16> {
        let mut port = 0;
        // SAFETY: takes a handle, and a place for a port.
        check(unsafe { sys::sprint_pool_start_metrics(self.as_raw(), &mut port) })?;
        Ok(port)
    }

    /// [`start_metrics`](Pool::start_metrics) by its other name. The server runs on the library's
    /// own threads: the call returns at once.
    pub fn run_metrics_task(&self) -> Result<u16> {
        self.start_metrics()
    }

    /// Stops the metrics server and frees its port. Idempotent.
    #[doc(alias = "sprint_pool_stop_metrics")]
    pub fn stop_metrics(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_stop_metrics(self.as_raw()) })
    }

    /// Counters at this moment. Works on a closed pool too.
    #[doc(alias = "sprint_pool_stats_get")]
    pub fn stats(&self) -> Result<PoolStats> {
        PoolStats::of(self.as_raw())
    }

    /// The pool and each of its connections as JSON, what `/status/connections` serves.
    #[doc(alias = "sprint_pool_status_json")]
    pub fn status_json(&self) -> Result<String> {
        text::of(|buf, cap, needed| {
            // SAFETY: `buf` is writable for `cap` bytes.
            unsafe { sys::sprint_pool_status_json(self.as_raw(), buf, cap, needed) }
        })
    }

    /// Closes the pool: no new leases, waiters woken, the metrics port freed, leases drained until
    /// the grace ends, then cut off. Returns how many were cut off. Idempotent.
    #[doc(alias = "sprint_pool_close")]
    pub fn close(&self, grace: Duration) -> Result<u32> {
        let mut forced = 0;
        // SAFETY: takes a handle and a number, and a place for a count.
        check(unsafe { sys::sprint_pool_close(self.as_raw(), millis(grace), &mut forced) })?;
        Ok(forced)
    }

    /// The handle, for calls of `sprint-sys`. It stays the pool's.
    pub fn as_raw(&self) -> sys::sprint_pool {
        self.handle.0
    }

    /// Takes over a handle made through `sprint-sys`: dropping frees it. Not `unsafe`, for a handle
    /// is a number that the library checks; one that is freed elsewhere makes calls fail.
    pub fn from_raw(handle: sys::sprint_pool) -> Self {
        Pool {
            handle: Arc::new(Handle(handle)),
        }
    }
}
