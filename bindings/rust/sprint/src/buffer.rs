//! Secrets in locked, guarded memory.

use std::fmt;

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::guard::{ReadGuard, WriteGuard};

/// Hashes of [`SecureBuffer::hmac`].
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

/// A secret in locked, guarded memory, wiped when dropped.
///
/// Any number of readers share it; a writer is alone. What conflicts with an open guard is
/// [`ErrorKind::State`](crate::ErrorKind::State) at once, never a wait.
///
/// ```
/// use sprint::{Hash, SecureBuffer};
///
/// let mut key = SecureBuffer::new(32)?;
/// // Filled in place, so that no copy is left behind.
/// key.open_mut()?.copy_from_slice(&[0x0b; 32]);
///
/// let mut mac = [0; 32];
/// key.hmac(Hash::Sha256, b"message", &mut mac)?;
/// assert_eq!(key.open()?[..4], [0x0b; 4]);
/// # Ok::<(), sprint::Error>(())
/// ```
///
/// Send and Sync, by nature: all it holds is a handle, a number that any thread may use at any
/// time, and the length, which never changes. Sharing and exclusion are the library's.
pub struct SecureBuffer {
    handle: sys::sprint_buffer,
    len: usize,
}

impl SecureBuffer {
    /// Allocates `len` zeros, 1 byte to 1 GiB.
    ///
    /// # Errors
    ///
    /// [`LockedMemory`](crate::ErrorKind::LockedMemory) at the process's limit of locked memory;
    /// every other secret lives on. [`Memory`](crate::ErrorKind::Memory),
    /// [`Argument`](crate::ErrorKind::Argument).
    #[doc(alias = "sprint_buffer_alloc")]
    pub fn new(len: usize) -> Result<Self> {
        let mut handle = 0;
        // SAFETY: takes numbers, and a place for a handle.
        check(unsafe { sys::sprint_buffer_alloc(len, sys::SPRINT_BUFFER_DEFAULT, &mut handle) })?;
        Ok(SecureBuffer { handle, len })
    }

    /// Moves a secret in: `source` is wiped, also when there is no locked memory for it. Only an
    /// argument error leaves it as it was. Errors as [`new`](SecureBuffer::new).
    #[doc(alias = "sprint_buffer_from")]
    pub fn take(source: &mut [u8]) -> Result<Self> {
        let (mut handle, len) = (0, source.len());
        // SAFETY: a unique slice is readable and writable for its length.
        check(unsafe {
            sys::sprint_buffer_from(
                source.as_mut_ptr().cast(),
                len,
                sys::SPRINT_BUFFER_DEFAULT,
                &mut handle,
            )
        })?;
        Ok(SecureBuffer { handle, len })
    }

    /// Allocates `len` bytes from the kernel's random generator. Errors as
    /// [`new`](SecureBuffer::new).
    #[doc(alias = "sprint_buffer_random")]
    pub fn random(len: usize) -> Result<Self> {
        let mut handle = 0;
        // SAFETY: takes numbers, and a place for a handle.
        check(unsafe { sys::sprint_buffer_random(len, sys::SPRINT_BUFFER_DEFAULT, &mut handle) })?;
        Ok(SecureBuffer { handle, len })
    }

    /// Size in bytes, at least 1.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.len
    }

    /// Copies bytes out. The copy is the caller's to protect and to [`wipe`](crate::wipe).
    ///
    /// # Errors
    ///
    /// [`Argument`](crate::ErrorKind::Argument) past the end,
    /// [`State`](crate::ErrorKind::State) while open for writing.
    #[doc(alias = "sprint_buffer_read")]
    pub fn read_at(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        // SAFETY: a unique slice is writable for its length.
        check(unsafe {
            sys::sprint_buffer_read(self.handle, offset, bytes.as_mut_ptr().cast(), bytes.len())
        })
    }

    /// Copies bytes in; `bytes` is not wiped. Errors as [`read_at`](SecureBuffer::read_at), and
    /// [`State`](crate::ErrorKind::State) while open for reading too.
    #[doc(alias = "sprint_buffer_write")]
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        // SAFETY: a slice is readable for its length.
        check(unsafe {
            sys::sprint_buffer_write(self.handle, offset, bytes.as_ptr().cast(), bytes.len())
        })
    }

    /// Borrows the guarded memory itself for reading, until the guard is dropped. Readers share.
    ///
    /// # Errors
    ///
    /// [`State`](crate::ErrorKind::State) when it is being written.
    #[doc(alias = "sprint_buffer_open")]
    pub fn open(&self) -> Result<ReadGuard<'_>> {
        ReadGuard::new(self)
    }

    /// Borrows the guarded memory itself for writing, until the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`State`](crate::ErrorKind::State) when the library is using it, as for a metrics token.
    pub fn open_mut(&mut self) -> Result<WriteGuard<'_>> {
        WriteGuard::new(self)
    }

    /// Compares in constant time. Different lengths are not equal.
    ///
    /// # Errors
    ///
    /// [`State`](crate::ErrorKind::State) while either is open for writing.
    #[doc(alias = "sprint_buffer_equal")]
    pub fn equal(&self, other: &SecureBuffer) -> Result<bool> {
        let mut equal = 0;
        // SAFETY: takes handles, and a place for a number.
        check(unsafe { sys::sprint_buffer_equal(self.handle, other.handle, &mut equal) })?;
        Ok(equal != 0)
    }

    /// HMAC (RFC 2104) of `message` with the buffer as the key, which is not copied out. Returns
    /// the tag's length, 32, 48 or 64: that much of `tag` is filled.
    ///
    /// # Errors
    ///
    /// [`Range`](crate::ErrorKind::Range) when `tag` is too short,
    /// [`State`](crate::ErrorKind::State) while open for writing.
    #[doc(alias = "sprint_buffer_hmac")]
    pub fn hmac(&self, hash: Hash, message: &[u8], tag: &mut [u8]) -> Result<usize> {
        let hash = match hash {
            Hash::Sha256 => sys::SPRINT_HASH_SHA256,
            Hash::Sha384 => sys::SPRINT_HASH_SHA384,
            Hash::Sha512 => sys::SPRINT_HASH_SHA512,
        };
        let mut n = 0;
        // SAFETY: slices are readable, a unique one writable, for their lengths.
        check(unsafe {
            sys::sprint_buffer_hmac(
                self.handle,
                hash,
                message.as_ptr().cast(),
                message.len(),
                tag.as_mut_ptr().cast(),
                tag.len(),
                &mut n,
            )
        })?;
        Ok(n)
    }

    /// The handle, for calls of `sprint-sys`. It stays the buffer's.
    pub fn as_raw(&self) -> sys::sprint_buffer {
        self.handle
    }

    /// Takes over a handle made through `sprint-sys`: dropping frees it. Not `unsafe`, for a handle
    /// is a number that the library checks; one that is freed elsewhere makes calls fail.
    ///
    /// # Errors
    ///
    /// [`Handle`](crate::ErrorKind::Handle) when it is not a live buffer.
    #[doc(alias = "sprint_buffer_len")]
    pub fn from_raw(handle: sys::sprint_buffer) -> Result<Self> {
        let mut len = 0;
        // SAFETY: takes a handle, and a place for a size.
        check(unsafe { sys::sprint_buffer_len(handle, &mut len) })?;
        Ok(SecureBuffer { handle, len })
    }
}

impl Drop for SecureBuffer {
    #[doc(alias = "sprint_buffer_free")]
    fn drop(&mut self) {
        // SAFETY: the handle is ours. Guards borrow the buffer, so none is open.
        unsafe { sys::sprint_buffer_free(self.handle) }
    }
}

/// Never shows the content.
impl fmt::Debug for SecureBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureBuffer")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
