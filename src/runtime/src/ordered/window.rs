//! The back-pressure: how many items may be between source and sink.

use std::sync::{Condvar, Mutex, PoisonError};

/// Room for so many items between source and sink, until it is closed.
pub(super) struct Window {
    /// Items that may still come in; `None` once closed.
    room: Mutex<Option<usize>>,
    changed: Condvar,
}

impl Window {
    pub(super) fn new(items: usize) -> Self {
        Self { room: Mutex::new(Some(items)), changed: Condvar::new() }
    }

    /// Waits until another item may come in; `false` if none will ever again.
    pub(super) fn enter(&self) -> bool {
        let room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.changed.wait_while(room, |room| *room == Some(0));
        match &mut *room.unwrap_or_else(PoisonError::into_inner) {
            Some(room) => {
                *room -= 1;
                true
            }
            None => false,
        }
    }

    pub(super) fn leave(&self) {
        if let Some(room) = &mut *self.room.lock().unwrap_or_else(PoisonError::into_inner) {
            *room += 1;
        }
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_all();
    }
}

/// Closes the window at the end of a scope, also at that of a panic.
pub(super) struct CloseOnDrop<'a>(pub(super) &'a Window);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
