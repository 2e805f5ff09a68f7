//! Copies of secrets that are wiped when dropped.

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, Result};
use crate::SecureBuffer;

/// The memory is wiped by the library, whatever the backend.
impl ZeroizeOnDrop for SecureBuffer {}

impl SecureBuffer {
    /// Copies all of the secret out, for code that cannot use it where it lies. The copy is wiped
    /// when dropped; until then it is in ordinary memory, which is neither locked nor kept out of
    /// core dumps. Feature `zeroize`.
    ///
    /// ```
    /// let token = sprint::SecureBuffer::random(16)?;
    /// let copy = token.to_zeroizing()?;
    /// assert_eq!(copy.len(), 16);
    /// drop(copy); // wiped
    /// # Ok::<(), sprint::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`read_at`](SecureBuffer::read_at).
    pub fn to_zeroizing(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut copy = Zeroizing::new(vec![0; self.len()]);
        self.read_at(0, &mut copy)?;
        Ok(copy)
    }
}

/// Moves a secret in, as [`SecureBuffer::take`]; the source is wiped in any case. Feature `zeroize`.
///
/// ```
/// use sprint::SecureBuffer;
/// use zeroize::Zeroizing;
///
/// let read_from_somewhere = Zeroizing::new(b"not a real token".to_vec());
/// let token = SecureBuffer::try_from(read_from_somewhere)?;
/// assert_eq!(token.len(), 16);
/// # Ok::<(), sprint::Error>(())
/// ```
impl TryFrom<Zeroizing<Vec<u8>>> for SecureBuffer {
    type Error = Error;

    fn try_from(mut source: Zeroizing<Vec<u8>>) -> Result<Self> {
        SecureBuffer::take(&mut source)
    }
}
