//! What every binding must do: the rules of tests/behaviour.txt of the repository, one test for each
//! rule and server.

#[path = "support/peers.rs"]
mod peers;
mod support;

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use peers::{Peer, Redis};
use sprint::{AsyncConn, Error, ErrorKind, Pool, SecureBuffer};
use support::{hex, kind, unhex, until, Relay, Stopped, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// A deadline that is to pass.
const SHORT: Duration = Duration::from_millis(300);

macro_rules! rules {
    (both: $($rule:ident)*; outage: $($outage:ident)*) => {
        mod relay {
            use super::*;
            $(#[test] fn $rule() { super::$rule(&Relay::start()) })*
        }
        mod redis {
            use super::*;
            $(#[test] fn $rule() { super::$rule(&Redis::start()) })*
        }
        mod outage {
            use super::*;
            $(#[test] fn $outage() { super::$outage(Redis::start()) })*
        }

        #[test]
        fn the_rules_are_those_of_the_list() {
            let mut rules = BTreeMap::new();
            $(rules.insert(stringify!($rule).to_string(), vec!["relay".to_string(), "redis".into()]);)*
            $(rules.insert(stringify!($outage).to_string(), vec!["outage".to_string()]);)*
            assert_eq!(rules, listed());
        }
    };
}

rules! {
    both:
        connect login wrong_secret ten_thousand acquire_timeout read_timeout write_timeout
        cancel_read cancel_acquire stale dead_idle dirty close_waits close_cuts_off closed fork
        async_tasks async_timeout async_cancel;
    outage:
        refused silent lost recovery failover
}

/// The servers of each rule in the list.
fn listed() -> BTreeMap<String, Vec<String>> {
    let list = include_str!("../../../../tests/behaviour.txt");
    let rules = list
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let rule = |line: &str| {
        let mut words = line.split_whitespace().map(String::from);
        let name = words.next().expect("a name");
        let server = |word: &String| ["relay", "redis", "outage"].contains(&word.as_str());
        (name, words.take(2).filter(server).collect())
    };
    rules.map(rule).collect()
}

fn io_kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
    let error = result.unwrap_err();
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    inner.unwrap_or_else(|| panic!("{}", error)).kind()
}

/// The call ends at the deadline that it was given.
fn in_short<T>(call: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = call();
    let took = begin.elapsed();
    assert!(SHORT <= took && took < PATIENCE / 2, "{:?}", took);
    result
}

fn connect(peer: &impl Peer) {
    let pool = peer.pool(4);
    assert_eq!(pool.stats().unwrap().dials, 0);
    let mut conn = pool.acquire(PATIENCE).unwrap();
    assert_eq!((conn.id().unwrap(), conn.uses().unwrap()), (1, 0));
    let info = conn.info_json().unwrap();
    assert!(info.contains("\"tls_version\":\"TLS 1.3\""), "{}", info);
    peer.log_in(&mut conn, &peer.secret());
    peer.ask(&mut conn, 1);
}

fn login(peer: &impl Peer) {
    let pool = peer.pool(4);
    let mut conn = pool.acquire(PATIENCE).unwrap();
    assert_eq!(peer.log_in(&mut conn, &peer.secret()), peer.verdicts().0);
    peer.ask(&mut conn, 1);
    drop(conn);
    let mut conn = pool.acquire(PATIENCE).unwrap();
    assert_eq!((conn.id().unwrap(), conn.uses().unwrap()), (1, 1));
    peer.ask(&mut conn, 2);
}

fn wrong_secret(peer: &impl Peer) {
    let (accepted, refused) = peer.verdicts();
    let mut conn = peer.pool(4).acquire(PATIENCE).unwrap();
    let answer = peer.log_in(&mut conn, &SecureBuffer::random(32).unwrap());
    assert!(answer.starts_with(refused), "{:?}", answer);
    assert_eq!(peer.log_in(&mut conn, &peer.secret()), accepted);
    peer.ask(&mut conn, 1);
}

fn ten_thousand(peer: &impl Peer) {
    let pool = peer.pool(4);
    pool.warm_up(4, PATIENCE).unwrap();
    thread::scope(|s| {
        for thread in 0..8 {
            let pool = &pool;
            s.spawn(move || {
                for number in 0..1250 {
                    peer.ask(&mut peer.lease(pool), thread * 10_000 + number);
                }
            });
        }
    });
    let stats = pool.stats().unwrap();
    let counts = (stats.acquires, stats.dials, stats.idle);
    assert_eq!(counts, (10_000, 4, 4), "{}", pool.status_json().unwrap());
    let failures = (
        stats.errors,
        stats.timeouts,
        stats.discards,
        stats.reconnects,
    );
    assert_eq!(failures, (0, 0, 0, 0));
}

fn acquire_timeout(peer: &impl Peer) {
    let pool = peer.pool(1);
    let _held = pool.acquire(PATIENCE).unwrap();
    assert_eq!(kind(pool.acquire(Duration::ZERO)), ErrorKind::Exhausted);
    in_short(|| assert_eq!(kind(pool.acquire(SHORT)), ErrorKind::Timeout));
}

fn read_timeout(peer: &impl Peer) {
    let pool = peer.pool(4);
    let mut conn = peer.lease(&pool);
    conn.set_timeout(Some(SHORT));
    in_short(|| assert_eq!(io_kind(conn.read(&mut [0; 16])), ErrorKind::Timeout));
    assert_eq!(pool.stats().unwrap().timeouts, 1);
    conn.set_timeout(Some(PATIENCE));
    peer.ask(&mut conn, 1);
}

fn write_timeout(peer: &impl Peer) {
    let pool = peer.pool(4);
    let mut conn = peer.lease(&pool);
    conn.set_timeout(Some(SHORT));
    let data = vec![0; 1 << 20];
    let stopped = peer.stopped();
    let error = loop {
        // Until no buffer on the way takes more.
        if let Err(error) = conn.write_all(&data) {
            break error;
        }
    };
    drop(stopped);
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(io_kind(conn.write(b"more")), ErrorKind::State);
    drop(conn);
    let stats = pool.stats().unwrap();
    assert_eq!((stats.discards, stats.idle), (1, 0));
}

fn cancel_read(peer: &impl Peer) {
    let pool = peer.pool(4);
    until("a read under way is ended", || {
        let mut conn = peer.lease(&pool);
        let handle = conn.as_raw();
        let ended = thread::scope(|s| {
            s.spawn(move || {
                thread::sleep(SHORT); // likely, the read is under way
                sprint::Conn::from_raw(handle).discard();
            });
            io_kind(conn.read(&mut [0; 16]))
        });
        // The handle was dead before the read began: once more.
        ended == ErrorKind::Closed || {
            assert_eq!(ended, ErrorKind::Handle);
            false
        }
    });
}

fn cancel_acquire(peer: &impl Peer) {
    let pool = peer.pool(1);
    let held = pool.acquire(PATIENCE).unwrap();
    thread::scope(|s| {
        s.spawn(|| {
            until("it waits", || pool.stats().unwrap().waiting == 1);
            pool.close(Duration::ZERO).unwrap();
        });
        assert_eq!(kind(pool.acquire(PATIENCE)), ErrorKind::Closed);
    });
    drop(held);
}

fn stale(peer: &impl Peer) {
    let pool = peer.pool(4);
    drop(peer.lease(&pool));
    let mut conn = peer.lease(&pool);
    assert_eq!(conn.uses().unwrap(), 1);
    peer.end_connections();
    let result = peer.try_ask(&mut conn, 1);
    let text = result.as_ref().unwrap_err().to_string();
    assert_eq!(io_kind(result), ErrorKind::Stale);
    assert!(text.contains(peer.address()), "{}", text);
    drop(conn);
    let mut conn = peer.lease(&pool);
    assert_eq!((conn.id().unwrap(), conn.uses().unwrap()), (2, 0));
    peer.ask(&mut conn, 2);
}

fn dead_idle(peer: &impl Peer) {
    let pool = peer.pool(4);
    drop(peer.lease(&pool));
    peer.end_connections();
    until("it is replaced", || peer.lease(&pool).id().unwrap() == 2);
    assert_eq!(pool.stats().unwrap().reconnects, 1);
}

fn dirty(peer: &impl Peer) {
    let pool = peer.pool(4);
    let mut conn = peer.lease(&pool);
    let (question, answer) = peer.question(1);
    conn.write_all(&question).unwrap();
    conn.read_exact(&mut vec![0; answer.len() - 1]).unwrap();
    drop(conn);
    let stats = pool.stats().unwrap();
    assert_eq!((stats.discards, stats.idle), (1, 0));
}

fn close_waits(peer: &impl Peer) {
    let pool = peer.pool(4);
    let conn = pool.acquire(PATIENCE).unwrap();
    thread::scope(|s| {
        let pool = &pool;
        s.spawn(move || {
            until("it closes", || match pool.acquire(Duration::ZERO) {
                Err(e) => e.kind() == ErrorKind::Closed,
                Ok(_) => false,
            });
            drop(conn);
        });
        assert_eq!(pool.close(PATIENCE).unwrap(), 0);
    });
}

fn close_cuts_off(peer: &impl Peer) {
    let pool = peer.pool(4);
    let mut conn = peer.lease(&pool);
    assert_eq!(pool.close(Duration::from_millis(100)).unwrap(), 1);
    assert_eq!(io_kind(conn.read(&mut [0; 16])), ErrorKind::Closed);
}

fn closed(peer: &impl Peer) {
    let pool = peer.pool(4);
    drop(peer.lease(&pool));
    assert_eq!(pool.close(Duration::ZERO).unwrap(), 0);
    assert_eq!(kind(pool.acquire(PATIENCE)), ErrorKind::Closed);
    assert_eq!(pool.stats().unwrap().acquires, 1);
    let freed = pool.as_raw();
    drop(pool);
    assert_eq!(kind(Pool::from_raw(freed).stats()), ErrorKind::Handle);
}

fn fork(peer: &impl Peer) {
    let pool = peer.pool(4);
    let mut conn = peer.lease(&pool);
    let secret = peer.secret();
    // SAFETY: the child calls the library, whose calls return at once, and ends without unwinding.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the end of a call that hangs.
        unsafe { libc::alarm(PATIENCE.as_secs() as u32) };
        let refused = [
            kind(pool.acquire(PATIENCE)),
            kind(pool.stats()),
            io_kind(conn.read(&mut [0; 16])),
            io_kind(conn.write(b"x")),
            kind(secret.open()),
            kind(Pool::builder("localhost:1").build()),
        ];
        let all = refused.iter().all(|&kind| kind == ErrorKind::Forked);
        // SAFETY: always.
        unsafe { libc::_exit(if all { 0 } else { 1 }) };
    }
    let mut status = -1;
    // SAFETY: a child of ours, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    peer.ask(&mut conn, 1);
}

// -------------------------------------------------------------- an outage of Redis

fn refused(mut redis: Redis) {
    redis.stop();
    let pool = redis.pool(4);
    for _ in 0..2 {
        let error = pool.acquire(PATIENCE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BreakerOpen);
        assert!(error.message().contains("refused"), "{}", error);
    }
    let status = pool.status_json().unwrap();
    // Five opened the breaker, and each probe that fails opens it again.
    let (errors, trips) = ("\"total_dial_errors\":", "\"circuit_breaker_trips\":");
    assert_eq!(
        number_behind(errors, &status),
        4 + number_behind(trips, &status),
        "the second was refused without a dial"
    );
    assert!(!pool.stats().unwrap().healthy);
}

fn number_behind(key: &str, text: &str) -> u64 {
    let rest = text.split(key).nth(1).expect("the key");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|d| d.parse().ok()).expect("a number")
}

fn silent(redis: Redis) {
    let pool = redis.pool(4);
    let _stopped = redis.stopped();
    in_short(|| assert_eq!(kind(pool.acquire(SHORT)), ErrorKind::Timeout));
}

fn lost(mut redis: Redis) {
    let mut conn = redis.lease(&redis.pool(4));
    redis.stop();
    let kind = io_kind(conn.read(&mut [0; 16]));
    let lost = [ErrorKind::Eof, ErrorKind::Io, ErrorKind::Stale];
    assert!(lost.contains(&kind), "{:?}", kind);
}

fn recovery(mut redis: Redis) {
    let pool = redis.pool(4);
    redis.ask(&mut redis.lease(&pool), 1);
    redis.stop();
    assert_eq!(kind(pool.acquire(PATIENCE)), ErrorKind::BreakerOpen);
    redis.start_again();
    until("it serves again", || match redis.try_lease(&pool) {
        Ok(mut conn) => {
            redis.ask(&mut conn, 2);
            true
        }
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::BreakerOpen, "not probed again yet");
            false
        }
    });
    let stats = pool.stats().unwrap();
    assert_eq!((stats.reconnects, stats.healthy), (1, true));
}

fn failover(mut redis: Redis) {
    redis.stop();
    let second = Relay::start();
    // Each has an authority of its own.
    let roots = [redis.ca_file(), second.ca_file()].map(|file| std::fs::read(file).unwrap());
    let endpoints = format!("{},{}", redis.address(), second.address());
    let pool = sprint::Config::new(&endpoints)
        .with_ca_pem(&roots.concat())
        .build()
        .unwrap();
    let mut conn = second.lease(&pool);
    assert!(conn.info_json().unwrap().contains(second.address()));
    second.ask(&mut conn, 1);
}

// ------------------------------------------------------------------------- tokio

/// One loop on one thread.
fn on_a_loop<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

async fn log_in(peer: &impl Peer, conn: &mut AsyncConn) {
    let secret = peer.secret();
    let mut challenge = Vec::new();
    if let Some(ask) = peer.challenge() {
        challenge = request(conn, ask, 256).await;
    }
    let login = peer.login(&challenge, &secret);
    conn.write_all(&login.before).await.unwrap();
    if login.secret {
        conn.write_secret(&secret).await.unwrap();
    }
    assert_eq!(request(conn, &login.after, 256).await, peer.verdicts().0);
}

async fn request(conn: &mut AsyncConn, data: &[u8], most: usize) -> Vec<u8> {
    conn.write_all(data).await.unwrap();
    let mut answer = vec![0; most];
    let n = conn.read(&mut answer).await.unwrap();
    answer.truncate(n);
    answer
}

async fn ask(peer: &impl Peer, conn: &mut AsyncConn, number: u32) {
    let (question, answer) = peer.question(number);
    assert_eq!(request(conn, &question, answer.len()).await, answer);
}

async fn lease(peer: &impl Peer, pool: &Pool) -> AsyncConn {
    let mut conn = pool.acquire_async(PATIENCE).await.unwrap();
    if conn.get_ref().uses().unwrap() == 0 {
        log_in(peer, &mut conn).await;
    }
    conn
}

async fn becomes_true(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it becomes true");
}

fn async_tasks(peer: &(impl Peer + 'static)) {
    // Every task may wait for a lease at the same time.
    let config = peer.config(peer.address());
    let config = config.with_max_connections(10).with_max_waiters(200);
    let pool = config.build().unwrap();
    on_a_loop(async {
        pool.warm_up_async(10, PATIENCE).await.unwrap();
        let work = |task: u32| {
            let pool = &pool;
            async move {
                for number in 0..5 {
                    let mut conn = lease(peer, pool).await;
                    ask(peer, &mut conn, task * 10 + number).await;
                }
            }
        };
        let tasks = JoinAll((0..200).map(work).map(Box::pin).collect());
        let watch = async {
            becomes_true(|| pool.stats().unwrap().acquires > 50).await;
            let _stopped = peer.stopped();
            // Every task waits, for an answer or for a lease, and this one goes on.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(pool.stats().unwrap().acquires < 1000);
        };
        tokio::join!(tasks, watch);
    });
    let stats = pool.stats().unwrap();
    let counts = (stats.acquires, stats.dials, stats.idle);
    assert_eq!(counts, (1000, 10, 10), "{}", pool.status_json().unwrap());
    assert_eq!((stats.errors, stats.timeouts, stats.discards), (0, 0, 0));
}

/// Ends when all of them have.
struct JoinAll<F>(Vec<Pin<Box<F>>>);

impl<F: Future<Output = ()>> Future for JoinAll<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0
            .retain_mut(|left| left.as_mut().poll(cx).is_pending());
        match self.0.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

fn async_timeout(peer: &impl Peer) {
    let pool = peer.pool(1);
    on_a_loop(async {
        let mut conn = lease(peer, &pool).await;
        let begin = Instant::now();
        timeout(SHORT, conn.read(&mut [0; 16])).await.unwrap_err();
        let took = begin.elapsed();
        assert!(SHORT <= took && took < PATIENCE / 2, "{:?}", took);
        ask(peer, &mut conn, 1).await;
    });
}

fn async_cancel(peer: &impl Peer) {
    let pool = peer.pool(1);
    on_a_loop(async {
        let mut conn = lease(peer, &pool).await;
        timeout(SHORT, conn.read(&mut [0; 16])).await.unwrap_err();
        ask(peer, &mut conn, 1).await;

        let waiter = tokio::spawn({
            let pool = pool.clone();
            async move { pool.acquire_async(PATIENCE).await.map(drop) }
        });
        becomes_true(|| pool.stats().unwrap().waiting == 1).await;
        waiter.abort();

        let stopped = peer.stopped();
        let data = vec![0; 1 << 26];
        let cancelled = timeout(SHORT, conn.write_all(&data)).await;
        drop(stopped);
        cancelled.unwrap_err();
        drop(conn);
        // The lease that nobody waited for any more went back.
        becomes_true(|| {
            let stats = pool.stats().unwrap();
            stats.waiting == 0 && stats.lent == 0
        })
        .await;
        assert_eq!(pool.stats().unwrap().discards, 1);
    });
}
