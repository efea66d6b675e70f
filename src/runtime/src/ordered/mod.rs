//! One engine for work on many threads whose results come out in order, in bounded memory.
//!
//! ```text
//! source → window: items in flight → workers, a thread each → reorder by position → sink, on the caller's thread
//! ```
//!
//! Items get their position where they are taken from the source, one worker at a time. The sink restores the order
//! from the positions, so that neither a result nor the error that is returned depends on the number of threads. The
//! window is the back-pressure: a slow item or a slow sink holds the source back.
//!
//! * [`ordered_map`] — a function of the item;
//! * [`ordered_map_with`] — a function with a state for each thread, for example buffers;
//! * [`Ordered`] with a [`Worker`] — workers that begin, end or fail by themselves, and a window of any size.

mod reorder;
#[cfg(test)]
mod tests;
mod window;

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Sender, unbounded};

use crate::machine;
use reorder::{Outcome, Positioned, in_order};
use window::{CloseOnDrop, Window};

/// Applies `work` to every item of `source` on `threads` threads and hands the results to `sink` in the items' order.
///
/// As [`Ordered::run`] with the window of [`Ordered::new`].
///
/// # Errors
/// As [`Ordered::run`].
///
/// ```
/// # use std::{convert::Infallible, num::NonZeroUsize};
/// let mut squares = Vec::new();
/// skimlog_runtime::ordered::ordered_map(
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

/// [`ordered_map`] with a `state` for each thread that `work` may use again and again, for example buffers. Results
/// must not depend on what an earlier item left in it.
///
/// # Errors
/// As [`Ordered::run`].
pub fn ordered_map_with<T, U: Send, S, E: Send>(
    threads: NonZeroUsize,
    source: impl IntoIterator<Item = Result<T, E>, IntoIter: Send>,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) -> Result<U, E> + Sync,
    sink: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    Ordered::new(threads).map_with(source, state, work, sink)
}

/// What one thread of an [`Ordered`] run does.
pub trait Worker<T> {
    /// What becomes of an item.
    type Output: Send;
    /// Why an item, or the worker itself, failed.
    type Error: Send;

    /// Makes an item's result, which must not depend on the items this worker had before.
    ///
    /// # Errors
    /// Whatever prevents it: the run ends with the first such error in the items' order.
    fn work(&mut self, item: T) -> Result<Self::Output, Self::Error>;

    /// Ends this worker when there is no further item, on its own thread and perhaps before the sink has all results.
    ///
    /// # Errors
    /// Whatever prevents it; the run ends with it unless an item has failed.
    fn finish(self) -> Result<(), Self::Error>
    where
        Self: Sized,
    {
        Ok(())
    }
}

/// The worker of [`ordered_map_with`].
struct Stateful<'a, S, F> {
    state: S,
    work: &'a F,
}

impl<T, U: Send, S, E: Send, F: Fn(&mut S, T) -> Result<U, E>> Worker<T> for Stateful<'_, S, F> {
    type Output = U;
    type Error = E;

    fn work(&mut self, item: T) -> Result<U, E> {
        (self.work)(&mut self.state, item)
    }
}

/// How many threads work, and how many items may be anywhere between source and sink.
#[derive(Clone, Copy, Debug)]
pub struct Ordered {
    threads: NonZeroUsize,
    in_flight: usize,
}

impl Ordered {
    /// `threads` workers and two items more than these in flight.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { threads, in_flight: threads.get().saturating_add(2) }
    }

    /// Lets so many items, at least one, be in flight. More of them keep the workers busy behind one slow item, at the
    /// price of memory for the results that wait for it; results that take none may be any number.
    pub fn in_flight(self, items: usize) -> Self {
        Self { in_flight: items.max(1), ..self }
    }

    /// [`ordered_map_with`] on this engine.
    ///
    /// # Errors
    /// As [`Ordered::run`].
    pub fn map_with<T, U: Send, S, E: Send>(
        self,
        source: impl IntoIterator<Item = Result<T, E>, IntoIter: Send>,
        state: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, T) -> Result<U, E> + Sync,
        sink: impl FnMut(U) -> Result<(), E>,
    ) -> Result<(), E> {
        self.run(source, || Ok(Stateful { state: state(), work: &work }), sink)
    }

    /// Makes a worker on each thread, has them work on all items of `source` and hands the results to `sink` in the
    /// items' order.
    ///
    /// Workers take the items from `source` themselves, one worker at a time; `sink` runs on the calling thread. With
    /// one thread, with one item, or where the system gives no thread, the calling thread does everything; where it
    /// gives fewer than asked for, these do all.
    ///
    /// # Errors
    /// The first error in the items' order, whether from `source`, a worker or `sink`, is returned, and `sink` has seen
    /// exactly the results before it: what happens does not depend on the number of threads. Work under way is finished
    /// and dropped. If a worker fails before its first item or after its last, no further item is taken, and its error
    /// is returned unless an item has failed. A panic goes on in the calling thread.
    pub fn run<T, W: Worker<T>>(
        self,
        source: impl IntoIterator<Item = Result<T, W::Error>, IntoIter: Send>,
        workers: impl Fn() -> Result<W, W::Error> + Sync,
        sink: impl FnMut(W::Output) -> Result<(), W::Error>,
    ) -> Result<(), W::Error> {
        let source = source.into_iter();
        let items = source.size_hint().1.unwrap_or(usize::MAX);
        let threads = self.threads.get().min(items);
        if threads <= 1 {
            return one_by_one(source, workers()?, sink);
        }
        let source = Source { items: source, next: 0, over: false };
        let run = Run { source: Mutex::new(source), window: Window::new(self.in_flight), failed: Mutex::new(None) };
        run.on_threads(threads, workers, sink)
    }
}

/// All items by one worker on the calling thread.
fn one_by_one<T, W: Worker<T>>(
    source: impl Iterator<Item = Result<T, W::Error>>,
    mut worker: W,
    mut sink: impl FnMut(W::Output) -> Result<(), W::Error>,
) -> Result<(), W::Error> {
    for item in source {
        sink(worker.work(item?)?)?;
    }
    worker.finish()
}

/// What the threads of a run share.
struct Run<I, E> {
    source: Mutex<Source<I>>,
    window: Window,
    /// Why a worker could not begin or end.
    failed: Mutex<Option<E>>,
}

struct Source<I> {
    items: I,
    /// Position of the next item in the order.
    next: u64,
    over: bool,
}

impl<T, E: Send, I: Iterator<Item = Result<T, E>> + Send> Run<I, E> {
    fn on_threads<W: Worker<T, Error = E>>(
        self,
        threads: usize,
        workers: impl Fn() -> Result<W, E> + Sync,
        mut sink: impl FnMut(W::Output) -> Result<(), E>,
    ) -> Result<(), E> {
        let (sender, results) = unbounded();
        let outcome = thread::scope(|scope| {
            // Also on a panic of the sink, so that no worker waits for ever.
            let close = CloseOnDrop(&self.window);
            let start = |_| {
                let (run, workers, sender) = (&self, &workers, sender.clone());
                machine::spawn_scoped(scope, move || run.work(workers, &sender)).ok()
            };
            let started = (0..threads).map_while(start).count();
            drop(sender);
            let outcome = (started > 0).then(|| in_order(results, &self.window, &mut sink));
            drop(close);
            outcome
        });
        match outcome {
            Some(outcome) => outcome.and(match self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Some(error) => Err(error),
                None => Ok(()),
            }),
            None => {
                let source = self.source.into_inner().unwrap_or_else(PoisonError::into_inner);
                one_by_one(source.items, workers()?, sink)
            }
        }
    }

    /// What each thread does.
    fn work<W: Worker<T, Error = E>>(
        &self,
        workers: impl Fn() -> Result<W, E>,
        results: &Sender<Positioned<W::Output, E>>,
    ) {
        let outcome = workers().and_then(|mut worker| match self.work_on_items(&mut worker, results) {
            true => worker.finish(),
            false => Ok(()),
        });
        if let Err(error) = outcome {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.window.close();
        }
    }

    /// Works on items until there is none, then true, or until the run ends early.
    fn work_on_items<W: Worker<T, Error = E>>(
        &self,
        worker: &mut W,
        results: &Sender<Positioned<W::Output, E>>,
    ) -> bool {
        while self.window.enter() {
            // No panic passes through the lock.
            let taken = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some((position, item)) = taken else {
                self.window.leave();
                return true;
            };
            let outcome = match item {
                Outcome::Done(Ok(item)) => Outcome::of(|| worker.work(item)),
                Outcome::Done(Err(error)) => Outcome::Done(Err(error)),
                Outcome::Panicked(panic) => Outcome::Panicked(panic),
            };
            // Every item before this one has been taken already and will be finished: the first error is among them.
            if !matches!(outcome, Outcome::Done(Ok(_))) {
                self.window.close();
            }
            if results.send(Positioned { position, outcome }).is_err() {
                return false;
            }
        }
        false
    }
}

impl<T, E, I: Iterator<Item = Result<T, E>>> Source<I> {
    /// The next item and its position. Nothing comes after an error.
    fn take(&mut self) -> Option<(u64, Outcome<T, E>)> {
        if self.over {
            return None;
        }
        let outcome = Outcome::of_next(&mut self.items);
        self.over = !matches!(outcome, Some(Outcome::Done(Ok(_))));
        let outcome = outcome?;
        self.next += 1;
        Some((self.next - 1, outcome))
    }
}
