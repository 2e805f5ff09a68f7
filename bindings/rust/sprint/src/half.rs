//! The two directions of a lease.

use std::io::{self, Read, Write};
use std::ptr;
use std::time::Duration;

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::time::limit;
use crate::SecureBuffer;
#[cfg(doc)]
use crate::{Conn, ErrorKind};

/// The half of a [`Conn`] that reads, see [`Conn::split`].
#[derive(Debug)]
pub struct ReadHalf<'a> {
    handle: sys::sprint_conn,
    side: &'a mut Side,
}

/// The half of a [`Conn`] that writes, see [`Conn::split`].
#[derive(Debug)]
pub struct WriteHalf<'a> {
    handle: sys::sprint_conn,
    side: &'a mut Side,
}

/// What a lease remembers of one direction.
#[derive(Debug)]
pub(crate) struct Side {
    /// Negative: none.
    pub(crate) timeout_ms: i64,
    /// Whether the last call failed.
    pub(crate) failed: bool,
}

impl Side {
    pub(crate) fn new() -> Self {
        Side {
            timeout_ms: -1,
            failed: false,
        }
    }

    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout_ms = limit(timeout);
    }

    /// Turns a status into a result and remembers how the call ended, unless it did not touch the
    /// stream.
    pub(crate) fn finish(&mut self, status: sys::sprint_status) -> Result<()> {
        let result = check(status);
        let untouched = matches!(
            status,
            sys::SPRINT_E_WOULD_BLOCK
                | sys::SPRINT_E_ARG
                | sys::SPRINT_E_EXPIRED
                | sys::SPRINT_E_MLOCK
        );
        if !untouched {
            self.failed = result.is_err();
        }
        result
    }
}

impl<'a> ReadHalf<'a> {
    pub(crate) fn new(handle: sys::sprint_conn, side: &'a mut Side) -> Self {
        ReadHalf { handle, side }
    }

    /// Limits each later read, see [`Conn::set_timeout`]; stays when the halves are gone.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.side.set_timeout(timeout);
    }

    /// Receives what is there without waiting, for event loops; 0: the peer ended the stream. Call
    /// it until [`ErrorKind::WouldBlock`] before polling: decrypted bytes do not show on the
    /// socket.
    #[doc(alias = "sprint_conn_try_read")]
    pub fn try_read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let mut n = 0;
        // SAFETY: a unique slice is writable for its length.
        self.side.finish(unsafe {
            sys::sprint_conn_try_read(self.handle, buf.as_mut_ptr().cast(), buf.len(), &mut n)
        })?;
        Ok(n)
    }
}

impl Read for ReadHalf<'_> {
    #[doc(alias = "sprint_conn_read")]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut n = 0;
        // SAFETY: a unique slice is writable for its length.
        self.side.finish(unsafe {
            sys::sprint_conn_read(
                self.handle,
                buf.as_mut_ptr().cast(),
                buf.len(),
                self.side.timeout_ms,
                &mut n,
            )
        })?;
        Ok(n)
    }

    /// All of `buf` under one deadline.
    #[doc(alias = "sprint_conn_read_exact")]
    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        if buf.is_empty() {
            return Ok(());
        }
        // SAFETY: a unique slice is writable for its length; a NULL count is allowed.
        self.side.finish(unsafe {
            sys::sprint_conn_read_exact(
                self.handle,
                buf.as_mut_ptr().cast(),
                buf.len(),
                self.side.timeout_ms,
                ptr::null_mut(),
            )
        })?;
        Ok(())
    }
}

impl<'a> WriteHalf<'a> {
    pub(crate) fn new(handle: sys::sprint_conn, side: &'a mut Side) -> Self {
        WriteHalf { handle, side }
    }

    /// Limits each later write, see [`Conn::set_timeout`]; stays when the halves are gone.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.side.set_timeout(timeout);
    }

    /// Sends all of a secret, a token usually, from its buffer: it passes through no memory of this
    /// program. On its way it is in the memory of TLS, which is not locked.
    ///
    /// # Errors
    ///
    /// As of a write, and [`ErrorKind::Expired`], or [`ErrorKind::LockedMemory`] when it was sealed.
    #[doc(alias = "sprint_conn_write_secret")]
    pub fn write_secret(&mut self, secret: &SecureBuffer) -> Result<()> {
        // SAFETY: takes handles and a number only.
        self.side.finish(unsafe {
            sys::sprint_conn_write_secret(self.handle, secret.as_raw(), self.side.timeout_ms)
        })
    }

    /// Sends what can be sent without waiting, for event loops, and returns how much was accepted.
    /// Accepted bytes may still wait in the library: poll as [`Conn::poll_info`] says and flush.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WouldBlock`] when nothing was accepted.
    #[doc(alias = "sprint_conn_try_write")]
    pub fn try_write(&mut self, data: &[u8]) -> Result<usize> {
        let mut n = 0;
        // SAFETY: a slice is readable for its length.
        self.side.finish(unsafe {
            sys::sprint_conn_try_write(self.handle, data.as_ptr().cast(), data.len(), &mut n)
        })?;
        Ok(n)
    }
}

impl Write for WriteHalf<'_> {
    /// All of `buf`; what was written has been taken by the kernel, not by the peer.
    #[doc(alias = "sprint_conn_write")]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // SAFETY: a slice is readable for its length.
        self.side.finish(unsafe {
            sys::sprint_conn_write(
                self.handle,
                buf.as_ptr().cast(),
                buf.len(),
                self.side.timeout_ms,
            )
        })?;
        Ok(buf.len())
    }

    /// Sends what [`try_write`](WriteHalf::try_write) accepted and the socket did not take yet.
    #[doc(alias = "sprint_conn_flush")]
    fn flush(&mut self) -> io::Result<()> {
        // SAFETY: takes a handle and a number only.
        self.side
            .finish(unsafe { sys::sprint_conn_flush(self.handle, self.side.timeout_ms) })?;
        Ok(())
    }
}
