//! A counting semaphore: how much may be in use at a time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Lets threads take permits, for example to hold a part in memory, or one for each byte of a partition. Clones share
/// them. Who waits is served in no particular order.
///
/// ```
/// use skimlog_runtime::semaphore::Semaphore;
///
/// let bytes = Semaphore::new(100);
/// let permit = bytes.acquire_many(60);
/// drop(permit); // gives them back
/// // More than there are: alone, with nothing else in use.
/// let alone = bytes.acquire_many(1_000);
/// ```
#[derive(Clone, Debug)]
pub struct Semaphore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    permits: u64,
    in_use: Mutex<u64>,
    released: Condvar,
}

/// Permits in use. They go back when dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    count: u64,
}

impl Semaphore {
    /// So many permits, all free.
    pub fn new(permits: u64) -> Self {
        Self { shared: Arc::new(Shared { permits, in_use: Mutex::new(0), released: Condvar::new() }) }
    }

    /// Takes a permit; waits for one if none is free.
    pub fn acquire(&self) -> Permit {
        self.acquire_many(1)
    }

    /// Takes `count` permits together; waits until so many are free or none is in use. Whoever asks for more than there
    /// are gets them when alone.
    pub fn acquire_many(&self, count: u64) -> Permit {
        let Shared { permits, in_use, released } = &*self.shared;
        // A number cannot be left half-changed, so a panic elsewhere spoils nothing.
        let taken = in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let must_wait = |taken: &mut u64| *taken > 0 && taken.saturating_add(count) > *permits;
        *released.wait_while(taken, must_wait).unwrap_or_else(PoisonError::into_inner) += count;
        Permit { shared: Arc::clone(&self.shared), count }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.shared.in_use.lock().unwrap_or_else(PoisonError::into_inner) -= self.count;
        // Each of those who wait may wait for another number.
        self.shared.released.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Six threads take permits again and again; `check` sees how many are in use and how many of them this thread
    /// took.
    fn contend(permits: u64, count: impl Fn(u64, u64) -> u64 + Sync, check: impl Fn(u64, u64) + Sync) {
        let (semaphore, in_use) = (Semaphore::new(permits), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (semaphore, in_use, count, check) = (semaphore.clone(), &in_use, &count, &check);
                scope.spawn(move || {
                    for turn in 0..200 {
                        let count = count(thread, turn);
                        let permit = semaphore.acquire_many(count);
                        check(in_use.fetch_add(count, Ordering::SeqCst) + count, count);
                        std::thread::yield_now();
                        in_use.fetch_sub(count, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
    }

    #[test]
    fn no_more_than_so_many_at_once() {
        contend(2, |_, _| 1, |in_use, _| assert!((1..=2).contains(&in_use)));
    }

    #[test]
    fn never_more_than_there_are_unless_alone() {
        let count = |thread, turn| 1 + (thread * 7 + turn) % 15;
        contend(10, count, |in_use, own| assert!(in_use <= 10 || in_use == own));
    }
}
