//! The library's log lines.

use std::os::unix::io::{AsRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use sprint_sys as sys;

use crate::error::{check, Result};

/// Least level of the lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Every step.
    Trace,
    /// For developers of the library.
    Debug,
    /// What happens.
    Info,
    /// What should be looked at.
    Warn,
    /// What failed.
    Error,
}

/// The descriptor in use. Owned, so that it cannot be closed while the library writes to it.
static TARGET: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// Writes log lines (JSON, one `write(2)` each) to a file, pipe or socket from now on. Off at the
/// start. A line that a non-blocking descriptor does not take at once is dropped.
///
/// ```
/// sprint::log_to(std::fs::File::create("/dev/null")?, sprint::Level::Info)?;
/// sprint::log_off()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "sprint_log_to_fd")]
pub fn log_to(target: impl Into<OwnedFd>, level: Level) -> Result<()> {
    let level = match level {
        Level::Trace => sys::SPRINT_LOG_TRACE,
        Level::Debug => sys::SPRINT_LOG_DEBUG,
        Level::Info => sys::SPRINT_LOG_INFO,
        Level::Warn => sys::SPRINT_LOG_WARN,
        Level::Error => sys::SPRINT_LOG_ERROR,
    };
    switch(Some(target.into()), level)
}

/// Stops writing log lines and closes the descriptor.
pub fn log_off() -> Result<()> {
    switch(None, sys::SPRINT_LOG_ERROR)
}

/// The old descriptor is closed after the library has left it.
fn switch(target: Option<OwnedFd>, level: i32) -> Result<()> {
    let mut current = TARGET.lock().unwrap_or_else(PoisonError::into_inner);
    let fd = target.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    // SAFETY: takes numbers only.
    check(unsafe { sys::sprint_log_to_fd(fd, level) })?;
    *current = target;
    Ok(())
}
