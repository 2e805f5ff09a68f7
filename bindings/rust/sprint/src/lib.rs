//! Pooled, verified TLS connections and guarded memory for secrets, on libsprint.
//!
//! ```no_run
//! use sprint::{Hash, Pool, SecureBuffer};
//! use std::io::{Read, Write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SecureBuffer::random(32)?;
//! let pool = Pool::builder("relay.example:443")
//!     .with_max_connections(8)
//!     .with_min_idle(2)
//!     .build()?;
//!
//! let mut conn = pool.get_connection()?;
//! if conn.uses()? == 0 {
//!     // A fresh connection: log in. The key is used where it lies.
//!     let mut mac = [0; 32];
//!     key.hmac(Hash::Sha256, b"nonce", &mut mac)?;
//!     conn.write_all(&mac)?;
//! }
//! conn.write_all(b"PING\n")?;
//! let mut pong = [0; 5];
//! conn.read_exact(&mut pong)?;
//! // Dropped here: the connection goes back to the pool.
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! [`Pool`] and [`SecureBuffer`] may be used from any thread at the same time. A [`Conn`] belongs
//! to one thread at a time; [`Conn::split`] lets one read while another writes.
//!
//! # Fork
//!
//! A process forked after the library was loaded gets [`ErrorKind::Forked`] from every call, and
//! dropping does nothing there. Child processes that exec are not concerned.
//!
//! # Features
//!
//! None is on by default, and without them there is no dependency.
//!
//! | feature | what it adds |
//! |---|---|
//! | `tokio` | `AsyncConn`, a lease with `AsyncRead` and `AsyncWrite`; `Pool::get_connection_async` |
//! | `zeroize` | copies of secrets that are wiped when dropped |
//! | `tracing` | `log_to_tracing`: the library's log lines as events of `tracing` |
//! | `json` | `PoolStatus`, `ConnectionStatus`, `MemoryProtectionStatus` as types |
//!
//! # Minimum Rust
//!
//! 1.63, with every feature, given dependencies as old as those in the repository's `Cargo.lock`.

#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![doc(test(attr(deny(warnings))))]

// Their programs talk to a relay: `make test-rust` of the repository starts one.
#[cfg(all(doctest, sprint_pages))]
#[doc = include_str!("../../README.md")]
mod readme {}
#[cfg(all(doctest, sprint_pages))]
#[doc = include_str!("../../../../docs/rust.md")]
mod page {}

#[cfg(all(unix, feature = "tokio"))]
mod async_conn;
mod buffer;
mod config;
mod conn;
mod control;
mod error;
#[cfg(all(unix, feature = "tracing"))]
mod forward;
mod guard;
mod half;
mod key;
#[cfg(unix)]
mod log;
pub mod memory;
mod pool;
mod stats;
#[cfg(feature = "json")]
mod status;
mod text;
mod time;
#[cfg(feature = "zeroize")]
mod zeroizing;

use std::ffi::CStr;

#[cfg(all(unix, feature = "tokio"))]
pub use async_conn::AsyncConn;
pub use buffer::{Flags, SecureBuffer};
pub use config::{Config, TlsVersion};
pub use conn::{Conn, PollInfo};
pub use error::{Error, ErrorKind, Result};
#[cfg(all(unix, feature = "tracing"))]
pub use forward::{log_to_tracing, LogForwarder};
pub use guard::{ReadGuard, WriteGuard};
pub use half::{ReadHalf, WriteHalf};
pub use key::Hash;
#[cfg(unix)]
pub use log::{events_off, events_to, log_off, log_to, Level};
pub use pool::{Pool, SecureChannelPool};
pub use stats::{memory_stats, Backend, BreakerState, MemoryStats, PoolStats, SelfCheck};
#[cfg(feature = "json")]
pub use status::{
    CleanupStatus, ConnectionInfo, ConnectionStatus, EndpointStatus, HandshakeCount, MappingStatus,
    MemoryProtectionStatus, PoolStatus,
};

/// Checks that the library in this process serves the interface this crate was written for.
/// Optional and cheap; starts nothing.
///
/// # Errors
///
/// [`ErrorKind::Abi`], [`ErrorKind::Forked`].
#[doc(alias = "sprint_init")]
pub fn init() -> Result<()> {
    // SAFETY: takes a number only.
    error::check(unsafe { sprint_sys::sprint_init(sprint_sys::SPRINT_ABI) })
}

/// Version of the library at run time, `"MAJOR.MINOR.PATCH"`.
#[doc(alias = "sprint_version")]
pub fn version() -> &'static str {
    // SAFETY: a static, NUL-terminated string.
    let text = unsafe { CStr::from_ptr(sprint_sys::sprint_version()) };
    text.to_str().unwrap_or_default()
}

/// Overwrites memory with zeros; the compiler does not remove it.
#[doc(alias = "sprint_wipe")]
pub fn wipe(bytes: &mut [u8]) {
    // SAFETY: a unique slice is writable for its length.
    unsafe { sprint_sys::sprint_wipe(bytes.as_mut_ptr().cast(), bytes.len()) }
}
