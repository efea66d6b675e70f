//! Progress: bars on a terminal, log lines elsewhere.

use std::fmt;
use std::io::stderr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use skimlog::amounts;
use skimlog_runtime::progress::{Progress, Unit};

use super::interrupt;
use super::output::can_redraw;

/// Log lines come no more often than this.
const LOG_INTERVAL: Duration = Duration::from_secs(2);

/// The bars on the terminal. Everybody who writes to it has to know of them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Does something to standard error while no bar is drawn there.
pub(super) fn without_bars<T>(write: impl FnOnce() -> T) -> T {
    BARS.suspend(write)
}

/// Removes the bar of a task that did not come to its end.
pub(super) fn clear_bars() {
    // What cannot be cleared is no terminal any more.
    let _ = BARS.clear();
}

/// How a long-running stage is shown on standard error.
pub(super) enum Terminal {
    Quiet,
    Bar(Mutex<ProgressBar>),
    Log { task: Mutex<Option<Task>>, done: AtomicU64 },
}

pub(super) struct Task {
    name: String,
    total: Option<u64>,
    unit: Unit,
    begun: Instant,
    logged: Instant,
    remark: String,
}

impl Terminal {
    pub(super) fn new(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if can_redraw(&stderr()) {
            Self::Bar(Mutex::new(ProgressBar::hidden()))
        } else {
            Self::Log { task: Mutex::new(None), done: AtomicU64::new(0) }
        }
    }

    fn log_if_due(task: &Mutex<Option<Task>>, done: &AtomicU64) {
        // Whoever finds the lock taken has nothing to add: another thread is logging.
        let Ok(mut task) = task.try_lock() else { return };
        let Some(task) = task.as_mut() else { return };
        if task.logged.elapsed() >= LOG_INTERVAL {
            task.logged = Instant::now();
            tracing::info!("{}", task.line(done.load(Ordering::Relaxed)));
        }
    }
}

impl Task {
    fn line(&self, done: u64) -> String {
        let state = State { done, total: self.total, unit: self.unit, elapsed: self.begun.elapsed() };
        let comma = if self.remark.is_empty() { "" } else { ", " };
        format!("{}: {state}{comma}{}", self.name, self.remark)
    }
}

/// How far a task is, as text: `37 % of 12,000,000 records, 257 k records/s, 41.2 s left`.
struct State {
    done: u64,
    total: Option<u64>,
    unit: Unit,
    elapsed: Duration,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, total, unit, elapsed } = *self;
        match total.filter(|&total| total > 0) {
            // Rounded down: nothing is complete before its end.
            Some(total) => write!(f, "{} % of {}", 100 * u128::from(done) / u128::from(total), amount(total, unit))?,
            None => f.write_str(&amount(done, unit))?,
        }
        let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
        if done == 0 {
            return Ok(());
        }
        match unit {
            Unit::Bytes => write!(f, ", {}/s", amounts::bytes(rate))?,
            Unit::Records => write!(f, ", {} records/s", amounts::short(rate))?,
            Unit::Items => write!(f, ", {}/s", amounts::short(rate))?,
        }
        match total.and_then(|total| total.checked_sub(done)) {
            None | Some(0) => Ok(()),
            Some(left) => write!(f, ", {} left", time_left(left as f64 / rate)),
        }
    }
}

/// An amount with its unit.
fn amount(amount: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => amounts::bytes(amount as f64),
        Unit::Records => format!("{} records", amounts::count(amount)),
        Unit::Items => amounts::count(amount),
    }
}

/// A duration that is known no better than to a second.
fn time_left(seconds: f64) -> String {
    if seconds < 99.5 { format!("{seconds:.0} s") } else { amounts::duration(seconds) }
}

/// A bar for a task, with the same text as its log lines.
fn bar(name: &str, total: Option<u64>, unit: Unit) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = match total {
        Some(_) => "{prefix} [{wide_bar}] {state}{msg}",
        None => "{prefix} {spinner} {state}{msg}",
    };
    let state = move |state: &ProgressState, out: &mut dyn fmt::Write| {
        let state = State { done: state.pos(), total, unit, elapsed: state.elapsed() };
        // A string takes everything.
        let _ = write!(out, "{state}");
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("state", state).progress_chars("=> "));
    }
    bar.set_prefix(short_name(name));
    bar
}

/// A task's name as a bar has room for it: of a long one, which has a path in it, the first word and the end.
fn short_name(name: &str) -> String {
    const LONGEST: usize = 32;
    let too_long = name.chars().count().saturating_sub(LONGEST);
    if too_long == 0 {
        return name.to_owned();
    }
    let (first, rest) = name.split_once(' ').unwrap_or(("", name));
    let end: String = rest.chars().skip(too_long + 1).collect();
    format!("{first} …{end}").trim_start().to_owned()
}

impl Progress for Terminal {
    fn begin(&self, name: &str, total: Option<u64>, unit: Unit) {
        match self {
            Self::Quiet => {}
            Self::Bar(shown) => {
                let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                shown.finish_and_clear();
                *shown = BARS.add(bar(name, total, unit));
            }
            Self::Log { task, done } => {
                done.store(0, Ordering::Relaxed);
                let now = Instant::now();
                if let Ok(mut task) = task.lock() {
                    *task =
                        Some(Task { name: name.into(), total, unit, begun: now, logged: now, remark: String::new() });
                }
            }
        }
    }

    fn advance(&self, amount: u64) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                if let Ok(bar) = bar.lock() {
                    bar.inc(amount);
                }
            }
            Self::Log { task, done } => {
                done.fetch_add(amount, Ordering::Relaxed);
                Self::log_if_due(task, done);
            }
        }
    }

    fn remark(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                if let Ok(bar) = bar.lock() {
                    bar.set_message(format!(", {text}"));
                }
            }
            Self::Log { task, done } => {
                if let Ok(mut task) = task.lock()
                    && let Some(task) = task.as_mut()
                {
                    text.clone_into(&mut task.remark);
                }
                Self::log_if_due(task, done);
            }
        }
    }

    fn note(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(_) | Self::Log { .. } => tracing::info!("{text}"),
        }
    }

    fn warn(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                if let Ok(bar) = bar.lock() {
                    bar.suspend(|| tracing::warn!("{text}"));
                }
            }
            Self::Log { .. } => tracing::warn!("{text}"),
        }
    }

    fn end(&self) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                if let Ok(bar) = bar.lock() {
                    bar.finish_and_clear();
                }
            }
            Self::Log { task, .. } => {
                if let Ok(mut task) = task.lock() {
                    *task = None;
                }
            }
        }
    }

    fn stop_requested(&self) -> bool {
        interrupt::requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(done: u64, total: Option<u64>, unit: Unit, seconds: f64) -> String {
        State { done, total, unit, elapsed: Duration::from_secs_f64(seconds) }.to_string()
    }

    #[test]
    fn rates_and_times_are_readable() {
        let records = |done, total, seconds| state(done, total, Unit::Records, seconds);
        assert_eq!(
            records(4_446_000, Some(12_000_000), 17.3),
            "37 % of 12,000,000 records, 257 k records/s, 29 s left"
        );
        assert_eq!(
            records(13_000_000, Some(13_000_000_000), 10.0),
            "0 % of 13,000,000,000 records, 1.3 M records/s, 2 h 47 min left"
        );
        assert_eq!(records(999, Some(1000), 1.0), "99 % of 1,000 records, 999 records/s, 0 s left");
        assert_eq!(state(85_000_000, None, Unit::Bytes, 1.0), "85 MB, 85 MB/s");
        assert_eq!(state(3, Some(7), Unit::Items, 12.0), "42 % of 7, 0.25/s, 16 s left");
    }

    #[test]
    fn what_has_not_begun_has_no_rate() {
        assert_eq!(state(0, Some(1000), Unit::Records, 5.0), "0 % of 1,000 records");
        assert_eq!(state(0, Some(0), Unit::Items, 5.0), "0");
        assert_eq!(state(0, None, Unit::Bytes, 0.0), "0 B");
    }

    #[test]
    fn a_long_path_leaves_room_for_the_bar() {
        assert_eq!(short_name("similar authors"), "similar authors");
        assert_eq!(short_name("convert /data/recsys2021/train/part-00000"), "convert …ys2021/train/part-00000");
        assert_eq!(short_name(&"é".repeat(40)), format!("…{}", "é".repeat(31)));
    }

    #[test]
    fn more_than_expected_has_no_time_left() {
        assert_eq!(state(8, Some(4), Unit::Items, 2.0), "200 % of 4, 4.0/s");
    }
}
