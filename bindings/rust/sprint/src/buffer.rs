//! Secrets in locked, guarded memory.

use std::fmt;
use std::ops::BitOr;
use std::time::Duration;

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::guard::{ReadGuard, WriteGuard};
use crate::stats::Backend;
use crate::time::millis;

/// How the pages of a [`SecureBuffer`] are kept, to be combined with `|`. By default the pages of a
/// freed buffer have no access, so that a stale pointer faults.
///
/// ```
/// use sprint::{Flags, SecureBuffer};
///
/// let token = SecureBuffer::random_with(32, Flags::FAST | Flags::NOACCESS)?;
/// assert_eq!(token.len(), 32);
/// # Ok::<(), sprint::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub(crate) u32);

impl Flags {
    /// None of those below.
    #[doc(alias = "SPRINT_BUFFER_DEFAULT")]
    pub const DEFAULT: Flags = Flags(sys::SPRINT_BUFFER_DEFAULT);
    /// Pages stay mapped, wiped, while free: no system call.
    #[doc(alias = "SPRINT_BUFFER_FAST")]
    pub const FAST: Flags = Flags(sys::SPRINT_BUFFER_FAST);
    /// No access to the pages unless open or in use by a call.
    #[doc(alias = "SPRINT_BUFFER_NOACCESS")]
    pub const NOACCESS: Flags = Flags(sys::SPRINT_BUFFER_NOACCESS);
    /// At the limit of locked memory take unlocked memory rather than fail.
    #[doc(alias = "SPRINT_BUFFER_DEGRADE")]
    pub const DEGRADE: Flags = Flags(sys::SPRINT_BUFFER_DEGRADE);
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
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
    pub fn new(len: usize) -> Result<Self> {
        SecureBuffer::new_with(len, Flags::DEFAULT)
    }

    /// As [`new`](SecureBuffer::new), with flags.
    #[doc(alias = "sprint_buffer_alloc")]
    pub fn new_with(len: usize, flags: Flags) -> Result<Self> {
        // SAFETY: takes numbers, and a place for a handle.
        SecureBuffer::made(len, |out| unsafe {
            sys::sprint_buffer_alloc(len, flags.0, out)
        })
    }

    /// Moves a secret in: `source` is wiped, also when there is no locked memory for it. Only an
    /// argument error leaves it as it was. Errors as [`new`](SecureBuffer::new).
    pub fn take(source: &mut [u8]) -> Result<Self> {
        SecureBuffer::take_with(source, Flags::DEFAULT)
    }

    /// As [`take`](SecureBuffer::take), with flags.
    #[doc(alias = "sprint_buffer_from")]
    pub fn take_with(source: &mut [u8], flags: Flags) -> Result<Self> {
        let len = source.len();
        // SAFETY: a unique slice is readable and writable for its length.
        SecureBuffer::made(len, |out| unsafe {
            sys::sprint_buffer_from(source.as_mut_ptr().cast(), len, flags.0, out)
        })
    }

    /// Allocates `len` bytes from the kernel's random generator. Errors as
    /// [`new`](SecureBuffer::new).
    pub fn random(len: usize) -> Result<Self> {
        SecureBuffer::random_with(len, Flags::DEFAULT)
    }

    /// As [`random`](SecureBuffer::random), with flags.
    #[doc(alias = "sprint_buffer_random")]
    pub fn random_with(len: usize, flags: Flags) -> Result<Self> {
        // SAFETY: takes numbers, and a place for a handle.
        SecureBuffer::made(len, |out| unsafe {
            sys::sprint_buffer_random(len, flags.0, out)
        })
    }

    /// The buffer of `len` bytes that a function of the library makes.
    pub(crate) fn made(
        len: usize,
        make: impl FnOnce(&mut sys::sprint_buffer) -> sys::sprint_status,
    ) -> Result<Self> {
        let mut handle = 0;
        check(make(&mut handle))?;
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

    /// How the pages are kept from others now ([`Backend::Auto`](crate::Backend::Auto) while it is
    /// sealed or in unlocked pages), and whether they are locked.
    #[doc(alias = "sprint_buffer_protection")]
    pub fn protection(&self) -> Result<(Backend, bool)> {
        let (mut backend, mut locked) = (0, 0);
        // SAFETY: two numbers to be written.
        check(unsafe { sys::sprint_buffer_protection(self.handle, &mut backend, &mut locked) })?;
        Ok((Backend::of(backend), locked == 1))
    }

    /// Encrypts a secret that is not used for a while: it leaves locked memory, and the next call
    /// that needs it brings it back. Sealing a sealed one does nothing.
    ///
    /// # Errors
    ///
    /// [`State`](crate::ErrorKind::State) when open or in use,
    /// [`LockedMemory`](crate::ErrorKind::LockedMemory) when there is no room for the sealing key,
    /// [`Memory`](crate::ErrorKind::Memory), [`Expired`](crate::ErrorKind::Expired).
    #[doc(alias = "sprint_buffer_seal")]
    pub fn seal(&self) -> Result<()> {
        // SAFETY: takes a handle only.
        check(unsafe { sys::sprint_buffer_seal(self.handle) })
    }

    /// Gives the secret a lifetime, above 0, from now on; a later call moves the end. When it is
    /// over the secret is wiped (when the last guard is dropped), and every use is
    /// [`Expired`](crate::ErrorKind::Expired).
    ///
    /// # Errors
    ///
    /// [`Argument`](crate::ErrorKind::Argument), [`Expired`](crate::ErrorKind::Expired).
    #[doc(alias = "sprint_buffer_expire_after")]
    pub fn expire_after(&self, lifetime: Duration) -> Result<()> {
        // SAFETY: takes a handle and a number only.
        check(unsafe { sys::sprint_buffer_expire_after(self.handle, millis(lifetime)) })
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
