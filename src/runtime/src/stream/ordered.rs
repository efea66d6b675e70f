//! A parallel map whose results arrive in order, in bounded memory.

use std::any::Any;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::machine;

/// Applies `work` to every item of `source` on `threads` threads and hands the results to `sink` in the items' order.
///
/// Workers take the items from `source` themselves, one worker at a time; `sink` runs on the calling thread. With one
/// thread everything does. At most `threads + 2` items are anywhere between `source` and `sink`.
///
/// # Errors
/// The first error in the items' order, whether from `source`, `work` or `sink`, is returned, and `sink` has seen
/// exactly the results before it: what happens does not depend on the number of threads. Work under way is finished and
/// dropped. A panic goes on in the calling thread.
///
/// ```
/// # use std::{convert::Infallible, num::NonZeroUsize};
/// let mut squares = Vec::new();
/// skimlog::stream::ordered_map(
///     NonZeroUsize::new(2).unwrap(),
///     (0..5).map(Ok::<u32, Infallible>),
///     |number| Ok(number * number),
///     |square| Ok(squares.push(square)),
/// ).unwrap();
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
pub fn ordered_map<T, U: Send, E: Send>(
    threads: NonZeroUsize,
    source: impl IntoIterator<Item = Result<T, E>, IntoIter: Send>,
    work: impl Fn(T) -> Result<U, E> + Sync,
    sink: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    ordered_map_with(threads, source, || (), |(), item| work(item), sink)
}

/// [`ordered_map`] with a `state` for each worker that `work` may use again and again, for example buffers. Results must
/// not depend on what an earlier item left in it.
///
/// # Errors
/// As [`ordered_map`].
pub fn ordered_map_with<T, U: Send, S, E: Send>(
    threads: NonZeroUsize,
    source: impl IntoIterator<Item = Result<T, E>, IntoIter: Send>,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) -> Result<U, E> + Sync,
    mut sink: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    let source = source.into_iter();
    if threads == NonZeroUsize::MIN {
        return one_by_one(source, state(), work, sink);
    }
    let in_flight = threads.saturating_add(2);
    let window = Window::new(in_flight);
    let source = Mutex::new(Source { items: source, next: 0, over: false });
    let (sender, results) = bounded(in_flight.get());
    let outcome = thread::scope(|scope| {
        let close = CloseOnDrop(&window);
        let start = |_| {
            let (sender, window, source) = (sender.clone(), &window, &source);
            let (state, work) = (&state, &work);
            machine::spawn_scoped(scope, move || worker(source, window, state, work, &sender)).ok()
        };
        // Where the system gives fewer threads, these do all.
        let workers = (0..threads.get()).map_while(start).count();
        drop(sender);
        if workers == 0 {
            return None;
        }
        let outcome = in_order(results, &window, |outcome| match outcome {
            Outcome::Done(Ok(result)) => sink(result),
            Outcome::Done(Err(error)) => Err(error),
            Outcome::Panicked(panic) => resume_unwind(panic),
        });
        drop(close);
        Some(outcome)
    });
    outcome.unwrap_or_else(|| {
        let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
        one_by_one(source.items, state(), work, sink)
    })
}

fn one_by_one<T, U, S, E>(
    source: impl Iterator<Item = Result<T, E>>,
    mut state: S,
    work: impl Fn(&mut S, T) -> Result<U, E>,
    mut sink: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    for item in source {
        sink(work(&mut state, item?)?)?;
    }
    Ok(())
}

struct Source<I> {
    items: I,
    /// Place of the next item in the order.
    next: u64,
    over: bool,
}

/// What became of an item.
enum Outcome<U, E> {
    Done(Result<U, E>),
    Panicked(Box<dyn Any + Send>),
}

impl<U, E> Outcome<U, E> {
    fn of(work: impl FnOnce() -> Result<U, E>) -> Self {
        // A panic ends the whole map, so nobody sees what it left half done.
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => Self::Done(result),
            Err(panic) => Self::Panicked(panic),
        }
    }
}

/// An outcome with its place in the order.
struct Numbered<U, E> {
    place: u64,
    outcome: Outcome<U, E>,
}

/// Room for so many items between source and sink, until it is closed.
struct Window {
    /// Items that may still come in; `None` once closed.
    room: Mutex<Option<usize>>,
    changed: Condvar,
}

impl Window {
    fn new(items: NonZeroUsize) -> Self {
        Self { room: Mutex::new(Some(items.get())), changed: Condvar::new() }
    }

    /// Waits until another item may come in; `false` if none will ever again.
    fn enter(&self) -> bool {
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

    fn leave(&self) {
        if let Some(room) = &mut *self.room.lock().unwrap_or_else(PoisonError::into_inner) {
            *room += 1;
        }
        self.changed.notify_one();
    }

    fn close(&self) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_all();
    }
}

impl<T, E, I: Iterator<Item = Result<T, E>>> Source<I> {
    /// The next item and its place. Nothing comes after an error.
    fn take(&mut self) -> Option<(u64, Outcome<T, E>)> {
        if self.over {
            return None;
        }
        let outcome = match catch_unwind(AssertUnwindSafe(|| self.items.next())) {
            Ok(None) => {
                self.over = true;
                return None;
            }
            Ok(Some(item)) => Outcome::Done(item),
            Err(panic) => Outcome::Panicked(panic),
        };
        self.over = !matches!(outcome, Outcome::Done(Ok(_)));
        self.next += 1;
        Some((self.next - 1, outcome))
    }
}

fn worker<T, U, S, E, I: Iterator<Item = Result<T, E>>>(
    source: &Mutex<Source<I>>,
    window: &Window,
    state: impl Fn() -> S,
    work: impl Fn(&mut S, T) -> Result<U, E>,
    results: &Sender<Numbered<U, E>>,
) {
    let mut state = state();
    while window.enter() {
        // No panic passes through the lock.
        let Some((place, item)) = source.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let outcome = match item {
            Outcome::Done(Ok(item)) => Outcome::of(|| work(&mut state, item)),
            Outcome::Done(Err(error)) => Outcome::Done(Err(error)),
            Outcome::Panicked(panic) => Outcome::Panicked(panic),
        };
        // Every item before this one has been taken already and will be finished: the first error is among them.
        if !matches!(outcome, Outcome::Done(Ok(_))) {
            window.close();
        }
        if results.send(Numbered { place, outcome }).is_err() {
            return;
        }
    }
}

/// Hands outcomes on in their order until one fails. No more are kept than the window allows.
fn in_order<U, E>(
    results: Receiver<Numbered<U, E>>,
    window: &Window,
    mut each: impl FnMut(Outcome<U, E>) -> Result<(), E>,
) -> Result<(), E> {
    let mut next = 0;
    let mut early: VecDeque<Option<Outcome<U, E>>> = VecDeque::new();
    for Numbered { place, outcome } in results {
        let index = (place - next) as usize;
        if early.len() <= index {
            early.resize_with(index + 1, || None);
        }
        early[index] = Some(outcome);
        while let Some(Some(_)) = early.front() {
            if let Some(Some(outcome)) = early.pop_front() {
                next += 1;
                each(outcome)?;
                window.leave();
            }
        }
    }
    Ok(())
}

/// Lets waiting workers end, also when the sink panics.
struct CloseOnDrop<'a>(&'a Window);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn threads(threads: usize) -> NonZeroUsize {
        NonZeroUsize::new(threads).unwrap()
    }

    /// Short waits that differ from item to item, so that workers overtake each other.
    fn dawdle(item: u64) {
        thread::sleep(Duration::from_micros(item.wrapping_mul(0x9E37_79B9) % 300));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_number_of_threads_does_not_show(
            items in 0..80u64,
            bad_source in prop::collection::vec(0..100u64, 0..2),
            bad_work in prop::collection::vec(0..100u64, 0..3),
            bad_sink in prop::collection::vec(0..100u64, 0..2),
        ) {
            let run = |count| {
                let mut seen = Vec::new();
                let outcome = ordered_map(
                    threads(count),
                    (0..items).map(|item| if bad_source.contains(&item) { Err(("source", item)) } else { Ok(item) }),
                    |item| {
                        dawdle(item);
                        if bad_work.contains(&item) { Err(("work", item)) } else { Ok(item) }
                    },
                    |item| {
                        if bad_sink.contains(&item) {
                            return Err(("sink", item));
                        }
                        seen.push(item);
                        Ok(())
                    },
                );
                (outcome, seen)
            };
            let expected = run(1);
            prop_assert!(expected.1.iter().copied().eq(0..expected.1.len() as u64));
            prop_assert_eq!(run(2), expected.clone());
            prop_assert_eq!(run(5), expected);
        }
    }

    #[test]
    fn a_slow_item_or_sink_holds_the_source_back() {
        let (taken, through, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let source = (0..60u64).map(|item| {
            let ahead = taken.fetch_add(1, Ordering::SeqCst) + 1 - through.load(Ordering::SeqCst);
            most.fetch_max(ahead, Ordering::SeqCst);
            Ok::<u64, ()>(item)
        });
        let work = |item| {
            thread::sleep(Duration::from_millis(if item == 7 { 30 } else { 0 }));
            Ok(item)
        };
        ordered_map(threads(3), source, work, |item| {
            thread::sleep(Duration::from_millis(if item == 20 { 30 } else { 0 }));
            through.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .unwrap();
        // The sink counts an item before its permit goes back, and so may be one behind.
        assert!((4..=6).contains(&most.into_inner()));
    }

    #[test]
    fn errors_stop_the_source() {
        let taken = AtomicUsize::new(0);
        let source = (0..1_000_000u64).map(|item| {
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(item)
        });
        let outcome = ordered_map(threads(2), source, |item| if item == 3 { Err(item) } else { Ok(()) }, Ok);
        assert_eq!(outcome, Err(3));
        assert!(taken.into_inner() < 20);
    }

    #[test]
    fn panics_go_on_in_the_caller() {
        for at in ["source", "state", "work", "sink"] {
            let panic_at = |place, item: u64| assert!(place != at || item != 4, "planned");
            let run = || {
                ordered_map_with(
                    threads(2),
                    (0..50u64).map(|item| {
                        panic_at("source", item);
                        Ok::<u64, ()>(item)
                    }),
                    || panic_at("state", 4),
                    |(), item| {
                        panic_at("work", item);
                        Ok(item)
                    },
                    |item| {
                        panic_at("sink", item);
                        Ok(())
                    },
                )
            };
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{at}");
        }
    }

    #[test]
    fn every_worker_keeps_its_state() {
        let mut most = 0;
        let count = |seen: &mut u64, _| {
            *seen += 1;
            Ok::<u64, ()>(*seen)
        };
        ordered_map_with(
            threads(2),
            (0..100).map(Ok),
            || 0,
            count,
            |seen| {
                most = most.max(seen);
                Ok(())
            },
        )
        .unwrap();
        assert!((50..=100).contains(&most));
    }
}
