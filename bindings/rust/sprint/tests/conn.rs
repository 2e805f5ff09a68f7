//! Leases as streams.

mod support;

use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;

use sprint::{Conn, ErrorKind};
use support::{ask, buffer, kind, log_in, read_line, until, Relay, PATIENCE};

#[test]
fn one_thread_reads_while_another_writes() {
    let relay = Relay::start();
    let mut conn = relay.pool(1).get_connection().unwrap();
    conn.set_timeout(Some(PATIENCE));
    conn.write_all(b"ECHO\n").unwrap();

    let sent: Vec<u8> = (0..1u32 << 20).map(|i| (i % 251) as u8).collect();
    let mut received = vec![0; sent.len()];
    let (mut reader, mut writer) = conn.split();
    thread::scope(|s| {
        let reading = s.spawn(|| reader.read_exact(&mut received));
        for chunk in sent.chunks(70_000) {
            writer.write_all(chunk).unwrap();
        }
        writer.flush().unwrap();
        reading.join().unwrap().unwrap();
    });
    assert!(sent == received);
}

#[test]
fn an_empty_read_or_write_does_nothing() {
    let relay = Relay::start();
    let mut conn = relay.pool(1).get_connection().unwrap();
    assert_eq!(conn.read(&mut []).unwrap(), 0);
    conn.read_exact(&mut []).unwrap();
    conn.write_all(&[]).unwrap();
    assert_eq!(ask(&mut conn, "PING"), "ERR login first");
}

#[test]
fn close_notify_is_the_end_and_truncation_is_an_error() {
    let relay = Relay::start();
    let pool = relay.pool(2);

    let mut conn = pool.get_connection().unwrap();
    assert_eq!(ask(&mut conn, "QUIT"), "BYE");
    assert_eq!(conn.read(&mut [0; 8]).unwrap(), 0);

    relay.set("truncate_after=4");
    let mut conn = pool.get_connection().unwrap();
    conn.write_all(b"QUIT\n").unwrap();
    let mut text = String::new();
    let error = conn.read_to_string(&mut text).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let inner = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<sprint::Error>())
        .unwrap();
    assert_eq!(inner.kind(), ErrorKind::Eof);
}

#[test]
fn a_read_that_timed_out_lost_nothing() {
    let relay = Relay::start();
    let mut conn = log_in(&relay.pool(1), &relay.key());
    let stopped = relay.stopped();
    conn.write_all(b"PING late\n").unwrap();
    conn.set_timeout(Some(Duration::from_millis(20)));
    let error = conn.read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(stopped);
    conn.set_timeout(Some(PATIENCE));
    assert_eq!(read_line(&mut conn), "PONG late");
}

#[test]
fn a_request_is_a_write_and_one_read() {
    let relay = Relay::start();
    let mut conn = log_in(&relay.pool(1), &relay.key());
    let mut answer = [0; 64];
    let n = conn.request(b"PING request\n", &mut answer).unwrap();
    assert_eq!(&answer[..n], b"PONG request\n");
}

#[test]
fn a_secret_is_sent_from_its_buffer_sealed_or_not() {
    let relay = Relay::start();
    let mut conn = relay.pool(1).get_connection().unwrap();
    conn.set_timeout(Some(PATIENCE));
    conn.write_all(b"ECHO\n").unwrap();
    let secret = buffer(b"token");
    for _ in 0..2 {
        conn.write_secret(&secret).unwrap();
        let mut seen = [0; 5];
        conn.read_exact(&mut seen).unwrap();
        assert_eq!(seen, *b"token");
        secret.seal().unwrap();
    }
}

#[test]
fn a_secret_that_is_gone_is_not_sent_and_the_lease_is_good() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let mut conn = pool.get_connection().unwrap();
    let secret = buffer(b"token");
    secret.expire_after(Duration::from_nanos(1)).unwrap();
    until("it expires", || secret.open().is_err());
    assert_eq!(kind(conn.write_secret(&secret)), ErrorKind::Expired);
    drop(conn);
    assert_eq!(pool.stats().unwrap().idle, 1);
}

#[test]
fn an_event_loop_tries_and_polls() {
    let relay = Relay::start();
    let mut conn = log_in(&relay.pool(1), &relay.key());
    let mut buf = [0; 64];
    assert_eq!(
        conn.try_read(&mut buf).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let info = conn.poll_info().unwrap();
    assert!(info.fd >= 0 && info.read && !info.write);

    assert_eq!(conn.try_write(b"PING loop\n").unwrap(), 10);
    conn.flush().unwrap();
    let mut answer = Vec::new();
    until("the answer is read", || {
        match conn.try_read(&mut buf) {
            Ok(n) => answer.extend_from_slice(&buf[..n]),
            Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
        }
        answer.ends_with(b"\n")
    });
    assert_eq!(answer, b"PONG loop\n");
}

#[test]
fn a_lease_survives_the_way_through_a_raw_handle() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let conn = log_in(&pool, &relay.key());
    let id = conn.id().unwrap();
    let raw = conn.into_raw();
    assert_eq!(pool.stats().unwrap().lent, 1, "into_raw ends nothing");
    let mut conn = Conn::from_raw(raw);
    assert_eq!((conn.as_raw(), conn.id().unwrap()), (raw, id));
    assert_eq!(ask(&mut conn, "PING"), "PONG");
    drop(conn);
    assert_eq!(pool.stats().unwrap().idle, 1);
    assert_eq!(
        Conn::from_raw(raw).id().unwrap_err().kind(),
        ErrorKind::Handle
    );
}
