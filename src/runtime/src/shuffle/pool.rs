//! Memory that several shuffles share.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes held by the shuffles that share this pool, and how many they should hold at most.
#[derive(Debug)]
pub struct Pool {
    limit: u64,
    held: AtomicU64,
}

impl Pool {
    /// A pool for about `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, held: AtomicU64::new(0) }
    }

    /// The limit in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes held now.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn is_full(&self) -> bool {
        self.held() > self.limit
    }

    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}
