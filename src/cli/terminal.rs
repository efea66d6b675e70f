//! Progress for people: bars on a terminal, log lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use skimmer::progress::{Progress, Unit};

use super::interrupt;

/// Log lines come no more often than this.
const LOG_INTERVAL: Duration = Duration::from_secs(2);

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
        } else if stderr().is_terminal() {
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
        let seconds = self.begun.elapsed().as_secs_f64().max(1e-9);
        let rate = done as f64 / seconds;
        let mut line = match self.total.filter(|&total| total > 0) {
            Some(total) => {
                let percent = 100.0 * done as f64 / total as f64;
                format!("{}: {percent:.0} % of {}", self.name, amount(total, self.unit))
            }
            None => format!("{}: {}", self.name, amount(done, self.unit)),
        };
        line += &format!(", {}/s", amount(rate as u64, self.unit));
        if let Some(left) = self.total.and_then(|total| total.checked_sub(done)).filter(|&left| left > 0 && rate > 0.0)
        {
            line += &format!(", {:.0} s left", left as f64 / rate);
        }
        if !self.remark.is_empty() {
            line += &format!(", {}", self.remark);
        }
        line
    }
}

impl Progress for Terminal {
    fn begin(&self, name: &str, total: Option<u64>, unit: Unit) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                let new = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
                let counts = match unit {
                    Unit::Bytes => "{bytes}/{total_bytes}, {bytes_per_sec}",
                    Unit::Records => "{human_pos}/{human_len} records, {per_sec}",
                    Unit::Items => "{human_pos}/{human_len}, {per_sec}",
                };
                let template = match total {
                    Some(_) => format!("{{prefix}} {{wide_bar}} {counts}, {{eta}} left {{msg}}"),
                    None => "{prefix} {spinner} {human_pos}, {per_sec}, {elapsed} {msg}".into(),
                };
                if let Ok(style) = ProgressStyle::with_template(&template) {
                    new.set_style(style);
                }
                new.set_prefix(name.to_owned());
                if let Ok(mut bar) = bar.lock() {
                    *bar = new;
                }
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
                    bar.set_message(text.to_owned());
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
            Self::Bar(bar) => {
                if let Ok(bar) = bar.lock() {
                    bar.println(text);
                }
            }
            Self::Log { .. } => tracing::info!("{text}"),
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

/// An amount with its unit, as short as it can be read.
fn amount(amount: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => format!("{:.1} MB", amount as f64 / 1e6),
        Unit::Records => format!("{amount} records"),
        Unit::Items => amount.to_string(),
    }
}
