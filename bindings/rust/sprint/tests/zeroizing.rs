//! Copies of secrets that are wiped.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sprint::SecureBuffer;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Longer than anything else here is, so that its memory is known by its size.
const SIZE: usize = 4099;
const MARK: u8 = 0xa7;

/// Looks at what is given back to the allocator.
struct Watching;

static FREED: AtomicU32 = AtomicU32::new(0);
static LEFT: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Watching = Watching;

// SAFETY: the system's allocator, which is only watched.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout.size() == SIZE {
            // SAFETY: still the caller's, and initialised by the tests below.
            let bytes = unsafe { std::slice::from_raw_parts(memory, SIZE) };
            FREED.fetch_add(1, Ordering::Relaxed);
            LEFT.fetch_or(bytes.contains(&MARK), Ordering::Relaxed);
        }
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
fn copies_are_wiped_before_their_memory_is_free() {
    let secret = SecureBuffer::try_from(Zeroizing::new(vec![MARK; SIZE])).unwrap();
    assert_eq!(FREED.load(Ordering::Relaxed), 1);
    let copy = secret.to_zeroizing().unwrap();
    assert_eq!(*copy, [MARK; SIZE]);
    drop(copy);
    assert_eq!(FREED.load(Ordering::Relaxed), 2);
    assert!(!LEFT.load(Ordering::Relaxed));

    drop(vec![MARK; SIZE]);
    assert!(
        LEFT.load(Ordering::Relaxed),
        "the watch sees what is not wiped"
    );
}

#[test]
fn a_secret_is_wiped_on_drop_as_a_type_may_ask() {
    fn wiped<T: ZeroizeOnDrop>(_: &T) {}
    wiped(&support::buffer(b"token"));
}
