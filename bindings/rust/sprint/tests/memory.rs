//! Settings of the process's secure memory. Alone in its file, as one test: they hold for the whole
//! process.

use sprint::memory::{self, AtLimit};
use sprint::{memory_stats, Backend, ErrorKind, Flags, SecureBuffer, SelfCheck};

const LARGE: usize = 1 << 21;

#[test]
fn memory_is_kept_as_it_was_chosen_and_the_status_says_so() {
    assert_eq!(memory_stats().unwrap().self_check, SelfCheck::NotRun);
    memory::self_check().unwrap();
    assert_eq!(memory_stats().unwrap().self_check, SelfCheck::Passed);

    memory::set_backend(Backend::Mlock).unwrap();
    let _small = SecureBuffer::new(32).unwrap();
    assert_eq!(memory_stats().unwrap().backend, Backend::Mlock);
    let error = memory::set_backend(Backend::Unknown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    memory::set_backend(Backend::Auto).unwrap();

    memory::set_budget(LARGE as u64 * 3 / 2).unwrap();
    let first = SecureBuffer::random(LARGE).unwrap();
    let refused = SecureBuffer::new(LARGE).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LockedMemory);
    SecureBuffer::new_with(LARGE, Flags::DEGRADE).unwrap();

    memory::set_at_limit(AtLimit::Degrade).unwrap();
    let unlocked = SecureBuffer::new(LARGE).unwrap();
    let status = memory::status_json().unwrap();
    assert!(status.contains("\"unlocked_buffers\":1,"), "{}", status);
    drop(unlocked);

    memory::set_at_limit(AtLimit::Seal).unwrap();
    let mut before = [0; 32];
    first.read_at(0, &mut before).unwrap();
    let second = SecureBuffer::new(LARGE).unwrap();
    assert!(memory_stats().unwrap().sealed >= 1);
    drop(second);
    assert_eq!(first.open().unwrap()[..32], before);

    memory::set_at_limit(AtLimit::Fail).unwrap();
    let refused = SecureBuffer::new(LARGE).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LockedMemory);
    memory::set_budget(0).unwrap();
    SecureBuffer::new(LARGE).unwrap();

    let status = memory::status_json().unwrap();
    assert!(
        status.starts_with('{') && status.ends_with('}'),
        "{}",
        status
    );
    for part in ["\"enabled\":true", "\"self_check\":\"passed\""] {
        assert!(status.contains(part), "{}", status);
    }
}
