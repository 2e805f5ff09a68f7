//! Secrets: contents, guards, conflicts, known answers.

mod support;

use std::thread;

use sprint::{memory_stats, Backend, ErrorKind, Hash, SecureBuffer};
use support::{hex, unhex};

/// A buffer of the given bytes.
fn buffer(content: &[u8]) -> SecureBuffer {
    SecureBuffer::take(&mut content.to_vec()).unwrap()
}

fn kind<T: std::fmt::Debug>(result: sprint::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_new_buffer_is_zeros_and_a_random_one_is_not() {
    assert_eq!(*SecureBuffer::new(64).unwrap().open().unwrap(), [0; 64]);
    let (a, b) = (
        SecureBuffer::random(32).unwrap(),
        SecureBuffer::random(32).unwrap(),
    );
    assert!(!a.equal(&b).unwrap());
    assert!(a.equal(&a).unwrap());
}

#[test]
fn take_wipes_its_source() {
    let mut source = *b"test secret";
    let buffer = SecureBuffer::take(&mut source).unwrap();
    assert_eq!(source, [0; 11]);
    assert_eq!(*buffer.open().unwrap(), *b"test secret");
    assert_eq!(buffer.len(), 11);
}

#[test]
fn bytes_are_copied_in_and_out_within_bounds_only() {
    let buffer = SecureBuffer::new(8).unwrap();
    buffer.write_at(2, b"abcd").unwrap();
    let mut bytes = [0xff; 8];
    buffer.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\0\0abcd\0\0");
    assert_eq!(kind(buffer.write_at(5, b"abcd")), ErrorKind::Argument);
    assert_eq!(
        kind(buffer.read_at(usize::MAX, &mut bytes)),
        ErrorKind::Argument
    );
    buffer.write_at(8, b"").unwrap();
}

#[test]
fn sizes_out_of_range_are_refused() {
    assert_eq!(kind(SecureBuffer::new(0)), ErrorKind::Argument);
    assert_eq!(kind(SecureBuffer::new(usize::MAX)), ErrorKind::Argument);
    assert_eq!(kind(SecureBuffer::take(&mut [])), ErrorKind::Argument);
}

#[test]
fn readers_share_and_shut_writers_out() {
    let buffer = buffer(b"shared");
    let first = buffer.open().unwrap();
    let second = buffer.open().unwrap();
    assert_eq!(*first, *second);
    assert_eq!(
        first.as_ptr(),
        second.as_ptr(),
        "the memory itself, not a copy"
    );
    assert_eq!(kind(buffer.write_at(0, b"x")), ErrorKind::State);
    drop(first);
    assert_eq!(
        kind(buffer.write_at(0, b"x")),
        ErrorKind::State,
        "one is still open"
    );
    drop(second);
    buffer.write_at(0, b"x").unwrap();
    assert_eq!(*buffer.open().unwrap(), *b"xhared");
}

#[test]
fn a_writer_is_alone_until_its_guard_is_dropped() {
    let mut buffer = buffer(b"before");
    // The borrow checker refuses a use beside the guard; a second owner of the handle meets the
    // library's own check.
    let twin = std::mem::ManuallyDrop::new(SecureBuffer::from_raw(buffer.as_raw()).unwrap());
    let mut guard = buffer.open_mut().unwrap();
    guard.copy_from_slice(b"after!");
    assert_eq!(*guard, *b"after!");
    assert_eq!(kind(twin.open()), ErrorKind::State);
    assert_eq!(kind(twin.read_at(0, &mut [0])), ErrorKind::State);
    assert_eq!(
        kind(twin.hmac(Hash::Sha256, b"", &mut [0; 32])),
        ErrorKind::State
    );
    drop(guard);
    assert_eq!(*twin.open().unwrap(), *b"after!");
}

#[test]
fn a_guard_may_end_on_another_thread() {
    let mut buffer = buffer(b"moved");
    let guard = buffer.open_mut().unwrap();
    thread::scope(|s| {
        s.spawn(move || drop(guard));
    });
    buffer.write_at(0, b"M").unwrap();
}

/// RFC 4231, test cases 1 and 2.
#[test]
fn hmac_gives_the_known_answers() {
    for (hash, key, message, tag) in [
        (
            Hash::Sha256,
            &[0x0b; 20][..],
            "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            Hash::Sha384,
            b"Jefe",
            "what do ya want for nothing?",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
             8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            Hash::Sha512,
            b"Jefe",
            "what do ya want for nothing?",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        let key = buffer(key);
        let mut mac = [0xff; 64];
        let n = key.hmac(hash, message.as_bytes(), &mut mac).unwrap();
        assert_eq!(hex(&mac[..n]), tag);
        assert_eq!(unhex(tag).len(), n);
        assert_eq!(
            kind(key.hmac(hash, b"", &mut mac[..n - 1])),
            ErrorKind::Range
        );
    }
}

#[test]
fn a_buffer_does_not_show_its_content() {
    let mut buffer = buffer(b"hidden");
    let shown = [
        format!("{:?}", buffer),
        format!("{:?}", buffer.open().unwrap()),
        format!("{:?}", buffer.open_mut().unwrap()),
    ];
    for text in shown {
        assert!(
            text.contains("len: 6") && !text.contains("hidden"),
            "{}",
            text
        );
        assert!(!text.contains("104"), "{}", text); // 'h' as a number
    }
}

#[test]
fn memory_stats_are_measured() {
    let _buffer = SecureBuffer::new(4096).unwrap();
    let stats = memory_stats().unwrap();
    assert!(
        stats.enabled && stats.buffers >= 1 && stats.locked_bytes >= 4096,
        "{:?}",
        stats
    );
    assert!(
        matches!(stats.backend, Backend::Secretmem | Backend::Mlock),
        "{:?}",
        stats
    );
}

#[test]
fn wipe_leaves_zeros() {
    let mut bytes = [7; 33];
    sprint::wipe(&mut bytes);
    assert_eq!(bytes, [0; 33]);
    sprint::wipe(&mut []);
}
