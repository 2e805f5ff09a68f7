//! Leases in a tokio runtime.

mod support;

use std::future::{self, Future};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sprint::{AsyncConn, Error, ErrorKind, Hash, Pool, SecureBuffer};
use support::{buffer, hex, unhex, until, Relay, PATIENCE};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};

/// Sends one line, returns the line that answers it.
async fn ask(conn: &mut AsyncConn, line: &str) -> String {
    let mut conn = BufReader::new(conn);
    conn.write_all(format!("{}\n", line).as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    let answered = timeout(PATIENCE, conn.read_line(&mut answer)).await;
    answered.expect("an answer in time").unwrap();
    assert!(conn.buffer().is_empty(), "one line");
    answer.trim_end().to_string()
}

/// A lease that has logged in.
async fn log_in(pool: &Pool, key: &SecureBuffer) -> AsyncConn {
    let mut conn = pool.acquire_async(PATIENCE).await.unwrap();
    if conn.get_ref().uses().unwrap() == 0 {
        let nonce = ask(&mut conn, "NONCE").await;
        let mut mac = [0; 32];
        key.hmac(
            Hash::Sha256,
            &unhex(nonce.strip_prefix("NONCE ").unwrap()),
            &mut mac,
        )
        .unwrap();
        assert_eq!(ask(&mut conn, &format!("LOGIN {}", hex(&mac))).await, "OK");
    }
    conn
}

/// Polls once, and drops the future when it is not done.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = future => Some(result),
        _ = future::ready(()) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tasks_share_ten_connections_and_every_answer_is_theirs() {
    let relay = Relay::start();
    // All of them may wait at the same time, and by default forty may.
    let config = relay
        .config()
        .with_max_connections(10)
        .with_max_waiters(200);
    let (pool, key) = (config.build().unwrap(), Arc::new(relay.key()));
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let (pool, key) = (pool.clone(), Arc::clone(&key));
            tokio::spawn(async move {
                for turn in 0..5 {
                    let mut conn = log_in(&pool, &key).await;
                    let text = format!("{}.{}", number, turn);
                    let answer = ask(&mut conn, &format!("PING {}", text)).await;
                    assert_eq!(answer, format!("PONG {}", text));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = pool.stats().unwrap();
    assert!((1..=10).contains(&stats.dials), "{:?}", stats);
    assert_eq!(
        (stats.lent, stats.discards, stats.errors),
        (0, 0, 0),
        "{:?}",
        stats
    );
}

#[tokio::test]
async fn a_lease_that_waits_does_not_hold_up_other_tasks() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let held = pool.get_connection_async().await.unwrap();
    let id = held.get_ref().id().unwrap();
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move {
            let conn = pool.acquire_async(PATIENCE).await.unwrap();
            conn.get_ref().id().unwrap()
        }
    });
    // This runtime has one thread: were it blocked, nobody would give the connection back.
    while pool.stats().unwrap().waiting == 0 {
        tokio::task::yield_now().await;
    }
    drop(held);
    assert_eq!(waiter.await.unwrap(), id);

    let kind = |result: sprint::Result<AsyncConn>| result.unwrap_err().kind();
    let _held = pool.get_connection_async().await.unwrap();
    let at_once = pool.acquire_async(Duration::ZERO).await;
    assert_eq!(kind(at_once), ErrorKind::Exhausted);
    let in_time = pool.acquire_async(Duration::from_millis(20)).await;
    assert_eq!(kind(in_time), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_cancelled_lease_goes_back_to_the_pool() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let held = pool.get_connection_async().await.unwrap();
    assert!(at_once(pool.acquire_async(PATIENCE)).await.is_none());
    drop(held);
    let conn = pool.acquire_async(PATIENCE).await.unwrap();
    drop(conn);
    // The thread that waits for the cancelled one may get it only now, and does in any case.
    let mut stats = pool.stats().unwrap();
    until("each of three had it, and nobody has it", || {
        stats = pool.stats().unwrap();
        (stats.acquires, stats.lent) == (3, 0)
    });
    assert_eq!((stats.idle, stats.dials), (1, 1));
}

#[tokio::test]
async fn a_cancelled_read_loses_nothing_and_counts_until_one_succeeds() {
    let relay = Relay::start();
    let (pool, key) = (relay.pool(1), relay.key());
    let mut conn = log_in(&pool, &key).await;
    let stopped = relay.stopped();
    conn.write_all(b"PING late\n").await.unwrap();
    let mut answer = [0; 10];
    let in_time = timeout(Duration::from_millis(10), conn.read_exact(&mut answer)).await;
    assert!(in_time.is_err());
    drop(stopped);
    conn.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"PONG late\n");
    let id = conn.get_ref().id().unwrap();
    drop(conn);

    let mut conn = log_in(&pool, &key).await;
    assert_eq!(conn.get_ref().id().unwrap(), id, "it was good again");
    let _stopped = relay.stopped();
    conn.write_all(b"PING lost\n").await.unwrap();
    assert!(at_once(conn.read(&mut answer)).await.is_none());
    drop(conn);
    let stats = pool.stats().unwrap();
    assert_eq!((stats.idle, stats.discards), (0, 1));
}

/// More than the buffers of a socket and of the relay hold.
const LARGE: usize = 16 << 20;

#[tokio::test]
async fn a_cancelled_write_ends_the_connection() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let mut conn = pool.get_connection_async().await.unwrap();
    conn.write_all(b"ECHO\n").await.unwrap();
    let data = vec![7; LARGE];
    // Nobody reads what comes back, so it cannot be sent to its end.
    let in_time = timeout(Duration::from_millis(200), conn.write_all(&data)).await;
    assert!(in_time.is_err());
    drop(conn);
    let stats = pool.stats().unwrap();
    assert_eq!((stats.idle, stats.discards), (0, 1));
}

#[tokio::test]
async fn a_reader_sends_what_the_writer_left_unsent() {
    let relay = Relay::start();
    let mut conn = relay.pool(1).get_connection_async().await.unwrap();
    conn.write_all(b"ECHO\n").await.unwrap();
    let sent: Vec<u8> = (0..LARGE).map(|i| (i % 251) as u8).collect();
    let mut received = vec![0; LARGE];
    let (mut reader, mut writer) = tokio::io::split(conn);
    let (wrote, read) = tokio::join!(
        // No flush: the end of it is the reader's to send.
        writer.write_all(&sent),
        timeout(PATIENCE, reader.read_exact(&mut received)),
    );
    wrote.unwrap();
    read.expect("in time").unwrap();
    assert!(sent == received);
}

#[tokio::test]
async fn a_writer_goes_on_when_the_reader_that_sent_for_it_is_cancelled() {
    let relay = Relay::start();
    let mut conn = relay.pool(1).get_connection_async().await.unwrap();
    conn.write_all(b"ECHO\n").await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(conn);
    let writing = tokio::spawn(async move {
        writer.write_all(&vec![7; LARGE]).await.unwrap();
        writer.flush().await.unwrap();
    });
    let mut received = 0;
    let mut part = vec![0; 1 << 16];
    while received < LARGE {
        // One read is cancelled as soon as it waits, the next one is not.
        let n = match at_once(reader.read(&mut part)).await {
            Some(n) => n,
            None => timeout(PATIENCE, reader.read(&mut part))
                .await
                .expect("in time"),
        };
        received += n.unwrap();
    }
    timeout(PATIENCE, writing).await.expect("in time").unwrap();
    assert_eq!(received, LARGE);
}

#[tokio::test]
async fn a_secret_is_sent_from_its_buffer() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let mut conn = pool.get_connection_async().await.unwrap();
    conn.write_all(b"ECHO\n").await.unwrap();
    let secret = buffer(b"token");
    conn.write_secret(&secret).await.unwrap();
    let mut seen = [0; 5];
    conn.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, *b"token");

    secret.expire_after(Duration::from_nanos(1)).unwrap();
    while secret.open().is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
    let error = conn.write_secret(&secret).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    drop(conn);
    assert_eq!(pool.stats().unwrap().idle, 1, "the stream was not touched");
}

#[tokio::test]
async fn a_closed_pool_wakes_a_reader() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let mut conn = log_in(&pool, &relay.key()).await;
    let reading = tokio::spawn(async move { conn.read(&mut [0; 8]).await });
    tokio::task::yield_now().await;
    assert_eq!(pool.close_async(Duration::ZERO).await.unwrap(), 1);
    let error = timeout(PATIENCE, reading)
        .await
        .expect("in time")
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    assert_eq!(inner.map(Error::kind), Some(ErrorKind::Closed));
    let error = pool.get_connection_async().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn the_peers_end_is_0_and_shutdown_leaves_the_stream_open() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    pool.warm_up_async(1, PATIENCE).await.unwrap();
    let mut conn = pool.get_connection_async().await.unwrap();
    conn.shutdown().await.unwrap();
    assert_eq!(ask(&mut conn, "QUIT").await, "BYE");
    assert_eq!(conn.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_lease_goes_into_the_runtime_and_out_of_it() {
    let relay = Relay::start();
    let (pool, key) = (relay.pool(1), relay.key());
    let mut conn = log_in(&pool, &key).await.into_inner();
    assert_eq!(support::ask(&mut conn, "PING"), "PONG");
    let mut conn = AsyncConn::new(conn).unwrap();
    assert_eq!(ask(&mut conn, "PING").await, "PONG");
    conn.discard();
    assert_eq!(pool.stats().unwrap().discards, 1);
}

#[tokio::test]
async fn the_descriptor_is_given_up_before_the_lease_ends() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    // A descriptor that stayed in the runtime would be refused the second time.
    for _ in 0..20 {
        drop(pool.get_connection_async().await.unwrap());
    }
    assert_eq!(pool.stats().unwrap().dials, 1);
}
