//! Log lines. Alone in its file: the descriptor belongs to the whole process.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use sprint::Level;
use support::{until, Relay};

#[test]
fn lines_are_written_from_their_level_up_until_logging_is_off() {
    let relay = Relay::start();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-{}", std::process::id()));
    let connect = || relay.pool(1).get_connection().map(drop);
    let lines = || -> Vec<String> {
        let text = fs::read_to_string(&path).unwrap();
        text.lines().map(String::from).collect()
    };
    let told = |what: &str| {
        let told = |line: &String| line.contains(what) && line.contains(&relay.address);
        until(what, || lines().iter().any(told));
    };

    sprint::log_to(File::create(&path).unwrap(), Level::Debug).unwrap();
    connect().unwrap();
    // These may come a little after the end of the pool that they tell of, and no other after them.
    told("connection closed");
    told("pool closed");
    for line in lines() {
        assert!(
            line.starts_with("{\"time\":") && line.ends_with('}'),
            "{}",
            line
        );
    }

    sprint::log_to(File::create(&path).unwrap(), Level::Warn).unwrap();
    connect().unwrap();
    assert_eq!(lines(), Vec::<String>::new(), "nothing went wrong");
    relay.set("cert=expired");
    let failure = relay.pool(1).acquire(Duration::from_secs(5)).map(drop);
    assert!(failure.is_err());
    told("circuit breaker opened");

    sprint::log_off().unwrap();
    let warned = lines();
    connect().unwrap_err();
    assert_eq!(lines(), warned);
    fs::remove_file(&path).unwrap();
}
