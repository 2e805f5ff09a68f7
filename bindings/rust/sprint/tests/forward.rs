//! Log lines as events. Alone in its file: log and subscriber belong to the whole process.

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sprint::Level;
use support::{until, Relay};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_become_events_until_the_forwarder_is_dropped() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .init();
    let relay = Relay::start();
    let pool = relay.pool(1);

    let forwarder = sprint::log_to_tracing(Level::Debug).unwrap();
    drop(pool.get_connection().unwrap());
    relay.set("cert=expired");
    relay.pool(1).get_connection().unwrap_err();
    // A little after the call that failed.
    until("the failure is told of", || {
        lines.text().contains("expired")
    });
    pool.resize(2, 1).unwrap();
    drop(forwarder);
    let text = lines.text();
    let told = |words: &[&str]| {
        assert!(
            text.lines()
                .any(|line| words.iter().all(|w| line.contains(w))),
            "{:?} in {}",
            words,
            text
        );
    };
    let endpoint = format!("endpoint=\"{}\"", relay.address);
    told(&["DEBUG sprint: ", "connection=1", &endpoint]);
    told(&["WARN sprint: ", &endpoint, "cause=\"", "expired"]);
    told(&["INFO sprint: resized", "more=\"{", "max_connections"]);
    assert!(!text.contains("connection=None"), "{}", text);

    pool.resize(3, 1).unwrap();
    assert_eq!(lines.text(), text, "ended");

    // Lines that go somewhere else by then are left alone.
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = path.join(format!("forward-{}", std::process::id()));
    let forwarder = sprint::log_to_tracing(Level::Info).unwrap();
    sprint::log_to(std::fs::File::create(&path).unwrap(), Level::Info).unwrap();
    drop(forwarder);
    pool.resize(4, 1).unwrap();
    until("the file is written", || {
        std::fs::read_to_string(&path).unwrap().contains("resized")
    });
    sprint::log_off().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(lines.text(), text);
    pool.close(Duration::ZERO).unwrap();
}
