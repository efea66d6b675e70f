//! Memory that one column leaves for the next: to touch new memory costs more than to encode into it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Id;

/// The large buffers of an encoder. What is in them means nothing to whoever takes one.
#[derive(Default)]
pub(super) struct Spare {
    /// Of list items that were put together.
    pub(super) numbers: Vec<u32>,
    pub(super) ids: Vec<Id>,
    /// Of ids numbered in the order of first occurrence: the ids, and the number of each id given.
    pub(super) first_seen: Vec<(Vec<Id>, Vec<u32>)>,
    /// Of slots, and of their remaining bits.
    pub(super) slots: Vec<u8>,
    pub(super) rest: Vec<u8>,
    /// Of numbers that fit bytes, and of bits.
    pub(super) narrow: Vec<u8>,
    pub(super) map: Vec<u8>,
    /// Of tables of values.
    pub(super) table: Vec<u32>,
}

/// Lengthens a buffer to at least `length` and gives so much of it. It is not cleared.
pub(super) fn at_least(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

/// Buffers that come back when whoever they were lent to is done with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Returns(Arc<Mutex<Vec<Vec<u8>>>>);

impl Returns {
    /// An empty buffer, one that came back if there is one.
    pub(super) fn take(&self) -> Vec<u8> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Lends a buffer with what is in it.
    pub(super) fn lend(&self, bytes: Vec<u8>) -> Lent {
        Lent { bytes, home: self.clone() }
    }
}

/// Bytes whose buffer goes back when they are dropped.
#[derive(Clone, Debug)]
pub(super) struct Lent {
    bytes: Vec<u8>,
    home: Returns,
}

impl Deref for Lent {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty_with_their_memory() {
        let returns = Returns::default();
        let mut buffer = returns.take();
        buffer.extend_from_slice(&[7; 1000]);
        let lent = returns.lend(buffer);
        assert_eq!(lent[..], [7; 1000]);
        assert_eq!(returns.take().capacity(), 0);
        drop(lent);
        let again = returns.take();
        assert!(again.is_empty() && again.capacity() >= 1000);
    }
}
