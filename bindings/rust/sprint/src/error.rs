//! Errors: a kind to match on, the library's number, and its sentence.

use std::ffi::CStr;
use std::{fmt, io};

use sprint_sys as sys;

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:ident,)*) => {
        /// What went wrong, one for each `SPRINT_E_*` of `sprint.h`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* #[doc = concat!("\n\n`", stringify!($code), "`")] $kind,)*
            /// A code of a library newer than this crate.
            Unknown,
        }

        impl ErrorKind {
            fn from_code(code: sys::sprint_status) -> Self {
                match code {
                    $(sys::$code => ErrorKind::$kind,)*
                    _ => ErrorKind::Unknown,
                }
            }

            fn code(self) -> sys::sprint_status {
                match self {
                    $(ErrorKind::$kind => sys::$code,)*
                    ErrorKind::Unknown => sys::sprint_status::MIN,
                }
            }
        }
    };
}

kinds! {
    /// A bad size or value; the message names which.
    Argument = SPRINT_E_ARG,
    /// 0, stale, freed twice, forged or of another kind. Safe code does not meet it.
    Handle = SPRINT_E_HANDLE,
    /// The pool was closed, or the lease given up elsewhere.
    Closed = SPRINT_E_CLOSED,
    /// The deadline passed.
    Timeout = SPRINT_E_TIMEOUT,
    /// No connection free and no wait wanted, or too many waiters.
    Exhausted = SPRINT_E_EXHAUSTED,
    /// Truncated: the peer went without close_notify.
    Eof = SPRINT_E_EOF,
    /// Name resolution, connect, reset.
    Io = SPRINT_E_IO,
    /// Handshake or record layer.
    Tls = SPRINT_E_TLS,
    /// Untrusted, expired or wrong-name certificate.
    Certificate = SPRINT_E_CERT,
    /// A buffer of the caller is too small.
    Range = SPRINT_E_RANGE,
    /// Out of ordinary memory or handles.
    Memory = SPRINT_E_NOMEM,
    /// The limit of locked memory is reached; nothing else was lost.
    LockedMemory = SPRINT_E_MLOCK,
    /// The call is not valid in this state.
    State = SPRINT_E_STATE,
    /// An option, flag or feature that the library does not know.
    Unsupported = SPRINT_E_UNSUPPORTED,
    /// This process was forked after the library was loaded.
    Forked = SPRINT_E_FORKED,
    /// This crate is newer than the library, or of another major version.
    Abi = SPRINT_E_ABI,
    /// A bug of the library, caught.
    Internal = SPRINT_E_INTERNAL,
    /// Every endpoint's circuit breaker is open.
    BreakerOpen = SPRINT_E_BREAKER_OPEN,
    /// Nothing to be had now; poll and call again.
    WouldBlock = SPRINT_E_WOULD_BLOCK,
    /// The secret's lifetime is over.
    Expired = SPRINT_E_EXPIRED,
    /// A canary was damaged by an overflow in this process.
    Corrupt = SPRINT_E_CORRUPT,
    /// A reused connection died before any answer.
    Stale = SPRINT_E_STALE,
    /// Authentication failed, or a bad key.
    Crypto = SPRINT_E_CRYPTO,
}

/// One sentence.
impl fmt::Display for ErrorKind {
    #[doc(alias = "sprint_strerror")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: a static, NUL-terminated string for every number.
        let text = unsafe { CStr::from_ptr(sys::sprint_strerror(self.code())) };
        f.pad(&text.to_string_lossy())
    }
}

/// Why a call failed. Never holds a secret.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    code: i32,
    message: Box<str>,
}

impl Error {
    /// What to match on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The library's number, negative, as in `sprint.h`.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The number's name for logs, `"SPRINT_E_TIMEOUT"`.
    #[doc(alias = "sprint_errname")]
    pub fn name(&self) -> &'static str {
        // SAFETY: a static, NUL-terminated string for every number.
        let name = unsafe { CStr::from_ptr(sys::sprint_errname(self.code)) };
        name.to_str().unwrap_or("SPRINT_E_UNKNOWN")
    }

    /// The option, endpoint or argument, and the cause.
    #[doc(alias = "sprint_last_error")]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same work, begun anew on a fresh lease, may succeed with nothing changed: the
    /// trouble was load, time or the network, not an argument, a state or a certificate.
    ///
    /// Whether a request may be *sent twice* is for its protocol to say.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Timeout
                | ErrorKind::Exhausted
                | ErrorKind::Eof
                | ErrorKind::Io
                | ErrorKind::BreakerOpen
                | ErrorKind::WouldBlock
                | ErrorKind::Stale
        )
    }

    /// An argument refused before the library saw it.
    pub(crate) fn argument(option: &str, cause: &str) -> Self {
        Error::own(ErrorKind::Argument, option, cause)
    }

    /// A failure of this crate's own, in the library's form.
    pub(crate) fn own(kind: ErrorKind, what: &str, cause: impl fmt::Display) -> Self {
        Error {
            kind,
            code: kind.code(),
            message: format!("sprint: {}: {}", what, cause).into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.name())
    }
}

impl std::error::Error for Error {}

/// The [`Error`] stays inside, for `io::Error::get_ref` and `downcast_ref`.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::Argument | ErrorKind::Handle | ErrorKind::Range => {
                io::ErrorKind::InvalidInput
            }
            ErrorKind::Closed => io::ErrorKind::NotConnected,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Eof => io::ErrorKind::UnexpectedEof,
            ErrorKind::Tls | ErrorKind::Certificate | ErrorKind::Corrupt => {
                io::ErrorKind::InvalidData
            }
            ErrorKind::Memory | ErrorKind::LockedMemory => io::ErrorKind::OutOfMemory,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::Stale => io::ErrorKind::ConnectionReset,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Turns a status into a result. The message is fetched here, on the thread that failed and
/// before any other call on it, because the library keeps one per thread.
pub(crate) fn check(status: sys::sprint_status) -> Result<()> {
    if status == sys::SPRINT_OK {
        return Ok(());
    }
    Err(Error {
        kind: ErrorKind::from_code(status),
        code: status,
        message: last_error().into(),
    })
}

fn last_error() -> String {
    let mut text = vec![0u8; 256];
    loop {
        // SAFETY: the pointer is writable for the size passed with it.
        let needed = unsafe { sys::sprint_last_error(text.as_mut_ptr().cast(), text.len()) };
        if needed <= text.len() {
            text.truncate(needed.saturating_sub(1));
            return String::from_utf8_lossy(&text).into_owned();
        }
        text.resize(needed, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_of_the_header_has_a_kind_of_its_own() {
        let kinds: HashSet<_> = (sys::SPRINT_E_CRYPTO..0)
            .map(ErrorKind::from_code)
            .collect();
        assert_eq!(kinds.len(), sys::SPRINT_E_CRYPTO.unsigned_abs() as usize);
        assert!(!kinds.contains(&ErrorKind::Unknown));
        assert!(kinds
            .iter()
            .all(|&kind| ErrorKind::from_code(kind.code()) == kind));
        let sentences: HashSet<_> = kinds.iter().map(ErrorKind::to_string).collect();
        assert_eq!(sentences.len(), kinds.len());
        assert_eq!(ErrorKind::from_code(-1000), ErrorKind::Unknown);
        assert_eq!(ErrorKind::Unknown.to_string(), "unknown status");
    }

    #[test]
    fn an_error_is_captured_with_its_message_and_survives_later_calls() {
        // SAFETY: an ABI number is all it takes.
        let error = check(unsafe { sys::sprint_init(0x7fff_0000) }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Abi);
        assert_eq!(error.code(), sys::SPRINT_E_ABI);
        assert_eq!(error.name(), "SPRINT_E_ABI");
        let message = error.message().to_string();
        assert!(!message.is_empty());
        // SAFETY: handle 0 is refused.
        check(unsafe { sys::sprint_pool_stop_metrics(0) }).unwrap_err();
        assert_eq!(error.message(), message);
        assert_eq!(error.to_string(), format!("{} (SPRINT_E_ABI)", message));
    }

    #[test]
    fn an_io_error_keeps_the_error_inside() {
        let error = Error::argument("namespace", "NUL byte");
        let io_error = io::Error::from(error);
        assert_eq!(io_error.kind(), io::ErrorKind::InvalidInput);
        let inner = io_error.get_ref().and_then(|e| e.downcast_ref::<Error>());
        assert_eq!(inner.map(Error::kind), Some(ErrorKind::Argument));
    }
}
