//! What protects the secrets of this process, and how they are to be kept from now on.
//!
//! The counters are in [`memory_stats`](crate::memory_stats).

use sprint_sys as sys;

use crate::error::{check, Error, Result};
use crate::{text, Backend};

/// `MemoryProtectionStatus` as JSON: what was measured, and nothing else. The kernel is asked for
/// every page, which takes a millisecond or more.
#[doc(alias = "sprint_memory_status_json")]
pub fn status_json() -> Result<String> {
    text::of(|buf, cap, needed| {
        // SAFETY: `buf` is writable for `cap` bytes.
        unsafe { sys::sprint_memory_status_json(buf, cap, needed) }
    })
}

/// [`status_json`] as a type. Feature `json`.
#[cfg(feature = "json")]
#[doc(alias = "sprint_memory_status_json")]
pub fn status() -> Result<crate::MemoryProtectionStatus> {
    crate::status::of_memory()
}

/// Checks that the protection works here and now: allocates, writes, reads, looks at the kernel's
/// own flags of the pages, and computes known answers.
///
/// # Errors
///
/// [`State`](crate::ErrorKind::State) when a step failed, which the message names,
/// [`LockedMemory`](crate::ErrorKind::LockedMemory), [`Memory`](crate::ErrorKind::Memory).
#[doc(alias = "sprint_memory_self_check")]
pub fn self_check() -> Result<()> {
    // SAFETY: takes nothing.
    check(unsafe { sys::sprint_memory_self_check() })
}

/// What an allocation does when no more memory can be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AtLimit {
    /// Fails with [`LockedMemory`](crate::ErrorKind::LockedMemory), as at the start.
    Fail,
    /// Seals buffers that are not in use, to make room.
    Seal,
    /// Takes unlocked memory; the status tells.
    Degrade,
}

/// Bounds what is locked for the secrets of this process; 0: as the system allows.
#[doc(alias = "sprint_memory_set")]
pub fn set_budget(bytes: u64) -> Result<()> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    set(sys::SPRINT_MEM_BUDGET_BYTES, bytes)
}

/// Chooses the pages of later allocations. [`Backend::Auto`] leaves it to the library.
///
/// # Errors
///
/// [`Unsupported`](crate::ErrorKind::Unsupported) when this system does not have it.
#[doc(alias = "sprint_memory_set")]
pub fn set_backend(backend: Backend) -> Result<()> {
    let backend = match backend {
        Backend::Auto => sys::SPRINT_BACKEND_AUTO,
        Backend::Secretmem => sys::SPRINT_BACKEND_SECRETMEM,
        Backend::Mlock => sys::SPRINT_BACKEND_MLOCK,
        Backend::Unknown => return Err(Error::argument("backend", "unknown to this crate")),
    };
    set(sys::SPRINT_MEM_BACKEND, backend.into())
}

/// Chooses what later allocations do when no more memory can be locked.
#[doc(alias = "sprint_memory_set")]
pub fn set_at_limit(at_limit: AtLimit) -> Result<()> {
    let at_limit = match at_limit {
        AtLimit::Fail => sys::SPRINT_LIMIT_FAIL,
        AtLimit::Seal => sys::SPRINT_LIMIT_SEAL,
        AtLimit::Degrade => sys::SPRINT_LIMIT_DEGRADE,
    };
    set(sys::SPRINT_MEM_AT_LIMIT, at_limit)
}

fn set(option: i32, value: i64) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { sys::sprint_memory_set(option, value) })
}
