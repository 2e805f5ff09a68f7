//! Each kind of failure, and what its message names.

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use sprint::{Config, Error, ErrorKind, Pool, SecureBuffer};
use support::{ask, log_in, Relay, PATIENCE};

#[track_caller]
fn check(error: Error, kind: ErrorKind, retryable: bool, named: &str) {
    assert_eq!(error.kind(), kind, "{}", error);
    assert_eq!(error.is_retryable(), retryable, "{}", error);
    assert!(
        error.message().contains(named),
        "{} names {:?}",
        error,
        named
    );
}

/// Nobody is given this port by chance, since it is below those that a system gives out, and nothing
/// here serves TCPMUX, whose port it is.
const CLOSED: &str = "127.0.0.1:1";

fn dial_error(config: Config) -> Error {
    config.build().unwrap().acquire(PATIENCE).unwrap_err()
}

#[test]
fn bad_settings_are_named() {
    let built = |config: Config| config.build().unwrap_err();
    check(
        built(Config::new("no-port")),
        ErrorKind::Argument,
        false,
        "no-port",
    );
    check(
        built(Config::new("nul\0:1")),
        ErrorKind::Argument,
        false,
        "endpoints",
    );
    let config = || Config::new("localhost:1");
    let error = built(config().with_max_connections(2).with_min_idle(3));
    check(error, ErrorKind::Argument, false, "min_idle");
    let error = built(config().with_max_connections(0));
    check(error, ErrorKind::Argument, false, "max_connections");
    let error = built(config().with_server_name("nul\0"));
    check(error, ErrorKind::Argument, false, "server_name");
    let error = built(config().with_ca_file("/no/such/file"));
    check(error, ErrorKind::Argument, false, "/no/such/file");
    let error = built(config().with_ca_pem(b"no certificate"));
    check(error, ErrorKind::Certificate, false, "ca_pem");
}

#[test]
fn the_first_refused_setting_is_reported() {
    let config = Config::new("localhost:1")
        .with_server_name("nul\0")
        .with_namespace("nul\0");
    check(
        config.build().unwrap_err(),
        ErrorKind::Argument,
        false,
        "server_name",
    );
}

#[test]
fn an_endpoint_that_cannot_be_reached_opens_the_breaker() {
    check(
        dial_error(Config::new(CLOSED)),
        ErrorKind::BreakerOpen,
        true,
        CLOSED,
    );
    // No label is that long (RFC 1035, 2.3.4), so no server of names is asked.
    let unknown = format!("{}.test:443", "x".repeat(64));
    check(
        dial_error(Config::new(&unknown)),
        ErrorKind::BreakerOpen,
        true,
        &unknown,
    );
}

#[test]
fn a_bad_certificate_is_refused() {
    let relay = Relay::start();
    for (switch, named) in [
        ("expired", "expired"),
        ("wrongname", "wrong.test"),
        ("untrusted", "authority"),
    ] {
        relay.set(&format!("cert={}", switch));
        let error = dial_error(relay.config().with_server_name("relay.test"));
        check(error, ErrorKind::Certificate, false, named);
    }
    relay.set("cert=good");
    let error = dial_error(relay.config().with_server_name("else.test"));
    check(error, ErrorKind::Certificate, false, "else.test");
}

#[test]
fn a_peer_that_does_not_speak_tls_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            .unwrap();
        // Until the client has seen it and gone.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let pool = Config::new(&address)
        .with_circuit_breaker_failure_threshold(1)
        .build()
        .unwrap();
    check(
        pool.acquire(PATIENCE).unwrap_err(),
        ErrorKind::Tls,
        false,
        "first record does not look like a TLS handshake",
    );
    drop(pool);
    server.join().unwrap();
}

#[test]
fn a_peer_that_never_answers_is_a_timeout() {
    let relay = Relay::start();
    relay.set("stall_handshake=1");
    let error = relay
        .pool(1)
        .acquire(Duration::from_millis(100))
        .unwrap_err();
    check(error, ErrorKind::Timeout, true, "1 dialing");
}

#[test]
fn a_reused_connection_that_dies_before_the_answer_is_stale() {
    let relay = Relay::start();
    let (pool, key) = (relay.pool(1), relay.key());
    assert_eq!(ask(&mut log_in(&pool, &key), "PING"), "PONG");
    relay.set("reset_after=1"); // more than that was sent: the next answer is a reset
    let mut conn = log_in(&pool, &key);
    assert_eq!(conn.uses().unwrap(), 1);
    let error = conn.request(b"PING\n", &mut [0; 16]).unwrap_err();
    check(error, ErrorKind::Stale, true, "");
}

#[test]
fn an_idempotent_request_goes_on_with_a_fresh_connection() {
    let relay = Relay::start();
    let pool = relay.pool(1);
    drop(pool.get_connection().unwrap());
    let mut conn = pool.get_connection().unwrap();
    let before = conn.id().unwrap();
    relay.set("drop_idle=1");
    let mut answer = [0; 128];
    let n = conn.request_idempotent(b"NONCE\n", &mut answer).unwrap();
    assert!(answer[..n].starts_with(b"NONCE "));
    assert_ne!(conn.id().unwrap(), before);
    assert_eq!(conn.uses().unwrap(), 0);
    drop(conn);
    assert_eq!(pool.stats().unwrap().idle, 1);
}

#[test]
fn a_fresh_connection_that_is_reset_is_io() {
    let relay = Relay::start();
    let mut conn = log_in(&relay.pool(1), &relay.key());
    relay.set("reset_after=1");
    let error = conn.request(b"PING\n", &mut [0; 16]).unwrap_err();
    check(error, ErrorKind::Io, true, "");
}

#[test]
fn a_handle_that_is_none_is_refused() {
    let pool = Pool::from_raw(0);
    check(pool.stats().unwrap_err(), ErrorKind::Handle, false, "");
    check(
        pool.get_connection().unwrap_err(),
        ErrorKind::Handle,
        false,
        "",
    );
    let buffer = SecureBuffer::random(8).unwrap();
    check(
        Pool::from_raw(buffer.as_raw()).stats().unwrap_err(),
        ErrorKind::Handle,
        false,
        "",
    );
    check(
        SecureBuffer::from_raw(!0).unwrap_err(),
        ErrorKind::Handle,
        false,
        "",
    );
    assert_eq!(buffer.len(), 8, "and lives on");
    buffer.open().unwrap();
}
