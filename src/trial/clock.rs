//! The time that planning may take.

use std::cell::Cell;
use std::time::{Duration, Instant};

use skimlog_runtime::progress::{Progress, Unit};

/// The time that planning may take.
pub struct Clock<'a> {
    begun: Instant,
    limit: Duration,
    progress: &'a dyn Progress,
    /// Seconds reported to the progress.
    reported: Cell<u64>,
}

impl<'a> Clock<'a> {
    /// Starts. Progress is reported in seconds.
    pub fn start(seconds: f64, progress: &'a dyn Progress) -> Self {
        progress.begin("plan", Some(seconds.ceil() as u64), Unit::Items);
        Self { begun: Instant::now(), limit: Duration::from_secs_f64(seconds), progress, reported: Cell::new(0) }
    }

    /// Seconds since the start.
    pub fn now(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Tells the progress what is done now.
    pub(super) fn tell(&self, what: &str) {
        let now = self.now() as u64;
        self.progress.advance(now - self.reported.replace(now));
        self.progress.remark(what);
    }

    /// Warns of something.
    pub(super) fn warn(&self, what: &str) {
        self.progress.warn(what);
    }

    /// This share of the time, in seconds.
    pub fn share(&self, share: f64) -> f64 {
        self.limit.as_secs_f64() * share
    }
}
