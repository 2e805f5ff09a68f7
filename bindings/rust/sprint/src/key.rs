//! Secrets as keys, used where they lie.

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::{Flags, SecureBuffer};

/// Hashes of [`SecureBuffer::hmac`], [`SecureBuffer::hkdf`] and [`SecureBuffer::pbkdf2`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// 32-byte tags
    Sha256,
    /// 48-byte tags
    Sha384,
    /// 64-byte tags
    Sha512,
}

impl Hash {
    fn number(self) -> i32 {
        match self {
            Hash::Sha256 => sys::SPRINT_HASH_SHA256,
            Hash::Sha384 => sys::SPRINT_HASH_SHA384,
            Hash::Sha512 => sys::SPRINT_HASH_SHA512,
        }
    }
}

/// Nonce and tag of an encrypted message.
const OVERHEAD: usize = 12 + 16;

/// Every use is [`State`](crate::ErrorKind::State) while the buffer is open for writing, and
/// [`Expired`](crate::ErrorKind::Expired) when its lifetime is over.
impl SecureBuffer {
    /// HMAC (RFC 2104) of `message` with the buffer as the key, which is not copied out. Returns
    /// the tag's length, 32, 48 or 64: that much of `tag` is filled.
    ///
    /// # Errors
    ///
    /// [`Range`](crate::ErrorKind::Range) when `tag` is too short,
    /// [`State`](crate::ErrorKind::State) while open for writing.
    #[doc(alias = "sprint_buffer_hmac")]
    pub fn hmac(&self, hash: Hash, message: &[u8], tag: &mut [u8]) -> Result<usize> {
        let mut n = 0;
        // SAFETY: slices are readable, a unique one writable, for their lengths.
        check(unsafe {
            sys::sprint_buffer_hmac(
                self.as_raw(),
                hash.number(),
                message.as_ptr().cast(),
                message.len(),
                tag.as_mut_ptr().cast(),
                tag.len(),
                &mut n,
            )
        })?;
        Ok(n)
    }

    /// The Ed25519 public key (RFC 8032) of the buffer as a seed.
    ///
    /// # Errors
    ///
    /// [`Crypto`](crate::ErrorKind::Crypto) when the buffer is not 32 bytes.
    #[doc(alias = "sprint_buffer_public_ed25519")]
    pub fn public_ed25519(&self) -> Result<[u8; 32]> {
        let mut key = [0; 32];
        // SAFETY: takes a handle, and a place for 32 bytes.
        check(unsafe { sys::sprint_buffer_public_ed25519(self.as_raw(), key.as_mut_ptr()) })?;
        Ok(key)
    }

    /// Signs with Ed25519 (RFC 8032), the buffer being the seed, which is not copied out.
    ///
    /// # Errors
    ///
    /// [`Crypto`](crate::ErrorKind::Crypto) when the buffer is not 32 bytes.
    #[doc(alias = "sprint_buffer_sign_ed25519")]
    pub fn sign_ed25519(&self, message: &[u8]) -> Result<[u8; 64]> {
        let mut signature = [0; 64];
        // SAFETY: a slice is readable for its length; a place for 64 bytes.
        check(unsafe {
            sys::sprint_buffer_sign_ed25519(
                self.as_raw(),
                message.as_ptr().cast(),
                message.len(),
                signature.as_mut_ptr(),
            )
        })?;
        Ok(signature)
    }

    /// Encrypts with AES-GCM, the buffer being the key: a fresh nonce of 12 bytes, the ciphertext,
    /// a tag of 16. `aad` is authenticated and not in the result.
    ///
    /// ```
    /// use sprint::{Flags, SecureBuffer};
    ///
    /// let key = SecureBuffer::random(32)?;
    /// let sealed = key.encrypt(b"message", b"to whom")?;
    /// let plain = key.decrypt(&sealed, b"to whom", Flags::DEFAULT)?;
    /// assert_eq!(*plain.open()?, *b"message");
    /// # Ok::<(), sprint::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Crypto`](crate::ErrorKind::Crypto) for the size of the key.
    #[doc(alias = "sprint_buffer_encrypt")]
    pub fn encrypt(&self, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = vec![0; plain.len() + OVERHEAD];
        let mut n = 0;
        // SAFETY: slices are readable, a unique one writable, for their lengths.
        check(unsafe {
            sys::sprint_buffer_encrypt(
                self.as_raw(),
                aad.as_ptr().cast(),
                aad.len(),
                plain.as_ptr().cast(),
                plain.len(),
                sealed.as_mut_ptr().cast(),
                sealed.len(),
                &mut n,
            )
        })?;
        sealed.truncate(n);
        Ok(sealed)
    }

    /// Decrypts what [`encrypt`](SecureBuffer::encrypt) made, with the same `aad`, straight into a
    /// new buffer. An empty secret has none.
    ///
    /// # Errors
    ///
    /// [`Crypto`](crate::ErrorKind::Crypto) when key, message or `aad` is not what was encrypted;
    /// those of [`new`](SecureBuffer::new).
    #[doc(alias = "sprint_buffer_decrypt")]
    pub fn decrypt(&self, sealed: &[u8], aad: &[u8], flags: Flags) -> Result<SecureBuffer> {
        // A shorter message has no plaintext, and the library says so.
        let len = sealed.len().saturating_sub(OVERHEAD);
        // SAFETY: slices are readable for their lengths; a place for a handle.
        SecureBuffer::made(len, |out| unsafe {
            sys::sprint_buffer_decrypt(
                self.as_raw(),
                aad.as_ptr().cast(),
                aad.len(),
                sealed.as_ptr().cast(),
                sealed.len(),
                flags.0,
                out,
            )
        })
    }

    /// Derives a new buffer of `len` bytes, at most 255 digests, with HKDF (RFC 5869, extract and
    /// expand). `salt` and `info` may be empty.
    ///
    /// # Errors
    ///
    /// Those of [`new`](SecureBuffer::new).
    #[doc(alias = "sprint_buffer_hkdf")]
    pub fn hkdf(
        &self,
        hash: Hash,
        salt: &[u8],
        info: &[u8],
        len: usize,
        flags: Flags,
    ) -> Result<SecureBuffer> {
        // SAFETY: slices are readable for their lengths; a place for a handle.
        SecureBuffer::made(len, |out| unsafe {
            sys::sprint_buffer_hkdf(
                self.as_raw(),
                hash.number(),
                salt.as_ptr().cast(),
                salt.len(),
                info.as_ptr().cast(),
                info.len(),
                len,
                flags.0,
                out,
            )
        })
    }

    /// Derives a new buffer of `len` bytes from a password, the buffer, with PBKDF2 (RFC 8018). It
    /// takes as long as `iterations` say: OWASP gives 600000 for SHA-256, 210000 for SHA-512.
    ///
    /// # Errors
    ///
    /// [`Argument`](crate::ErrorKind::Argument) for a salt below 16 bytes or less than 100000
    /// iterations; those of [`new`](SecureBuffer::new).
    #[doc(alias = "sprint_buffer_pbkdf2")]
    pub fn pbkdf2(
        &self,
        hash: Hash,
        salt: &[u8],
        iterations: u32,
        len: usize,
        flags: Flags,
    ) -> Result<SecureBuffer> {
        // SAFETY: a slice is readable for its length; a place for a handle.
        SecureBuffer::made(len, |out| unsafe {
            sys::sprint_buffer_pbkdf2(
                self.as_raw(),
                hash.number(),
                salt.as_ptr().cast(),
                salt.len(),
                iterations,
                len,
                flags.0,
                out,
            )
        })
    }
}
