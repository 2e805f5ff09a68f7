//! What happens to secrets, as lines. Alone in its file: the descriptor belongs to the whole process.

#![cfg(unix)]

use std::fs::{self, File};
use std::path::Path;

use sprint::SecureBuffer;

#[test]
fn lines_tell_what_happens_to_secrets_and_never_their_content() {
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("events-{}", std::process::id()));
    sprint::events_to(File::create(&path).unwrap()).unwrap();
    let buffer = SecureBuffer::take(&mut b"not-a-real-secret".to_vec()).unwrap();
    buffer.seal().unwrap();
    drop(buffer.open().unwrap());
    buffer.sign_ed25519(b"too long for a seed").unwrap_err();
    drop(buffer);
    sprint::events_off().unwrap();
    SecureBuffer::new(32).unwrap();

    let text = fs::read_to_string(&path).unwrap();
    for line in text.lines() {
        assert!(
            line.starts_with("{\"time\":") && line.ends_with('}'),
            "{}",
            line
        );
    }
    for event in ["allocate", "seal", "open", "close", "free"] {
        let told = text.matches(&format!("\"{}\"", event)).count();
        assert_eq!(told, 1, "{}: {}", event, text);
    }
    assert!(!text.contains("not-a-real-secret"));
    fs::remove_file(&path).unwrap();
}
