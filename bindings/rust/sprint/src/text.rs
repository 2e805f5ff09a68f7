//! Texts that the library writes into a buffer of the caller.

use sprint_sys as sys;

use crate::error::{check, Result};

/// All of a text that `write` puts into a buffer of a pointer and a size; it reports the size that
/// it needs.
pub(crate) fn of(
    write: impl Fn(*mut sys::c_char, usize, &mut usize) -> sys::sprint_status,
) -> Result<String> {
    let mut text = vec![0u8; 4096];
    loop {
        let mut needed = 0;
        let status = write(text.as_mut_ptr().cast(), text.len(), &mut needed);
        // The text may grow between two calls, so the size may be out of date again.
        if status != sys::SPRINT_E_RANGE {
            check(status)?;
            text.truncate(needed.saturating_sub(1));
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        text.resize(needed, 0);
    }
}
