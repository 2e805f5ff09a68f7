//! The reports as types.

mod support;

use std::sync::Mutex;

use serde_json::Value;
use sprint::{memory, SecureBuffer};
use support::{ask, log_in, Relay};

/// Held by who has a secret: the report of them is of the whole process.
static MEMORY: Mutex<()> = Mutex::new(());

/// Everything in `ours` is in the library's report, which may hold more.
fn is_part(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => ours.iter().all(|(key, own)| {
            let absent = own.is_null() || own == "";
            theirs.get(key).map_or(absent, |value| is_part(own, value))
        }),
        (Value::Array(ours), Value::Array(theirs)) => {
            let same = ours.len() == theirs.len();
            same && ours
                .iter()
                .zip(theirs)
                .all(|(own, value)| is_part(own, value))
        }
        // 0.0 is 0 in the library's spelling.
        (Value::Number(ours), Value::Number(theirs)) => ours.as_f64() == theirs.as_f64(),
        _ => ours == theirs,
    }
}

fn check<T: serde::Serialize>(ours: &T, theirs: &str) {
    let ours = at_no_time(serde_json::to_value(ours).unwrap());
    let report = at_no_time(serde_json::from_str(theirs).unwrap());
    assert!(is_part(&ours, &report), "{} of {}", ours, theirs);
}

/// A report without the ages of connections, which go on between two reports.
fn at_no_time(mut report: Value) -> Value {
    let conns = report.get_mut("connections").and_then(Value::as_array_mut);
    for conn in conns.into_iter().flatten() {
        for age in ["age_ms", "held_ms", "idle_ms"] {
            conn[age] = Value::from(0);
        }
    }
    report
}

/// Every key of the report is a field: what comes back from the types is the report.
#[test]
fn a_status_has_a_field_for_every_key() {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../pool/monitor/testdata/status.json"
    );
    let golden = std::fs::read_to_string(golden).unwrap();
    let status: sprint::PoolStatus = serde_json::from_str(&golden).unwrap();
    let ours = serde_json::to_value(&status).unwrap();
    let report = serde_json::from_str(&golden).unwrap();
    assert!(
        is_part(&report, &ours),
        "{} without all of {}",
        ours,
        report
    );
    assert!(is_part(&ours, &report), "{} of {}", ours, report);
}

#[test]
fn a_pools_status_is_that_of_its_json_and_counters() {
    let _alone = MEMORY.lock();
    let relay = Relay::start();
    let (pool, key) = (relay.pool(2), relay.key());
    let mut conn = log_in(&pool, &key);
    assert_eq!(ask(&mut conn, "PING"), "PONG");
    let status = pool.status().unwrap();
    check(&status, &pool.status_json().unwrap());

    let stats = pool.stats().unwrap();
    assert_eq!(status.endpoint, relay.address);
    assert_eq!((status.active_connections, status.lent), (1, 1));
    assert_eq!(status.total_reconnects, stats.reconnects);
    assert_eq!(status.total_errors, stats.errors);
    assert_eq!(status.connections.len(), 1);
    let only = &status.connections[0];
    assert_eq!(only.connection_id, conn.id().unwrap());
    assert!(only.last_activity.ends_with('Z'), "{}", only.last_activity);
    assert_eq!((only.reconnects, only.errors), (0, 0));
    assert_eq!(only.p95_latency_ms, status.pool_p95_latency_ms);
    assert!(only.p95_latency_us > 0);
    assert_eq!(status.endpoints[0].total_dials, 1);
    assert_eq!(status.circuit_breaker, "closed");
}

#[test]
fn a_connections_info_tells_what_was_agreed_on() {
    let relay = Relay::start();
    let conn = relay.pool(1).get_connection().unwrap();
    let info = conn.info().unwrap();
    check(&info, &conn.info_json().unwrap());
    assert_eq!(info.connection_id, conn.id().unwrap());
    assert_eq!(
        (info.endpoint, info.tls_version.as_str()),
        (relay.address.clone(), "TLS 1.3")
    );
}

#[test]
fn the_protection_of_memory_is_measured() {
    let _alone = MEMORY.lock();
    let key = SecureBuffer::random(32).unwrap();
    memory::self_check().unwrap();
    let status = memory::status().unwrap();
    check(&status, &memory::status_json().unwrap());
    assert!(status.enabled);
    assert_eq!(status.self_check, "passed");
    assert!(status.last_self_check.is_some());
    assert!(status.active_buffers >= 1);
    if cfg!(target_os = "linux") {
        let mappings = status.mappings.unwrap();
        assert!(mappings.slots >= 1);
        assert_eq!(mappings.guard_pages, 2 * mappings.slots);
    }
    drop(key);
}
