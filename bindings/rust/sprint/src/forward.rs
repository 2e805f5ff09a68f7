//! The library's log lines as events of `tracing`.

use std::io::{BufRead, BufReader};
use std::net::Shutdown;
use std::os::unix::io::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::log::{log_off_from, log_to_shared, Level};

/// Hands the library's log lines on to `tracing`, until the result is dropped. Feature `tracing`.
///
/// ```
/// tracing_subscriber::fmt().with_writer(std::io::sink).init();
/// let forwarder = sprint::log_to_tracing(sprint::Level::Info)?;
/// // ... the program ...
/// drop(forwarder); // every line is handed on
/// # Ok::<(), sprint::Error>(())
/// ```
///
/// An event has the target `sprint`, the library's level, its sentence as the message, and the
/// fields `connection` (a number), `endpoint` and `cause` where the line has them; all else in the
/// line, as JSON, is the field `more`.
///
/// The lines come through a socket and a thread of this crate, `sprint-log`, which calls the
/// program's default subscriber. A pool never waits for it: when the subscriber is slower than the
/// library for long, lines are dropped. Takes the place of [`log_to`](crate::log_to), and the other
/// way round.
///
/// # Errors
///
/// [`ErrorKind::Io`] when there is no descriptor or thread left; [`ErrorKind::Forked`].
pub fn log_to_tracing(level: Level) -> Result<LogForwarder> {
    let failed = |e| Error::own(ErrorKind::Io, "forwarding the log", e);
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    theirs.set_nonblocking(true).map_err(failed)?;
    let lines = BufReader::new(ours.try_clone().map_err(failed)?);
    let reader = thread::Builder::new()
        .name("sprint-log".into())
        .spawn(move || forward(lines))
        .map_err(failed)?;
    let forwarder = LogForwarder {
        ours,
        target: Arc::new(theirs.into()),
        reader: Some(reader),
    };
    log_to_shared(Arc::clone(&forwarder.target), level)?;
    Ok(forwarder)
}

/// Log lines on their way to `tracing`, see [`log_to_tracing`]. Dropping ends that, after the last
/// line was handed on.
#[derive(Debug)]
#[must_use = "dropping it ends the forwarding"]
pub struct LogForwarder {
    ours: UnixStream,
    target: Arc<OwnedFd>,
    reader: Option<JoinHandle<()>>,
}

impl Drop for LogForwarder {
    fn drop(&mut self) {
        let _ = log_off_from(&self.target);
        // The reader gets what is there and then the end, whoever else holds the other side: a
        // forked child may.
        let _ = self.ours.shutdown(Shutdown::Read);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join(); // it panics only if the subscriber does
        }
    }
}

fn forward(mut lines: impl BufRead) {
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        emit(&line);
        line.clear();
    }
}

/// One line of Go's log/slog: an object with `time`, `level`, `msg`, and more.
fn emit(line: &[u8]) {
    let mut fields: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(fields) => fields,
        // Cut off, for want of room: better than nothing.
        Err(_) => Map::from_iter([("msg".into(), String::from_utf8_lossy(line).into())]),
    };
    fields.remove("time"); // the subscriber has its own
    let mut text = |key: &str| match fields.remove(key) {
        Some(Value::String(text)) => Some(text),
        other => other.map(|value| value.to_string()),
    };
    let (level, message) = (text("level"), text("msg").unwrap_or_default());
    let (endpoint, cause) = (text("endpoint"), text("cause"));
    let (endpoint, cause) = (endpoint.as_deref(), cause.as_deref());
    let connection = fields.remove("connection").and_then(|id| id.as_u64());
    let more = (!fields.is_empty()).then(|| Value::Object(fields).to_string());
    let more = more.as_deref();
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: "sprint", tracing::Level::$level,
                connection, endpoint, cause, more, "{}", message
            )
        };
    }
    // slog writes levels between these as "INFO+2".
    match level.as_deref().unwrap_or_default().get(..4) {
        Some("TRAC") => event!(TRACE),
        Some("DEBU") => event!(DEBUG),
        Some("INFO") => event!(INFO),
        Some("ERRO") => event!(ERROR),
        _ => event!(WARN),
    }
}
