//! The usage examples that the crate's names come from, but for the async spelling: with the feature
//! `tokio` that is `get_connection_async().await`.

mod support;

use std::error::Error;
use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sprint::SecureChannelPool;
use support::{http, until, Relay, PATIENCE};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[test]
fn a_pool_with_tasks_of_ones_choice() -> Result<()> {
    let relay = Relay::start();
    let pool = Arc::new(
        SecureChannelPool::builder(&relay.address)
            .with_namespace("btc_sprint")
            .with_max_connections(100)
            .with_min_idle(10)
            .with_max_latency_ms(300)
            .with_metrics_port(0) // 9090 in the example: another program may have it here
            .with_cleanup_interval(Duration::from_secs(300))
            .with_ca_file(relay.ca_file())
            .build()?,
    );

    let pool_cleanup = pool.clone();
    let cleanup = thread::spawn(move || pool_cleanup.run_cleanup_task());
    let pool_metrics = pool.clone();
    let metrics = thread::spawn(move || pool_metrics.run_metrics_task());

    for _ in 0..2 {
        match pool.get_connection() {
            Ok(mut conn) => {
                conn.write_all(b"PING\n")?;
                let mut buf = [0u8; 16];
                conn.read_exact(&mut buf)?;
                assert_eq!(buf, *b"ERR login first\n");
                // Connection automatically returned to pool
            }
            Err(e) => panic!("Connection failed: {:?}", e),
        }
    }

    cleanup.join().expect("no panic")?;
    until("ten are idle", || pool.stats().unwrap().idle >= 10);
    let port = metrics.join().expect("no panic")?;
    let text = http(&format!("127.0.0.1:{}", port), "GET", "/metrics");
    let gauge = format!(
        "btc_sprint_active_connections{{endpoint=\"{}\"}} 1", // 10 or 11
        relay.address
    );
    assert!(text.contains(&gauge), "{}", text);
    Ok(())
}

#[test]
fn two_pools_have_metrics_servers_of_their_own() -> Result<()> {
    let (primary, backup) = (Relay::start(), Relay::start());
    let primary_pool = Arc::new(
        SecureChannelPool::builder(&primary.address)
            .with_namespace("btc_primary")
            .with_metrics_port(0)
            .build()?,
    );
    let backup_pool = Arc::new(
        SecureChannelPool::builder(&backup.address)
            .with_namespace("btc_backup")
            .with_metrics_port(0) // Different port!
            .build()?,
    );
    for (pool, name, relay) in [
        (primary_pool, "btc_primary", primary),
        (backup_pool, "btc_backup", backup),
    ] {
        let port = pool.run_metrics_task()?;
        let text = http(&format!("127.0.0.1:{}", port), "GET", "/metrics");
        for metric in ["active_connections", "reconnects_total", "errors_total"] {
            let line = format!("{}_{}{{endpoint=\"{}\"}} 0", name, metric, relay.address);
            assert!(text.contains(&line), "{} in {}", line, text);
        }
    }
    Ok(())
}

#[test]
fn a_pool_without_metrics() -> Result<()> {
    let relay = Relay::start();
    let pool = Arc::new(
        SecureChannelPool::builder(&relay.address)
            .with_max_connections(5)
            .with_ca_file(relay.ca_file())
            .build()?,
    );
    // Only run cleanup if needed
    pool.run_cleanup_task()?;
    until("as many as may be are idle", || {
        pool.stats().unwrap().idle == 5
    });
    pool.warm_up(5, PATIENCE)?;
    Ok(())
}

#[test]
fn every_option_of_the_flexible_builder() -> Result<()> {
    let pool = SecureChannelPool::builder("endpoint:443")
        .with_namespace("custom_namespace")
        .with_max_connections(200)
        .with_min_idle(20)
        .with_max_latency_ms(300)
        .with_cleanup_interval(Duration::from_secs(180))
        .with_metrics_host("127.0.0.1")
        .with_metrics_port(9090)
        .with_histogram_rotation_interval(Duration::from_secs(1800))
        .build()?;
    assert_eq!(pool.stats()?.max_connections, 200);
    Ok(())
}
