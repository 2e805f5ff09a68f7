//! What the end of a lease does to its connection.

mod support;

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use sprint::{Conn, Pool};
use support::{ask, log_in, read_line, Relay, Stopped, PATIENCE};

/// Ends a lease in the given way; returns (idle, discards) afterwards.
fn after(end: impl FnOnce(&Relay, Conn)) -> (u32, u64) {
    let relay = Relay::start();
    let pool: Pool = relay.pool(2);
    end(&relay, log_in(&pool, &relay.key()));
    let stats = pool.stats().unwrap();
    assert_eq!(stats.lent, 0);
    (stats.idle, stats.discards)
}

/// Sends a PING that is not answered before the result is dropped.
fn miss_an_answer(relay: &Relay, conn: &mut Conn) -> Stopped {
    let stopped = relay.stopped();
    conn.write_all(b"PING\n").unwrap();
    conn.set_timeout(Some(Duration::from_millis(10)));
    conn.read(&mut [0; 16]).unwrap_err();
    conn.set_timeout(Some(PATIENCE));
    stopped
}

#[test]
fn a_lease_that_succeeded_goes_back() {
    let ended = after(|_, mut conn| assert_eq!(ask(&mut conn, "PING"), "PONG"));
    assert_eq!(ended, (1, 0));
}

#[test]
fn a_lease_whose_last_read_failed_is_discarded() {
    // Nothing is broken or unread yet: only the lease knows that an answer is on its way.
    let ended = after(|relay, mut conn| {
        let _stopped = miss_an_answer(relay, &mut conn);
        drop(conn);
    });
    assert_eq!(ended, (0, 1));
}

#[test]
fn a_lease_that_read_the_late_answer_goes_back() {
    let ended = after(|relay, mut conn| {
        drop(miss_an_answer(relay, &mut conn));
        assert_eq!(read_line(&mut conn), "PONG");
    });
    assert_eq!(ended, (1, 0));
}

#[test]
fn a_failure_in_a_half_counts() {
    let ended = after(|_, mut conn| {
        let (mut reader, _) = conn.split();
        reader.set_timeout(Some(Duration::ZERO));
        reader.read(&mut [0; 16]).unwrap_err();
    });
    assert_eq!(ended, (0, 1));
}

#[test]
fn a_call_that_did_not_touch_the_stream_has_not_failed() {
    let ended = after(|_, mut conn| {
        conn.try_read(&mut [0; 16]).unwrap_err();
        conn.try_read(&mut []).unwrap_err();
    });
    assert_eq!(ended, (1, 0));
}

#[test]
fn discard_closes_a_healthy_connection() {
    assert_eq!(after(|_, conn| conn.discard()), (0, 1));
}

#[test]
fn a_panic_discards_the_lease() {
    let ended = after(|_, conn| {
        let thread = thread::spawn(move || {
            let _lease = conn;
            panic!("as this test wants");
        });
        thread.join().unwrap_err();
    });
    assert_eq!(ended, (0, 1));
}
