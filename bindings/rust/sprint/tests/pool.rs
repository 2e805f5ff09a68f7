//! Pools: warm-up, leases, bounds, monitoring, closing.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use sprint::{BreakerState, ErrorKind, SecureChannelPool};
use support::{ask, http, log_in, until, Relay, PATIENCE};

#[test]
fn a_new_pool_opens_nothing() {
    let relay = Relay::start();
    let stats = relay.pool(3).stats().unwrap();
    assert_eq!(
        (stats.max_connections, stats.idle, stats.lent, stats.dials),
        (3, 0, 0, 0)
    );
    assert_eq!(stats.breaker_state, BreakerState::Closed);
}

#[test]
fn warm_up_opens_connections_up_to_the_bound() {
    let relay = Relay::start();
    let pool = relay.pool(3);
    pool.warm_up(2, PATIENCE).unwrap();
    assert_eq!(pool.stats().unwrap().idle, 2);
    pool.warm_up(100, PATIENCE).unwrap();
    let stats = pool.stats().unwrap();
    assert_eq!((stats.idle, stats.dials, stats.healthy), (3, 3, true));
}

#[test]
fn a_lease_logs_in_once_and_is_lent_again() {
    let relay = Relay::start();
    let (pool, key) = (relay.pool(1), relay.key());
    let mut conn = pool.get_connection().unwrap();
    assert_eq!(ask(&mut conn, "PING"), "ERR login first");
    let id = conn.id().unwrap();
    conn.discard(); // else log_in() would take it for logged in

    let mut conn = log_in(&pool, &key);
    assert_ne!(conn.id().unwrap(), id);
    assert_eq!(conn.uses().unwrap(), 0);
    assert_eq!(ask(&mut conn, "PING one"), "PONG one");
    let id = conn.id().unwrap();
    drop(conn);

    let mut conn = log_in(&pool, &key);
    assert_eq!((conn.id().unwrap(), conn.uses().unwrap()), (id, 1));
    assert_eq!(ask(&mut conn, "PING two"), "PONG two");
    let stats = pool.stats().unwrap();
    assert_eq!((stats.lent, stats.acquires, stats.dials), (1, 3, 2));
    assert!(stats.bytes_sent > 0 && stats.bytes_received > 0);
}

#[test]
fn the_bound_holds_and_a_waiter_gets_what_is_given_back() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let held = pool.get_connection().unwrap();
    let kind = |timeout| pool.acquire(timeout).unwrap_err().kind();
    assert_eq!(kind(Duration::ZERO), ErrorKind::Exhausted);
    assert_eq!(kind(Duration::from_millis(20)), ErrorKind::Timeout);

    let id = held.id().unwrap();
    let waiter = thread::spawn({
        let pool = pool.clone();
        move || pool.acquire(PATIENCE).unwrap().id().unwrap()
    });
    until("the waiter waits", || pool.stats().unwrap().waiting == 1);
    drop(held);
    assert_eq!(waiter.join().unwrap(), id);
}

#[test]
fn a_lease_keeps_its_pool_open() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    let mut conn = log_in(&pool, &relay.key());
    drop(pool);
    assert_eq!(ask(&mut conn, "PING"), "PONG");
}

#[test]
fn closing_cuts_off_what_outlives_the_grace() {
    let relay = Relay::start();
    let pool = relay.pool(2);
    let (mut conn, other) = (log_in(&pool, &relay.key()), pool.get_connection().unwrap());
    drop(other);
    assert_eq!(pool.close(Duration::from_millis(10)).unwrap(), 1);
    let error = conn.request(b"PING\n", &mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(pool.get_connection().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(pool.close(Duration::ZERO).unwrap(), 0, "idempotent");
    assert_eq!(pool.stats().unwrap().idle, 0, "readable when closed");
}

#[test]
fn the_metrics_server_runs_between_start_and_stop() {
    let relay = Relay::start();
    let pool = SecureChannelPool::builder(&relay.address)
        .with_namespace("btc_sprint")
        .with_metrics_port(0)
        .build()
        .unwrap();
    let port = pool.run_metrics_task().unwrap();
    assert_eq!(pool.start_metrics().unwrap(), port, "idempotent");
    let address = format!("127.0.0.1:{}", port);
    assert!(http(&address, "GET", "/healthz").starts_with("HTTP/1.1 200"));
    assert!(http(&address, "GET", "/metrics").contains("btc_sprint_active_connections{"));
    pool.stop_metrics().unwrap();
    // A relay that another test starts meanwhile has the socket, too, until it is the relay.
    until("nobody listens", || TcpStream::connect(&address).is_err());
}

#[test]
fn the_status_names_each_connection_however_many() {
    let relay = Relay::start();
    let pool = relay.pool(30);
    pool.warm_up(30, PATIENCE).unwrap();
    let status = pool.status_json().unwrap();
    assert!(
        status.starts_with('{') && status.ends_with('}'),
        "{}",
        status
    );
    assert_eq!(status.matches("\"connection_id\":").count(), 30);
    assert!(status.contains(&format!("\"endpoint\":\"{}\"", relay.address)));
}

#[test]
fn pools_with_names_share_a_metrics_address() {
    let relay = Relay::start();
    let first = relay.config().with_name("orders").with_metrics_port(0);
    let first = first.build().unwrap();
    let port = first.start_metrics().unwrap();
    let second = relay.config().with_name("prices").with_metrics_port(port);
    let same = relay.config().with_name("orders").with_metrics_port(port);
    let second = second.build().unwrap();
    assert_eq!(second.start_metrics().unwrap(), port);
    let address = format!("127.0.0.1:{}", port);
    let text = http(&address, "GET", "/metrics");
    assert!(text.contains("pool=\"orders\"") && text.contains("pool=\"prices\""));
    let status = http(&address, "GET", "/status/connections?pool=prices");
    assert!(status.contains("\"name\":\"prices\""), "{}", status);
    let refused = same.build().unwrap().start_metrics().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Argument);
    assert!(refused.to_string().contains("orders"), "{}", refused);
}

#[test]
fn metrics_are_served_over_https_with_the_files_given() {
    let relay = Relay::start();
    let file = |name: &str| relay.dir().join(name);
    let config = |key: &str| {
        relay
            .config()
            .with_metrics_port(0)
            .with_metrics_tls(file("server.pem"), file(key))
    };
    let pool = config("server-key.pem").build().unwrap();
    let address = format!("127.0.0.1:{}", pool.start_metrics().unwrap());
    assert!(http(&address, "GET", "/healthz").contains(" 400 "));
    // A pool is a client of TLS, too: this one talks to the metrics port.
    let client = sprint::Config::new(&address)
        .with_ca_file(relay.ca_file())
        .build()
        .unwrap();
    let mut conn = client.acquire(PATIENCE).unwrap();
    conn.set_timeout(Some(PATIENCE));
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    conn.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    conn.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{}", answer);

    let missing = config("no-such-key.pem").build().unwrap();
    let refused = missing.start_metrics().unwrap_err();
    assert!(
        refused.to_string().contains("no-such-key.pem"),
        "{}",
        refused
    );
}

#[test]
fn every_setting_is_taken() {
    let relay = Relay::start();
    let mut token = *b"not a real token";
    let token = sprint::SecureBuffer::take(&mut token).unwrap();
    let second = Duration::from_secs(1);
    let pool = relay
        .config()
        .with_max_connections(2)
        .with_min_idle(1)
        .with_max_waiters(3)
        .with_max_dials(1)
        .with_connect_timeout(PATIENCE)
        .with_acquire_timeout(PATIENCE)
        .with_histogram_rotation_interval(second)
        .with_metrics_host("127.0.0.1")
        .with_metrics_port(0)
        .with_metrics_auth_token(&token)
        .with_metrics_public(true)
        .with_server_name("relay.test")
        .with_min_tls_version(sprint::TlsVersion::Tls12)
        .with_busy_poll(Duration::from_micros(10))
        .build()
        .unwrap();
    drop(token); // the settings hold a reference
    let address = format!("127.0.0.1:{}", pool.start_metrics().unwrap());
    assert!(http(&address, "GET", "/metrics").starts_with("HTTP/1.1 401"));
    pool.get_connection().unwrap();
}
