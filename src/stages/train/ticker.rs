//! Progress, not more often than people can read.

use std::time::{Duration, Instant};

use skimlog_runtime::progress::Progress;

/// Collects progress and passes it on a few times a second.
pub(super) struct Ticker {
    since: Instant,
    waiting: u64,
}

impl Default for Ticker {
    fn default() -> Self {
        Self { since: Instant::now(), waiting: 0 }
    }
}

impl Ticker {
    const PAUSE: Duration = Duration::from_millis(300);

    /// Counts on; says whether progress was reported now.
    pub(super) fn advance(&mut self, amount: u64, progress: &dyn Progress) -> bool {
        self.waiting += amount;
        let due = self.since.elapsed() >= Self::PAUSE;
        if due {
            self.flush(progress);
        }
        due
    }

    /// Tells what is left.
    pub(super) fn flush(&mut self, progress: &dyn Progress) {
        progress.advance(std::mem::take(&mut self.waiting));
        self.since = Instant::now();
    }
}
