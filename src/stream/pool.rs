//! Things that are dear to make, used again and again.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Things of one kind that whoever needs one takes and gives back, for example the buffers of worker threads that come
/// and go: the system hands out new memory slowly.
#[derive(Debug)]
pub struct Pool<T>(Mutex<Vec<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T: Default> Pool<T> {
    /// One that was given back, as it was left, or a new one.
    pub fn take(&self) -> Pooled<'_, T> {
        let item = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Pooled { item, home: self }
    }
}

/// Something of a [`Pool`], to which it goes back when dropped.
#[derive(Debug)]
pub struct Pooled<'p, T: Default> {
    item: T,
    home: &'p Pool<T>,
}

impl<T: Default> Deref for Pooled<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T: Default> DerefMut for Pooled<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T: Default> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        let item = std::mem::take(&mut self.item);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_taken_again() {
        let pool = Pool::<Vec<u8>>::default();
        let (mut first, second) = (pool.take(), pool.take());
        first.push(7);
        drop(first);
        assert_eq!(*pool.take(), [7]);
        assert!(second.is_empty());
    }
}
