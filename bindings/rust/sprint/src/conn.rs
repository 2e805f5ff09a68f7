//! A connection on lease.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::thread;
use std::time::Duration;

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::half::{ReadHalf, Side, WriteHalf};
#[cfg(doc)]
use crate::ErrorKind;
use crate::{text, Pool, SecureBuffer};

/// A connection on lease from a [`Pool`].
///
/// Dropping it gives the connection back, or closes it when the last read or the last write
/// failed, or the thread is panicking: a protocol that lost its place must not meet the next
/// lease. [`discard`](Conn::discard) closes it in any case.
///
/// `write` sends everything it is given; `read` returns 0 after the peer's close_notify, while a
/// truncated stream is [`io::ErrorKind::UnexpectedEof`]. Without a
/// [timeout](Conn::set_timeout) both wait for ever.
///
/// Send: a lease is a handle, a number that any thread may use. Not Sync: the library allows one
/// reader and one writer at a time, and [`split`](Conn::split) says so in types.
#[derive(Debug)]
pub struct Conn {
    handle: sys::sprint_conn,
    reading: Side,
    writing: Side,
    /// Keeps the pool open while the lease lasts; none for a handle that came from elsewhere.
    pool: Option<Pool>,
    _not_sync: PhantomData<Cell<()>>,
}

/// What to poll a connection's descriptor for, see [`Conn::poll_info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollInfo {
    /// Valid until the lease ends. Never read, write or close it.
    pub fd: i32,
    /// Poll for reading.
    pub read: bool,
    /// Poll for writing: something is unsent, to be sent by [`Conn::flush`](Write::flush).
    pub write: bool,
}

impl Conn {
    pub(crate) fn new(handle: sys::sprint_conn, pool: Option<Pool>) -> Self {
        Conn {
            handle,
            reading: Side::new(),
            writing: Side::new(),
            pool,
            _not_sync: PhantomData,
        }
    }

    /// Limits each later read and write as a whole; `None`, at first: no limit, `Duration::ZERO`:
    /// what is there, or what the socket takes, now.
    ///
    /// A read that timed out lost nothing and may be repeated. After a write that timed out the
    /// stream cannot be continued: every later write is [`ErrorKind::State`].
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.reading.set_timeout(timeout);
        self.writing.set_timeout(timeout);
    }

    /// Splits the lease, so that one thread can read while another writes.
    ///
    /// ```no_run
    /// use std::io::{Read, Write};
    /// use std::thread;
    ///
    /// # let pool = sprint::Pool::builder("relay.example:443").build()?;
    /// let mut conn = pool.get_connection()?;
    /// let (mut reader, mut writer) = conn.split();
    /// let mut answer = [0; 5];
    /// thread::scope(|s| {
    ///     let reading = s.spawn(|| reader.read_exact(&mut answer));
    ///     writer.write_all(b"PING\n")?;
    ///     reading.join().unwrap()
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (
            ReadHalf::new(self.handle, &mut self.reading),
            WriteHalf::new(self.handle, &mut self.writing),
        )
    }

    pub(crate) fn reader(&mut self) -> ReadHalf<'_> {
        self.split().0
    }

    pub(crate) fn writer(&mut self) -> WriteHalf<'_> {
        self.split().1
    }

    /// Sends `data`, at least 1 byte, then receives once into `answer`, under one deadline, the
    /// writing side's. Returns the bytes received; 0: the peer ended the stream.
    #[doc(alias = "sprint_conn_request")]
    pub fn request(&mut self, data: &[u8], answer: &mut [u8]) -> Result<usize> {
        self.request_with(data, answer, 0)
    }

    /// As [`request`](Conn::request), where the peer may get `data` twice: what would be
    /// [`ErrorKind::Stale`] is sent once more on a connection that is dialled for it, if nothing
    /// else was done on this lease and the retry budget of the pool allows it. [`id`](Conn::id) and
    /// the descriptor then change, and [`uses`](Conn::uses) is 0.
    #[doc(alias = "SPRINT_REQUEST_IDEMPOTENT")]
    pub fn request_idempotent(&mut self, data: &[u8], answer: &mut [u8]) -> Result<usize> {
        self.request_with(data, answer, sys::SPRINT_REQUEST_IDEMPOTENT)
    }

    fn request_with(&mut self, data: &[u8], answer: &mut [u8], flags: u32) -> Result<usize> {
        let mut n = 0;
        // SAFETY: a slice is readable, a unique one writable, for its length.
        let status = unsafe {
            sys::sprint_conn_request(
                self.handle,
                data.as_ptr().cast(),
                data.len(),
                answer.as_mut_ptr().cast(),
                answer.len(),
                flags,
                self.writing.timeout_ms,
                &mut n,
            )
        };
        let result = self.writing.finish(status);
        self.reading.failed = self.writing.failed;
        result.map(|()| n)
    }

    /// See [`WriteHalf::write_secret`].
    pub fn write_secret(&mut self, secret: &SecureBuffer) -> Result<()> {
        self.writer().write_secret(secret)
    }

    /// See [`ReadHalf::try_read`].
    pub fn try_read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.reader().try_read(buf)
    }

    /// See [`WriteHalf::try_write`].
    pub fn try_write(&mut self, data: &[u8]) -> Result<usize> {
        self.writer().try_write(data)
    }

    /// The descriptor to poll and what for, between calls of [`try_read`](Conn::try_read) and
    /// [`try_write`](Conn::try_write).
    #[doc(alias = "sprint_conn_poll_info")]
    pub fn poll_info(&self) -> Result<PollInfo> {
        let (mut fd, mut want) = (-1, 0);
        // SAFETY: takes a handle, and places for numbers.
        check(unsafe { sys::sprint_conn_poll_info(self.handle, &mut fd, &mut want) })?;
        Ok(PollInfo {
            fd,
            read: want & sys::SPRINT_WANT_READ != 0,
            write: want & sys::SPRINT_WANT_WRITE != 0,
        })
    }

    /// The connection's number in its pool, as in logs and in the status; counts from 1, never
    /// reused.
    #[doc(alias = "sprint_conn_id")]
    pub fn id(&self) -> Result<u64> {
        let mut id = 0;
        // SAFETY: takes a handle, and a place for a number.
        check(unsafe { sys::sprint_conn_id(self.handle, &mut id) })?;
        Ok(id)
    }

    /// How many leases of this connection came before this one. 0: it is fresh, so a protocol with
    /// a login logs in first.
    #[doc(alias = "sprint_conn_uses")]
    pub fn uses(&self) -> Result<u64> {
        let mut uses = 0;
        // SAFETY: takes a handle, and a place for a number.
        check(unsafe { sys::sprint_conn_uses(self.handle, &mut uses) })?;
        Ok(uses)
    }

    /// The connection and what its handshake agreed on, as JSON.
    #[doc(alias = "sprint_conn_info_json")]
    pub fn info_json(&self) -> Result<String> {
        text::of(|buf, cap, needed| {
            // SAFETY: `buf` is writable for `cap` bytes.
            unsafe { sys::sprint_conn_info_json(self.handle, buf, cap, needed) }
        })
    }

    /// Ends the lease and closes the connection.
    #[doc(alias = "sprint_conn_discard")]
    pub fn discard(mut self) {
        self.reading.failed = true;
    }

    /// The handle, for calls of `sprint-sys`. It stays the lease's.
    pub fn as_raw(&self) -> sys::sprint_conn {
        self.handle
    }

    /// Gives the handle away, to be released or discarded through `sprint-sys`. The lease no longer
    /// keeps its pool open.
    pub fn into_raw(self) -> sys::sprint_conn {
        let mut lease = ManuallyDrop::new(self);
        lease.pool = None;
        lease.handle
    }

    /// Takes over a handle made through `sprint-sys`, or given away by
    /// [`into_raw`](Conn::into_raw): dropping ends the lease. Not `unsafe`, for a handle is a
    /// number that the library checks; one that is dead elsewhere makes calls fail.
    pub fn from_raw(handle: sys::sprint_conn) -> Self {
        Conn::new(handle, None)
    }
}

impl Drop for Conn {
    #[doc(alias = "sprint_conn_release")]
    fn drop(&mut self) {
        // SAFETY: the handle is ours.
        unsafe {
            if self.reading.lost() || self.writing.lost() || thread::panicking() {
                sys::sprint_conn_discard(self.handle)
            } else {
                sys::sprint_conn_release(self.handle)
            }
        }
    }
}

impl Read for Conn {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader().read(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        self.reader().read_exact(buf)
    }
}

impl Write for Conn {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}
