//! What a training has come to, beside the weights and the optimiser's moments.

use serde::{Deserialize, Serialize};
use skimlog_network::metrics::Report;

use super::coverage::Coverage;
use super::summary::{SessionSummary, TrainSummary};

/// Where a training stands. What comes next follows from it, the recipe and the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// 0 for the days, 1, 2, … for the fine-tuning epochs.
    pub(super) pass: u64,
    /// The day within the pass; the number of days once all are trained.
    pub(super) session: usize,
    /// The batch within the day.
    pub(super) batch: u64,
    /// Whether the batch normalisations' statistics have settled after the last day.
    pub(super) settled: bool,
}

/// Loss and learning rate over some batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// 0 for the days, 1, 2, … for the fine-tuning epochs.
    pub pass: u64,
    /// Records of the pass met so far.
    pub records: u64,
    /// Mean loss over the records since the last point.
    pub loss: f64,
    /// Learning rate of the last batch.
    pub learning_rate: f64,
}

/// A sum of losses and the number of records it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Losses {
    pub(super) sum: f64,
    pub(super) records: u64,
}

impl Losses {
    pub(super) fn add(&mut self, loss: f32, records: usize) {
        self.sum += f64::from(loss) * records as f64;
        self.records += records as u64;
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.records.max(1) as f64
    }
}

/// What a training has come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) position: Position,
    /// Records of the pass met so far.
    pub(super) met: u64,
    /// Of the day so far.
    pub(super) day: Losses,
    /// How long the day has taken so far.
    pub(super) seconds: f64,
    /// Seconds in the training step alone, of all days.
    pub(super) step_seconds: f64,
    /// Seconds of putting the records in order, and of settling.
    pub(super) other_seconds: f64,
    /// Since the last point of the curve.
    pub(super) recent: Losses,
    pub(super) curve: Vec<Point>,
    pub(super) days: Vec<SessionSummary>,
    pub(super) finetuning: Vec<SessionSummary>,
    pub(super) before_finetuning: Option<Report>,
    pub(super) after_finetuning: Option<Report>,
    pub(super) coverage: Coverage,
    pub(super) resumed_at: Option<String>,
}

/// Points of a curve in a pass, at most: enough for a picture, whatever the number of batches.
const POINTS: u64 = 400;

impl State {
    /// Counts a batch that was trained on, of a pass of so many records.
    pub(super) fn count(&mut self, loss: f32, records: usize, learning_rate: f64, of_pass: u64) {
        self.day.add(loss, records);
        self.recent.add(loss, records);
        self.met += records as u64;
        self.position.batch += 1;
        if self.recent.records * POINTS >= of_pass || self.met == of_pass {
            let loss = std::mem::take(&mut self.recent).mean();
            self.curve.push(Point { pass: self.position.pass, records: self.met, loss, learning_rate });
        }
    }

    /// Ends a day.
    pub(super) fn end_session(&mut self, name: &str, learning_rate: f64) {
        let losses = std::mem::take(&mut self.day);
        let seconds = std::mem::take(&mut self.seconds);
        let (name, records, loss) = (name.to_owned(), losses.records, losses.mean());
        let summary = SessionSummary { name, records, learning_rate, loss, seconds };
        if self.position.pass == 0 {
            self.days.push(summary)
        } else {
            self.finetuning.push(summary)
        }
        self.position.session += 1;
        self.position.batch = 0;
    }

    /// Begins a pass.
    pub(super) fn begin_pass(&mut self, pass: u64) {
        self.position = Position { pass, ..Position::default() };
        self.met = 0;
    }

    /// The position in words.
    pub(super) fn position(&self) -> String {
        let Position { pass, session, batch, .. } = self.position;
        match pass {
            0 => format!("day {}, batch {batch}", session + 1),
            epoch => format!("fine-tuning epoch {epoch}, batch {batch}"),
        }
    }

    pub(super) fn into_summary(self) -> (TrainSummary, Vec<Point>) {
        let sessions = self.days.iter().chain(&self.finetuning);
        let (records, seconds) = sessions
            .fold((0, 0.0), |(records, seconds), session| (records + session.records, seconds + session.seconds));
        let rate = |seconds: f64| records as f64 / seconds.max(f64::MIN_POSITIVE);
        let summary = TrainSummary {
            warm_start: None,
            days: self.days,
            before_finetuning: self.before_finetuning,
            finetuning: self.finetuning,
            after_finetuning: self.after_finetuning,
            records_per_second: rate(seconds),
            step_records_per_second: rate(self.step_seconds),
            whole_records_per_second: rate(seconds + self.other_seconds),
            coverage: self.coverage,
            resumed_at: self.resumed_at,
        };
        (summary, self.curve)
    }
}
