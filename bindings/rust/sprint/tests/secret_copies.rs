//! No copy of a used key lies about in the process. Alone in its file, so that nothing else
//! allocates or holds a key meanwhile.

#![cfg(target_os = "linux")]

mod support;

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;

use support::{ask, log_in, Relay};

/// A key to search for, held masked: the search must not find its own pattern.
struct Needle(Vec<u8>);

const MASK: u8 = 0xa5;

/// A key under HMAC's inner or outer pad (RFC 2104) is as good as the key.
const PADS: [u8; 3] = [0, 0x36, 0x5c];

impl Needle {
    /// Reads a file byte by byte, so that no buffer of ours ever holds the key.
    fn from_file(mut file: File) -> Needle {
        let mut masked = Vec::new();
        let mut byte = [0];
        while file.read(&mut byte).unwrap() == 1 {
            masked.push(byte[0] ^ MASK);
        }
        assert_eq!(masked.len(), 32);
        Needle(masked)
    }

    fn starts(&self, bytes: &[u8]) -> bool {
        let same = |pad| bytes.iter().zip(&self.0).all(|(b, m)| b ^ pad == m ^ MASK);
        PADS.iter()
            .any(|&pad| bytes[0] ^ pad == self.0[0] ^ MASK && same(pad))
    }

    /// Counts the copies in the writable memory of this process, `window` left out, through which
    /// it looks at the rest.
    fn count(&self, window: &mut [u8]) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
        let step = window.len() - self.0.len() + 1; // windows overlap: no match is cut in two
        let mut found = 0;
        for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
            let (range, rights) = line.split_once(' ').unwrap();
            if !rights.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let start = u64::from_str_radix(start, 16).unwrap();
            let end = u64::from_str_radix(end, 16).unwrap();
            for at in (start..end).step_by(step) {
                let want = window.len().min((end - at) as usize);
                // Fails for secret memory, which nothing reads through the kernel.
                let n = memory.read_at(&mut window[..want], at).unwrap_or(0);
                let places = window[..n].windows(self.0.len()).enumerate();
                let hits = places.filter(|(_, bytes)| self.starts(bytes));
                found += hits
                    .filter(|(i, _)| !own.contains(&(at + *i as u64)))
                    .count();
            }
        }
        window.fill(0);
        found
    }
}

#[test]
fn a_key_read_into_its_buffer_and_used_is_not_copied() {
    let relay = Relay::start();
    let needle = Needle::from_file(File::open(relay.key_file()).unwrap());
    let mut window = vec![0; 1 << 20];

    for pad in PADS {
        let mut copy: Vec<u8> = needle.0.iter().map(|m| m ^ MASK ^ pad).collect();
        assert_eq!(
            needle.count(&mut window),
            1,
            "the search finds what is there"
        );
        sprint::wipe(&mut copy);
    }
    assert_eq!(needle.count(&mut window), 0);

    let (pool, key) = (relay.pool(1), relay.key());
    let mut conn = log_in(&pool, &key);
    assert_eq!(ask(&mut conn, "PING"), "PONG");
    let copies = needle.count(&mut window);
    assert!(
        copies <= 1,
        "{} copies: more than the buffer itself",
        copies
    );
    drop(key);
    assert_eq!(needle.count(&mut window), 0, "wiped");
}
