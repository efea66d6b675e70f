//! Results put back into the order of their items.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crossbeam_channel::Receiver;

use super::window::Window;

/// What became of an item.
pub(super) enum Outcome<U, E> {
    Done(Result<U, E>),
    Panicked(Box<dyn Any + Send>),
}

impl<U, E> Outcome<U, E> {
    pub(super) fn of(work: impl FnOnce() -> Result<U, E>) -> Self {
        // A panic ends the whole run, so nobody sees what it left half done.
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => Self::Done(result),
            Err(panic) => Self::Panicked(panic),
        }
    }

    /// The next item of a source, `None` at its end.
    pub(super) fn of_next(source: &mut impl Iterator<Item = Result<U, E>>) -> Option<Self> {
        match catch_unwind(AssertUnwindSafe(|| source.next())) {
            Ok(item) => item.map(Self::Done),
            Err(panic) => Some(Self::Panicked(panic)),
        }
    }
}

/// An outcome with its item's position in the order.
pub(super) struct Positioned<U, E> {
    pub(super) position: u64,
    pub(super) outcome: Outcome<U, E>,
}

/// Hands results to `sink` in their order until one is an error. No more are kept than the window allows.
pub(super) fn in_order<U, E>(
    results: Receiver<Positioned<U, E>>,
    window: &Window,
    mut sink: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    let mut next = 0;
    let mut early: VecDeque<Option<Outcome<U, E>>> = VecDeque::new();
    for Positioned { position, outcome } in results {
        let index = (position - next) as usize;
        if early.len() <= index {
            early.resize_with(index + 1, || None);
        }
        early[index] = Some(outcome);
        while let Some(outcome) = early.front_mut().and_then(Option::take) {
            early.pop_front();
            next += 1;
            match outcome {
                Outcome::Done(result) => sink(result?)?,
                Outcome::Panicked(panic) => resume_unwind(panic),
            }
            window.leave();
        }
    }
    Ok(())
}
