//! Control of a pool while it runs.

use std::ffi::CString;

use sprint_sys as sys;

use crate::error::{check, Error, Result};
use crate::Pool;

impl Pool {
    /// Starts the cleanup task: it keeps the minimum of idle connections, replaces old and slow
    /// ones, and closes what is idle for too long. Idempotent.
    #[doc(alias = "sprint_pool_start_cleanup")]
    pub fn start_cleanup(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_start_cleanup(self.as_raw()) })
    }

    /// [`start_cleanup`](Pool::start_cleanup) by its other name. The task runs on the library's own
    /// threads: the call returns at once.
    pub fn run_cleanup_task(&self) -> Result<()> {
        self.start_cleanup()
    }

    /// Stops the cleanup task and waits for it. Idempotent.
    #[doc(alias = "sprint_pool_stop_cleanup")]
    pub fn stop_cleanup(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_stop_cleanup(self.as_raw()) })
    }

    /// Changes the bound and the number of idle connections wanted.
    #[doc(alias = "sprint_pool_resize")]
    pub fn resize(&self, max_connections: u32, min_idle: u32) -> Result<()> {
        // SAFETY: takes a handle and numbers only.
        check(unsafe { sys::sprint_pool_resize(self.as_raw(), max_connections, min_idle) })
    }

    /// Lets every acquire wait until [`resume`](Pool::resume).
    #[doc(alias = "sprint_pool_pause")]
    pub fn pause(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_pause(self.as_raw()) })
    }

    /// Ends [`pause`](Pool::pause).
    #[doc(alias = "sprint_pool_resume")]
    pub fn resume(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_resume(self.as_raw()) })
    }

    /// Closes the connections to one endpoint: idle ones now, lent ones at their return.
    #[doc(alias = "sprint_pool_evict_endpoint")]
    pub fn evict_endpoint(&self, endpoint: &str) -> Result<()> {
        let text =
            CString::new(endpoint).map_err(|_| Error::argument("endpoint", "holds a NUL byte"))?;
        // SAFETY: a handle, and a NUL-terminated string that outlives the call.
        check(unsafe { sys::sprint_pool_evict_endpoint(self.as_raw(), text.as_ptr()) })
    }

    /// Begins anew: idle connections are closed now, lent ones at their return, and all circuit
    /// breakers close.
    #[doc(alias = "sprint_pool_reset")]
    pub fn reset(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_reset(self.as_raw()) })
    }

    /// Replaces every connection by one with fresh keys; files of certificates and keys are read
    /// again. If that fails, nothing changes.
    #[doc(alias = "sprint_pool_rotate")]
    pub fn rotate(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_pool_rotate(self.as_raw()) })
    }
}
