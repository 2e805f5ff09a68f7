//! Secrets as keys: published answers, and what is refused.

mod support;

use sprint::{ErrorKind, Flags, Hash, SecureBuffer};
use support::{buffer, hex, kind, unhex};

const SALT: &[u8] = b"sixteen-byte-salt";

fn content(buffer: &SecureBuffer) -> Vec<u8> {
    buffer.open().unwrap().to_vec()
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

/// RFC 8032, 7.1, test 1.
#[test]
fn ed25519_gives_the_known_answers() {
    let seed = buffer(&unhex(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    ));
    assert_eq!(
        hex(&seed.public_ed25519().unwrap()),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    assert_eq!(
        hex(&seed.sign_ed25519(b"").unwrap()),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac\
         c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
    let short = SecureBuffer::new(31).unwrap();
    assert_eq!(kind(short.public_ed25519()), ErrorKind::Crypto);
    assert_eq!(kind(short.sign_ed25519(b"")), ErrorKind::Crypto);
}

/// McGrew and Viega, The Galois/Counter Mode of Operation, test case 16.
#[test]
fn decrypt_gives_the_known_answer() {
    let key = buffer(&unhex(
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    ));
    let sealed = unhex(
        "cafebabefacedbaddecaf888\
         522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
         76fc6ece0f4e1768cddf8853bb2d551b",
    );
    let aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain = key.decrypt(&sealed, &aad, Flags::DEFAULT).unwrap();
    assert_eq!(plain.len(), 60);
    assert_eq!(
        hex(&content(&plain)),
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    );
}

#[test]
fn what_is_encrypted_is_decrypted_with_the_same_key_and_additional_data_only() {
    let key = SecureBuffer::random(32).unwrap();
    let sealed = key.encrypt(b"message", b"to").unwrap();
    assert_eq!(sealed.len(), 12 + 7 + 16);
    assert_ne!(
        key.encrypt(b"message", b"to").unwrap()[..12],
        sealed[..12],
        "a nonce is used once"
    );
    let plain = key.decrypt(&sealed, b"to", Flags::DEFAULT).unwrap();
    assert_eq!(content(&plain), b"message");

    let refused = |key: &SecureBuffer, sealed: &[u8], aad: &[u8]| {
        assert_eq!(
            kind(key.decrypt(sealed, aad, Flags::DEFAULT)),
            ErrorKind::Crypto
        );
    };
    refused(&key, &sealed, b"from");
    refused(&key, &sealed, b"");
    refused(&SecureBuffer::random(32).unwrap(), &sealed, b"to");
    for len in [0, 1, 27, 28, sealed.len() - 1] {
        refused(&key, &sealed[..len], b"to");
    }
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        refused(&key, &changed, b"to");
    }
    let odd = SecureBuffer::random(31).unwrap();
    assert_eq!(kind(odd.encrypt(b"message", b"")), ErrorKind::Crypto);
}

/// RFC 5869, test case 1.
#[test]
fn hkdf_gives_the_known_answer() {
    let key = buffer(&[0x0b; 22]);
    let salt = unhex("000102030405060708090a0b0c");
    let info = unhex("f0f1f2f3f4f5f6f7f8f9");
    let derived = key
        .hkdf(Hash::Sha256, &salt, &info, 42, Flags::DEFAULT)
        .unwrap();
    assert_eq!(
        hex(&content(&derived)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    );
    for len in [0, 255 * 32 + 1] {
        let refused = key.hkdf(Hash::Sha256, b"", b"", len, Flags::DEFAULT);
        assert_eq!(kind(refused), ErrorKind::Argument);
    }
}

/// `openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:password
/// -kdfopt salt:sixteen-byte-salt -kdfopt iter:100000 PBKDF2`
#[test]
fn pbkdf2_gives_the_answer_of_openssl() {
    let derived = buffer(b"password")
        .pbkdf2(Hash::Sha256, SALT, 100_000, 32, Flags::DEFAULT)
        .unwrap();
    assert_eq!(
        hex(&content(&derived)),
        "4f4150f34db8355c5f874a2596bee114cdf4b93ff5d90dc9fce0095106c13910"
    );
}

#[test]
fn pbkdf2_has_floors() {
    let password = buffer(b"password");
    for (salt, iterations) in [(&SALT[..15], 100_000), (SALT, 99_999)] {
        let refused = password.pbkdf2(Hash::Sha256, salt, iterations, 32, Flags::DEFAULT);
        assert_eq!(kind(refused), ErrorKind::Argument);
    }
}
