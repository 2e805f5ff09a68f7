//! One pool and one key under many threads.

mod support;

use std::thread;

use sprint::SecureBuffer;
use support::{ask, log_in, Relay};

const THREADS: u32 = 8;
const CONNECTIONS: u32 = 4;
const LEASES: u32 = 100;

#[test]
fn eight_threads_share_four_connections_and_every_answer_is_theirs() {
    let relay = Relay::start();
    let (pool, key) = (relay.pool(CONNECTIONS), relay.key());
    thread::scope(|s| {
        for thread in 0..THREADS {
            let (pool, key) = (pool.clone(), &key);
            s.spawn(move || {
                for lease in 0..LEASES {
                    let mut conn = log_in(&pool, key);
                    let text = format!("{}.{}", thread, lease);
                    assert_eq!(
                        ask(&mut conn, &format!("PING {}", text)),
                        format!("PONG {}", text)
                    );
                }
            });
        }
    });
    let stats = pool.stats().unwrap();
    assert_eq!(stats.acquires, u64::from(THREADS * LEASES));
    assert!(
        (1..=u64::from(CONNECTIONS)).contains(&stats.dials),
        "{:?}",
        stats
    );
    assert_eq!(
        (stats.lent, stats.discards, stats.errors),
        (0, 0, 0),
        "{:?}",
        stats
    );
    assert_eq!(u64::from(stats.idle), stats.dials);
}

/// Each thread's end takes away the signal stack that Rust gave it, while Go's runtime expects the
/// one it saw on the thread's first call.
#[test]
fn threads_may_come_and_go() {
    let relay = Relay::start();
    let (pool, key) = (relay.pool(CONNECTIONS), relay.key());
    for round in 0..50 {
        thread::scope(|s| {
            for _ in 0..THREADS {
                s.spawn(|| {
                    SecureBuffer::random(32).unwrap();
                    let mut conn = log_in(&pool, &key);
                    assert_eq!(ask(&mut conn, "PING"), "PONG", "round {}", round);
                });
            }
        });
    }
    assert_eq!(pool.stats().unwrap().discards, 0);
}
