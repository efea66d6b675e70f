//! Limits how many bytes of partitions are in memory.

use std::sync::{Condvar, Mutex, PoisonError};

/// Lets partitions into memory while they fit together, and one that fits nowhere when it is alone.
#[derive(Debug)]
pub struct Gate {
    limit: u64,
    admitted: Mutex<u64>,
    left: Condvar,
}

/// Room for a partition in memory, given back when dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    gate: &'a Gate,
    bytes: u64,
}

impl Gate {
    /// A gate for `limit` bytes at a time.
    pub fn new(limit: u64) -> Self {
        Self { limit, admitted: Mutex::new(0), left: Condvar::new() }
    }

    /// Waits until `bytes` fit beside what is inside, or nothing is inside.
    pub fn admit(&self, bytes: u64) -> Permit<'_> {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut admitted = self
            .left
            .wait_while(admitted, |admitted| *admitted > 0 && *admitted + bytes > self.limit)
            .unwrap_or_else(PoisonError::into_inner);
        *admitted += bytes;
        Permit { gate: self, bytes }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.gate.admitted.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.gate.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn never_more_than_the_limit_unless_alone() {
        let (gate, inside) = (Gate::new(10), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (gate, inside) = (&gate, &inside);
                scope.spawn(move || {
                    for turn in 0..200 {
                        let bytes = 1 + (thread * 7 + turn) % 15;
                        let permit = gate.admit(bytes);
                        let now = inside.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= 10 || now == bytes);
                        inside.fetch_sub(bytes, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
    }
}
