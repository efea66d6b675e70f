//! Numbered tasks for a handful of threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use skimlog_runtime::machine;

/// Hands tasks out in order; all stop at the first failure.
pub(super) struct Queue {
    tasks: usize,
    next: AtomicUsize,
    failed: AtomicBool,
    /// Whose turn it is.
    turn: Mutex<usize>,
    turned: Condvar,
}

impl Queue {
    /// Runs `worker` on `threads` threads until each returns; gives the first error.
    ///
    /// A worker asks for tasks with [`Queue::take`] until there is none.
    pub(super) fn run<E: Send>(
        tasks: usize,
        threads: usize,
        worker: impl Fn(&Self) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let queue = Self {
            tasks,
            next: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            turn: Mutex::new(0),
            turned: Condvar::new(),
        };
        let guarded = || {
            // Also on a panic, so that nobody waits for a turn that never comes.
            let fail = FailOnDrop(&queue);
            let result = worker(&queue);
            if result.is_ok() {
                std::mem::forget(fail);
            }
            result
        };
        std::thread::scope(|scope| {
            let others = 1..threads.clamp(1, tasks.max(1));
            let others: Vec<_> = others.map_while(|_| machine::spawn_scoped(scope, guarded).ok()).collect();
            // This thread works, too, and alone if there are no others to be had.
            let own = guarded();
            let results: Vec<_> = others.into_iter().map(|worker| worker.join()).collect();
            own?;
            results.into_iter().try_for_each(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// The next task; `None` when all are taken or one has failed.
    pub(super) fn take(&self) -> Option<usize> {
        let task = self.next.fetch_add(1, Ordering::Relaxed);
        (task < self.tasks && !self.failed.load(Ordering::Relaxed)).then_some(task)
    }

    /// Whether it is the turn of `place`: all before it had theirs.
    pub(super) fn is_turn(&self, place: usize) -> bool {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) == place
    }

    /// Waits until all before `place`, counted from 0, had their turn, then runs `action`. Does nothing once a task has
    /// failed.
    pub(super) fn in_turn<E>(&self, place: usize, action: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |turn: &mut usize| *turn != place && !self.failed.load(Ordering::Relaxed);
        let turn = self.turned.wait_while(turn, waiting).unwrap_or_else(PoisonError::into_inner);
        if *turn != place {
            return Ok(());
        }
        // Nobody else has this turn, so the lock need not be held.
        drop(turn);
        action()?;
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.turned.notify_all();
        Ok(())
    }
}

struct FailOnDrop<'a>(&'a Queue);

impl Drop for FailOnDrop<'_> {
    fn drop(&mut self) {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.failed.store(true, Ordering::Relaxed);
        self.0.turned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order() {
        let order = Mutex::new(Vec::new());
        let result: Result<(), ()> = Queue::run(500, 3, |queue| {
            while let Some(task) = queue.take() {
                queue.in_turn(task, || {
                    order.lock().expect("not poisoned").push(task);
                    Ok(())
                })?;
            }
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert!(order.into_inner().expect("not poisoned").into_iter().eq(0..500));
    }

    #[test]
    fn a_failure_stops_everybody() {
        let result: Result<(), usize> = Queue::run(500, 3, |queue| {
            while let Some(task) = queue.take() {
                if task == 100 {
                    return Err(task);
                }
                queue.in_turn(task, || Ok::<(), usize>(()))?;
            }
            Ok(())
        });
        assert_eq!(result, Err(100));
    }
}
