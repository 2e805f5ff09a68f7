//! A client's certificate, with its key in a secure buffer.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use sprint::{ErrorKind, Pool, Result, SecureBuffer};
use support::{kind, Relay, PATIENCE};

fn key_from(relay: &Relay, name: &str) -> SecureBuffer {
    let mut file = File::open(relay.dir().join(name)).expect("the relay's file");
    let len = file.metadata().expect("its size").len() as usize;
    let mut key = SecureBuffer::new(len).expect("locked memory");
    file.read_exact(&mut key.open_mut().expect("not in use"))
        .expect("the key");
    key
}

fn pool_with(relay: &Relay, cert: &str, key: &SecureBuffer) -> Result<Pool> {
    relay
        .config()
        .with_client_certificate_and_key(relay.dir().join(cert), key)
        .build()
}

#[test]
fn a_client_key_signs_in_its_buffer() {
    let relay = Relay::start();
    relay.set("client_auth=1");
    for name in ["client", "client-ecdsa"] {
        let key = key_from(&relay, &format!("{}-key.pem", name));
        let pool = pool_with(&relay, &format!("{}.pem", name), &key).expect("a pool");
        drop(key); // the pool has its own reference
        let mut conn = pool.acquire(PATIENCE).expect("a lease");
        conn.set_timeout(Some(PATIENCE));
        conn.write_all(b"ECHO\nhere").expect("sent");
        let mut answer = [0; 4];
        conn.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"here");
        conn.discard();
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    let relay = Relay::start();
    let key = key_from(&relay, "client-ecdsa-key.pem");
    let error = pool_with(&relay, "client.pem", &key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate);
    assert!(
        error.to_string().contains("not its private key"),
        "{}",
        error
    );
}

#[test]
fn a_dial_whose_key_has_expired_says_so() {
    let relay = Relay::start();
    relay.set("client_auth=1");
    let key = key_from(&relay, "client-key.pem");
    let pool = pool_with(&relay, "client.pem", &key).expect("a pool");
    key.expire_after(Duration::from_millis(1)).expect("alive");
    support::until("the key has expired", || key.read_at(0, &mut [0]).is_err());
    assert_eq!(kind(pool.acquire(PATIENCE)), ErrorKind::Expired);
}
