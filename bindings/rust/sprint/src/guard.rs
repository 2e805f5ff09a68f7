//! Borrows of a secret's own memory.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

use sprint_sys as sys;

use crate::error::{check, Result};
use crate::SecureBuffer;

/// A shared borrow of a [`SecureBuffer`]'s memory, closed when dropped.
#[doc(alias = "sprint_buffer_close")]
pub struct ReadGuard<'a> {
    borrow: Borrow<'a>,
}

/// The only borrow of a [`SecureBuffer`]'s memory, closed when dropped.
#[doc(alias = "sprint_buffer_close")]
pub struct WriteGuard<'a> {
    borrow: Borrow<'a>,
}

impl<'a> ReadGuard<'a> {
    pub(crate) fn new(buffer: &'a SecureBuffer) -> Result<Self> {
        let borrow = Borrow::open(buffer, sys::SPRINT_READ)?;
        Ok(ReadGuard { borrow })
    }
}

impl<'a> WriteGuard<'a> {
    pub(crate) fn new(buffer: &'a mut SecureBuffer) -> Result<Self> {
        let borrow = Borrow::open(buffer, sys::SPRINT_WRITE)?;
        Ok(WriteGuard { borrow })
    }
}

impl Deref for ReadGuard<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: readable until the borrow is closed, and not written: while a READ borrow is
        // open the library refuses every WRITE borrow and every write.
        unsafe { self.borrow.data.as_ref() }
    }
}

impl Deref for WriteGuard<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: readable until the borrow is closed; changed through this guard only.
        unsafe { self.borrow.data.as_ref() }
    }
}

impl DerefMut for WriteGuard<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: writable until the borrow is closed, and nobody else's: while a WRITE borrow is
        // open the library refuses every other borrow and every use, and `self` is unique.
        unsafe { self.borrow.data.as_mut() }
    }
}

/// Never shows the content.
impl fmt::Debug for ReadGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGuard")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Never shows the content.
impl fmt::Debug for WriteGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGuard")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// One successful `sprint_buffer_open`, owing one `sprint_buffer_close`. A pointer rather than a
/// reference, because the memory may go away in `drop`, while a reference would still be live.
struct Borrow<'a> {
    handle: sys::sprint_buffer,
    data: NonNull<[u8]>,
    _buffer: PhantomData<&'a SecureBuffer>,
}

// SAFETY: a borrow belongs to the buffer, not to the thread that opened it: any thread may use the
// memory and close it.
unsafe impl Send for Borrow<'_> {}
// SAFETY: `&Borrow` gives `&[u8]` only, which any number of threads may read.
unsafe impl Sync for Borrow<'_> {}

impl<'a> Borrow<'a> {
    fn open(buffer: &'a SecureBuffer, mode: i32) -> Result<Self> {
        let (mut data, mut len) = (ptr::null_mut(), 0);
        // SAFETY: takes a handle and a number, and places for a pointer and a size.
        check(unsafe { sys::sprint_buffer_open(buffer.as_raw(), mode, &mut data, &mut len) })?;
        let data = ptr::slice_from_raw_parts_mut(data.cast(), len);
        Ok(Borrow {
            handle: buffer.as_raw(),
            data: NonNull::new(data).expect("sprint_buffer_open succeeded with a pointer"),
            _buffer: PhantomData,
        })
    }
}

impl Drop for Borrow<'_> {
    fn drop(&mut self) {
        // SAFETY: pays back the one open. Its status says nothing new here: damage is counted in
        // `MemoryStats::canary_failures`.
        let _ = unsafe { sys::sprint_buffer_close(self.handle) };
    }
}
