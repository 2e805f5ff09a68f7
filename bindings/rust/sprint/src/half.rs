//! The two directions of a lease.

use std::io::{self, Read, Write};
use std::ptr;
#[cfg(feature = "tokio")]
use std::task::Poll;
use std::time::Duration;

use sprint_sys as sys;

#[cfg(feature = "tokio")]
use crate::error::Error;
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
    /// Whether the last call is still to be finished, by polling on.
    pub(crate) pending: bool,
}

impl Side {
    pub(crate) fn new() -> Self {
        Side {
            timeout_ms: -1,
            failed: false,
            pending: false,
        }
    }

    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout_ms = limit(timeout);
    }

    /// Whether the lease may have lost its place in the stream.
    pub(crate) fn lost(&self) -> bool {
        self.failed || self.pending
    }

    /// Turns a status into a result and remembers how the call ended.
    pub(crate) fn finish(&mut self, status: sys::sprint_status) -> Result<()> {
        self.note(status);
        check(status)
    }

    /// Remembers how a call ended, unless it did not touch the stream.
    fn note(&mut self, status: sys::sprint_status) {
        let untouched = matches!(
            status,
            sys::SPRINT_E_WOULD_BLOCK
                | sys::SPRINT_E_ARG
                | sys::SPRINT_E_EXPIRED
                | sys::SPRINT_E_MLOCK
        );
        if !untouched {
            self.failed = status != sys::SPRINT_OK;
            self.pending = false;
        }
    }

    /// As [`finish`](Side::finish) for a call that is polled: nothing to be had now is no error, and
    /// costs no text.
    #[cfg(feature = "tokio")]
    fn poll(&mut self, status: sys::sprint_status) -> Poll<Result<()>> {
        self.pending = status == sys::SPRINT_E_WOULD_BLOCK;
        if self.pending {
            return Poll::Pending;
        }
        Poll::Ready(self.finish(status))
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
        let status = self.receive(buf, &mut n);
        self.side.finish(status)?;
        Ok(n)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn poll_read(&mut self, buf: &mut [u8]) -> Poll<Result<usize>> {
        let mut n = 0;
        let status = self.receive(buf, &mut n);
        self.side.poll(status).map_ok(|()| n)
    }

    fn receive(&mut self, buf: &mut [u8], n: &mut usize) -> sys::sprint_status {
        // SAFETY: a unique slice is writable for its length.
        unsafe { sys::sprint_conn_try_read(self.handle, buf.as_mut_ptr().cast(), buf.len(), n) }
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

    /// The call of [`write_secret`](WriteHalf::write_secret), for another thread; how it ended goes
    /// into [`wrote`](WriteHalf::wrote). Handles are numbers: it may outlive lease and secret.
    #[cfg(feature = "tokio")]
    pub(crate) fn write_secret_later(
        &mut self,
        secret: &SecureBuffer,
    ) -> impl FnOnce() -> Result<()> + Send + 'static {
        self.side.pending = true;
        let (conn, secret) = (self.handle, secret.as_raw());
        // SAFETY: takes handles and a number only.
        move || check(unsafe { sys::sprint_conn_write_secret(conn, secret, -1) })
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn wrote(&mut self, result: &Result<()>) {
        self.side.pending = false;
        let status = result.as_ref().err().map_or(sys::SPRINT_OK, Error::code);
        self.side.note(status);
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
        let status = self.send(data, &mut n);
        self.side.finish(status)?;
        Ok(n)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn poll_write(&mut self, data: &[u8]) -> Poll<Result<usize>> {
        let mut n = 0;
        let status = self.send(data, &mut n);
        self.side.poll(status).map_ok(|()| n)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn poll_flush(&mut self) -> Poll<Result<()>> {
        let status = self.send_rest();
        self.side.poll(status)
    }

    /// As [`poll_flush`](WriteHalf::poll_flush), by a reader: a write that is pending stays so.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_flush_aside(&mut self) -> Poll<Result<()>> {
        match self.send_rest() {
            sys::SPRINT_OK => Poll::Ready(Ok(())),
            sys::SPRINT_E_WOULD_BLOCK => Poll::Pending,
            status => Poll::Ready(self.side.finish(status)),
        }
    }

    fn send(&mut self, data: &[u8], n: &mut usize) -> sys::sprint_status {
        // SAFETY: a slice is readable for its length.
        unsafe { sys::sprint_conn_try_write(self.handle, data.as_ptr().cast(), data.len(), n) }
    }

    #[cfg(feature = "tokio")]
    fn send_rest(&mut self) -> sys::sprint_status {
        // SAFETY: takes a handle and a number only.
        unsafe { sys::sprint_conn_flush(self.handle, 0) }
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
