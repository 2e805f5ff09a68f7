//! Leases for tokio.

use std::future::Future;
use std::io;
use std::os::unix::io::{AsRawFd, RawFd};
use std::panic;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task;

use crate::error::{Error, ErrorKind, Result};
use crate::half::WriteHalf;
use crate::{Conn, Pool, SecureBuffer};

/// A lease whose reads and writes wait in a tokio runtime. Feature `tokio`.
///
/// ```
/// use std::time::Duration;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::time::timeout;
///
/// async fn ping(pool: &sprint::Pool) -> std::io::Result<[u8; 5]> {
///     let mut conn = pool.get_connection_async().await?;
///     conn.write_all(b"PING\n").await?;
///     let mut pong = [0; 5];
///     // When the time is over, the read is cancelled, `conn` dropped and its connection closed.
///     timeout(Duration::from_secs(1), conn.read_exact(&mut pong)).await??;
///     Ok(pong)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sprint::Result<()> {
/// let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
/// let pool = sprint::Pool::builder(&nobody.to_string())
///     .with_acquire_timeout(Duration::from_millis(50))
///     .build()?;
/// assert!(ping(&pool).await.is_err());
/// # Ok(())
/// # }
/// ```
///
/// # Drop and cancellation
///
/// Dropping gives the connection back, or closes it when the last read or the last write failed *or
/// was cancelled* (its future dropped while it waited): its answer would meet the next lease. A
/// cancelled read loses no byte, though: a later one that succeeds makes the lease good again.
/// [`discard`](AsyncConn::discard) closes the connection in any case.
///
/// # Flushing
///
/// What a write has accepted may wait, encrypted, for room in the socket. `flush` waits until all of
/// it is sent; a read sends it on as well, so that a request and its answer need no flush between
/// them. `shutdown` is a flush: the stream belongs to the pool and stays open.
///
/// # Limits of time
///
/// [`Conn::set_timeout`] does not hold here: `tokio::time::timeout` does.
///
/// Send, not Sync, as [`Conn`]; `tokio::io::split` lets one task read while another writes.
#[derive(Debug)]
pub struct AsyncConn {
    /// Before the lease, so that it is dropped first: the descriptor is the lease's.
    fd: AsyncFd<Socket>,
    conn: Conn,
    room: Room,
}

/// A descriptor that somebody else closes.
#[derive(Debug)]
struct Socket(RawFd);

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// Who waits for room in the socket. tokio keeps one waker for that, so both go into it: else a
/// reader that sends what is left would take the place of a writer, and when the one that took it
/// is cancelled, the other would never be woken.
#[derive(Debug, Default)]
struct Room {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Both(Waker, Waker);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
        self.1.wake_by_ref();
    }
}

impl Room {
    fn waker(&self, own: &Waker) -> Waker {
        match (&self.reader, &self.writer) {
            (Some(reader), Some(writer)) if !reader.will_wake(writer) => {
                Arc::new(Both(reader.clone(), writer.clone())).into()
            }
            _ => own.clone(),
        }
    }
}

/// Whose place in [`Room`] it is.
type Place = fn(&mut Room) -> &mut Option<Waker>;

impl AsyncConn {
    /// Takes a lease into the runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the runtime cannot watch one more descriptor.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn new(conn: Conn) -> Result<Self> {
        let fd = AsyncFd::new(Socket(conn.poll_info()?.fd))
            .map_err(|e| Error::own(ErrorKind::Io, "watching a lease", e))?;
        let room = Room::default();
        Ok(AsyncConn { fd, conn, room })
    }

    /// Takes the lease out of the runtime.
    pub fn into_inner(self) -> Conn {
        self.conn
    }

    /// The lease, for what does not read or write: [`Conn::id`], [`Conn::uses`],
    /// [`Conn::info_json`].
    pub fn get_ref(&self) -> &Conn {
        &self.conn
    }

    /// As [`WriteHalf::write_secret`](crate::WriteHalf::write_secret), on a thread for blocking
    /// calls. Cancelling it does not stop it: the lease is discarded when dropped.
    pub async fn write_secret(&mut self, secret: &SecureBuffer) -> Result<()> {
        let write = self.conn.writer().write_secret_later(secret);
        let result = blocking(write).await;
        self.conn.writer().wrote(&result);
        result
    }

    /// Ends the lease and closes the connection.
    pub fn discard(self) {
        self.into_inner().discard();
    }

    /// Sends until `send` is done or there is no room in the socket.
    fn poll_send<T>(
        &mut self,
        cx: &mut Context<'_>,
        place: Place,
        mut send: impl FnMut(&mut WriteHalf<'_>) -> Poll<Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut seen = None;
        loop {
            if let Poll::Ready(result) = send(&mut self.conn.writer()) {
                *place(&mut self.room) = None;
                return Poll::Ready(result.map_err(io::Error::from));
            }
            // What was seen before the attempt is out of date; what came since is not.
            clear(seen.take());
            *place(&mut self.room) = Some(cx.waker().clone());
            let waker = self.room.waker(cx.waker());
            match self.fd.poll_write_ready(&mut Context::from_waker(&waker))? {
                Poll::Ready(guard) => seen = Some(guard),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn clear(seen: Option<tokio::io::unix::AsyncFdReadyGuard<'_, Socket>>) {
    if let Some(mut guard) = seen {
        guard.clear_ready();
    }
}

impl AsyncRead for AsyncConn {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut seen = None;
        loop {
            // Before polling: decrypted bytes do not show on the socket.
            if let Poll::Ready(result) = this.conn.reader().poll_read(buf.initialize_unfilled()) {
                buf.advance(result?);
                this.room.reader = None;
                return Poll::Ready(Ok(()));
            }
            clear(seen.take());
            match this.fd.poll_read_ready(cx)? {
                Poll::Ready(guard) => seen = Some(guard),
                Poll::Pending => break,
            }
        }
        // The answer may be to what was not sent yet.
        if this.conn.poll_info()?.write {
            let sent =
                this.poll_send(cx, |room| &mut room.reader, |half| half.poll_flush_aside())?;
            let _: Poll<()> = sent; // either way the answer is still to come
        }
        Poll::Pending
    }
}

impl AsyncWrite for AsyncConn {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_send(cx, |room| &mut room.writer, |half| half.poll_write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_send(cx, |room| &mut room.writer, |half| half.poll_flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// Leases without blocking the runtime. Feature `tokio`.
///
/// What has to wait does so on tokio's threads for blocking calls, 512 unless the runtime was built
/// with another number; more callers wait for one of them. Cancelling does not stop the wait: what
/// it brings goes back to the pool. A runtime that is dropped waits for it, at most until its limit.
///
/// All of them panic outside of a tokio runtime with I/O enabled.
impl Pool {
    /// As [`get_connection`](Pool::get_connection).
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Pool::acquire); [`ErrorKind::Io`] when the runtime cannot watch one
    /// more descriptor.
    pub async fn get_connection_async(&self) -> Result<AsyncConn> {
        self.lease_async(|pool| pool.get_connection()).await
    }

    /// As [`acquire`](Pool::acquire). An idle connection is leased at once, on this thread.
    ///
    /// # Errors
    ///
    /// Those of [`get_connection_async`](Pool::get_connection_async).
    pub async fn acquire_async(&self, timeout: Duration) -> Result<AsyncConn> {
        self.lease_async(move |pool| pool.acquire(timeout)).await
    }

    async fn lease_async(
        &self,
        wait: impl FnOnce(&Pool) -> Result<Conn> + Send + 'static,
    ) -> Result<AsyncConn> {
        let conn = match self.acquire(Duration::ZERO) {
            Err(e) if e.kind() == ErrorKind::Exhausted => {
                let pool = self.clone();
                blocking(move || wait(&pool)).await?
            }
            other => other?,
        };
        AsyncConn::new(conn)
    }

    /// As [`warm_up`](Pool::warm_up).
    pub async fn warm_up_async(&self, count: u32, timeout: Duration) -> Result<()> {
        let pool = self.clone();
        blocking(move || pool.warm_up(count, timeout)).await
    }

    /// As [`close`](Pool::close).
    pub async fn close_async(&self, grace: Duration) -> Result<u32> {
        let pool = self.clone();
        blocking(move || pool.close(grace)).await
    }
}

/// Runs a call that waits where it does not hold up other tasks.
fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> {
    let task = task::spawn_blocking(call);
    async move {
        match task.await {
            Ok(result) => result,
            Err(e) if e.is_panic() => panic::resume_unwind(e.into_panic()),
            Err(e) => Err(Error::own(ErrorKind::Closed, "the runtime shuts down", e)),
        }
    }
}
