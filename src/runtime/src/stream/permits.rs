//! A fair semaphore: a limited number of permits, given in the order of the requests.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A limited number of permits, for example to hold a part in memory. Clones share them.
#[derive(Clone, Debug)]
pub struct Permits {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    free: Mutex<usize>,
    returned: Condvar,
}

/// One permit. It goes back when dropped.
#[derive(Debug)]
pub struct Permit {
    pool: Arc<Pool>,
}

impl Permits {
    /// So many permits, all free.
    pub fn new(permits: NonZeroUsize) -> Self {
        let pool = Pool { free: Mutex::new(permits.get()), returned: Condvar::new() };
        Self { pool: Arc::new(pool) }
    }

    /// Takes a permit; waits for one if none is free.
    pub fn acquire(&self) -> Permit {
        // A count cannot be left half-changed, so a panic elsewhere spoils nothing.
        let free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.pool.returned.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit { pool: Arc::clone(&self.pool) }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.pool.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_so_many_at_once() {
        let permits = Permits::new(NonZeroUsize::new(2).unwrap());
        let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let permit = permits.acquire();
                        most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
    }
}
