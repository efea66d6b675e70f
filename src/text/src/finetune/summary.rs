//! The result of a training.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The result of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// Steps taken, including those before an interruption.
    pub steps: u64,
    /// Steps that earlier runs had taken.
    pub resumed_from: u64,
    /// Records that were trained on, an epoch.
    pub records: u64,
    /// Held-out records that were measured on.
    pub held_out_records: usize,
    /// Held-out loss at the end.
    pub held_out: Option<f32>,
    /// Perplexity of the held-out loss: e to the power of it.
    pub perplexity: Option<f32>,
    /// Whether the initial model had no head, which was trained from scratch.
    pub new_head: bool,
    /// Tokens, without padding, trained per second by this run.
    pub tokens_per_second: f64,
    /// The losses during the training.
    pub history: Vec<LossEntry>,
}

/// A line of a training's history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossEntry {
    /// Steps taken.
    pub step: u64,
    /// Mean loss of the steps since the entry before; `None` before the first step.
    pub loss: Option<f32>,
    /// Mean loss of the held-out records' masked tokens, where it was measured.
    pub held_out: Option<f32>,
}

impl LossEntry {
    /// The entry as a line of text.
    pub fn line(&self) -> String {
        let mut line = format!("step {}", self.step);
        if let Some(loss) = self.loss {
            line += &format!(": loss {loss:.6}");
        }
        if let Some(held_out) = self.held_out {
            line += &format!(", held-out loss {held_out:.6}, perplexity {:.2}", held_out.exp());
        }
        line
    }
}
