//! The library's lines of JSON: its log, and what happens to secrets.

use std::os::unix::io::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

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

/// A descriptor in use. Owned, so that it cannot be closed while the library writes to it.
type Target = Mutex<Option<Arc<OwnedFd>>>;

static LOG: Target = Mutex::new(None);
static EVENTS: Target = Mutex::new(None);

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
    log_to_shared(Arc::new(target.into()), level)
}

pub(crate) fn log_to_shared(target: Arc<OwnedFd>, level: Level) -> Result<()> {
    let level = match level {
        Level::Trace => sys::SPRINT_LOG_TRACE,
        Level::Debug => sys::SPRINT_LOG_DEBUG,
        Level::Info => sys::SPRINT_LOG_INFO,
        Level::Warn => sys::SPRINT_LOG_WARN,
        Level::Error => sys::SPRINT_LOG_ERROR,
    };
    // SAFETY: takes numbers only.
    switch(&LOG, Some(target), |fd| unsafe {
        sys::sprint_log_to_fd(fd, level)
    })
}

/// Stops writing log lines and closes the descriptor.
pub fn log_off() -> Result<()> {
    // SAFETY: takes numbers only.
    switch(&LOG, None, |fd| unsafe {
        sys::sprint_log_to_fd(fd, sys::SPRINT_LOG_ERROR)
    })
}

/// [`log_off`], unless lines go somewhere else by now.
#[cfg(feature = "tracing")]
pub(crate) fn log_off_from(target: &Arc<OwnedFd>) -> Result<()> {
    let current = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match current {
        Some(current) if Arc::ptr_eq(&current, target) => log_off(),
        _ => Ok(()),
    }
}

/// Writes what happens to secrets (JSON lines, one `write(2)` each) to a file, pipe or socket from
/// now on: what was done, handle, size and result, never content. Off at the start. A line that a
/// non-blocking descriptor does not take at once is dropped.
///
/// ```
/// sprint::events_to(std::fs::File::create("/dev/null")?)?;
/// sprint::events_off()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "sprint_events_to_fd")]
pub fn events_to(target: impl Into<OwnedFd>) -> Result<()> {
    events(Some(Arc::new(target.into())))
}

/// Stops writing what happens to secrets and closes the descriptor.
pub fn events_off() -> Result<()> {
    events(None)
}

fn events(target: Option<Arc<OwnedFd>>) -> Result<()> {
    // SAFETY: takes a number only.
    switch(&EVENTS, target, |fd| unsafe {
        sys::sprint_events_to_fd(fd)
    })
}

/// The old descriptor is closed after the library has left it.
fn switch(
    current: &Target,
    target: Option<Arc<OwnedFd>>,
    set: impl FnOnce(i32) -> sys::sprint_status,
) -> Result<()> {
    let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
    check(set(target.as_ref().map_or(-1, |fd| fd.as_raw_fd())))?;
    *current = target;
    Ok(())
}
