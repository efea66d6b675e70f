//! How good the planted probabilities are: what `truth.json` holds.

use serde::{Deserialize, Serialize};
use skimlog_formats::{PerReaction, Reaction};

use crate::engagement::{Outcome, happened, probability};

/// The best that predictions can reach on average, by set: rates and measures of the true probabilities.
///
/// A set without records is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The seed that made the sets.
    pub seed: u64,
    /// The training set.
    pub train: Option<SetTruth>,
    /// The whole validation set, however it is split later.
    pub validation: Option<SetTruth>,
    /// The test set.
    pub test: Option<SetTruth>,
}

/// The true model on one set of records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetTruth {
    /// Number of records.
    pub records: u64,
    /// Likes.
    pub like: ReactionTruth,
    /// Replies.
    pub reply: ReactionTruth,
    /// Retweets without a comment.
    pub retweet: ReactionTruth,
    /// Retweets with a comment.
    pub quote: ReactionTruth,
}

impl SetTruth {
    /// One reaction's figures.
    pub fn of(&self, reaction: Reaction) -> &ReactionTruth {
        match reaction {
            Reaction::Like => &self.like,
            Reaction::Reply => &self.reply,
            Reaction::Retweet => &self.retweet,
            Reaction::Quote => &self.quote,
        }
    }
}

/// The true model of one reaction on one set of records.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionTruth {
    /// Share of records with the reaction.
    pub rate: f64,
    /// Mean of the true probabilities.
    pub mean_probability: f64,
    /// Average precision of the true probabilities (probabilities whose log-odds agree to 1/2048 count as equal);
    /// `null` without any reaction.
    pub ap: Option<f64>,
    /// Relative cross entropy of the true probabilities, in percent; `null` where all records or none have the
    /// reaction.
    pub rce: Option<f64>,
}

/// Log-odds from −16 to 16 in bins of 1/2048.
const BINS: usize = 1 << 16;
const BINS_A_UNIT: f64 = 2048.0;

/// Sums over one set's records, of a size that does not depend on their number.
pub(crate) struct Tally {
    records: u64,
    reactions: PerReaction<ReactionTally>,
}

#[derive(Default)]
struct ReactionTally {
    /// Records with and records in all, by bin of the log-odds.
    bins: Vec<(u64, u64)>,
    positives: u64,
    probability: f64,
    /// In nats.
    cross_entropy: f64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let tally = |_| ReactionTally { bins: vec![(0, 0); BINS], ..ReactionTally::default() };
        Self { records: 0, reactions: PerReaction::from_fn(tally) }
    }

    /// Adds a record. Sums depend on the order of the records only through rounding.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.records += 1;
        for reaction in Reaction::ALL {
            let (logit, positive) = (outcome.logits[reaction], u64::from(happened(&outcome.times, reaction)));
            let tally = &mut self.reactions[reaction];
            let bin =
                &mut tally.bins[((logit * BINS_A_UNIT) as i64 + BINS as i64 / 2).clamp(0, BINS as i64 - 1) as usize];
            *bin = (bin.0 + positive, bin.1 + 1);
            tally.positives += positive;
            let probability = probability(logit);
            tally.probability += probability;
            tally.cross_entropy -= if positive == 1 { probability.ln() } else { (1.0 - probability).ln() };
        }
    }

    /// The figures, `None` without records.
    pub(crate) fn truth(&self) -> Option<SetTruth> {
        let of = |reaction| self.reactions[reaction].truth(self.records);
        (self.records > 0).then(|| SetTruth {
            records: self.records,
            like: of(Reaction::Like),
            reply: of(Reaction::Reply),
            retweet: of(Reaction::Retweet),
            quote: of(Reaction::Quote),
        })
    }
}

impl ReactionTally {
    fn truth(&self, records: u64) -> ReactionTruth {
        let (records, positives) = (records as f64, self.positives as f64);
        let rate = positives / records;
        let constant = -records * (rate * rate.ln() + (1.0 - rate) * (1.0 - rate).ln());
        let varied = 0.0 < rate && rate < 1.0;
        ReactionTruth {
            rate,
            mean_probability: self.probability / records,
            ap: (self.positives > 0).then(|| self.average_precision()),
            rce: varied.then(|| 100.0 * (1.0 - self.cross_entropy / constant)),
        }
    }

    /// Σ (R_n − R_{n−1}) P_n over the bins from the most probable down.
    fn average_precision(&self) -> f64 {
        let (mut found, mut seen, mut sum) = (0, 0, 0.0);
        for &(positives, records) in self.bins.iter().rev().filter(|bin| bin.1 > 0) {
            found += positives;
            seen += records;
            sum += positives as f64 * found as f64 / seen as f64;
        }
        sum / self.positives as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed, normal, uniform};

    #[test]
    fn figures_are_those_of_the_definitions() {
        let mut random = Seed(9).random(Purpose::Block, 0, 0);
        let mut tally = Tally::new();
        let mut records: Vec<(f64, bool)> = Vec::new();
        for _ in 0..5_000 {
            let logit = 1.3 * normal(&mut random) - 2.0;
            let positive = uniform(&mut random) < probability(logit);
            records.push((logit, positive));
            let times = PerReaction::from_fn(|_| u32::from(positive));
            tally.add(&Outcome { logits: PerReaction::from_fn(|_| logit), times });
        }
        records.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut found, mut ap, mut entropy) = (0.0, 0.0, 0.0);
        for (index, &(logit, positive)) in records.iter().enumerate() {
            let p = probability(logit);
            entropy -= if positive { p.ln() } else { (1.0 - p).ln() };
            if positive {
                found += 1.0;
                ap += found / (index + 1) as f64;
            }
        }
        let rate = found / 5_000.0;
        let rce = 100.0 * (1.0 + entropy / 5_000.0 / (rate * rate.ln() + (1.0 - rate) * (1.0 - rate).ln()));
        let truth = tally.truth().unwrap();
        for reaction in Reaction::ALL {
            let of = truth.of(reaction);
            assert!((of.ap.unwrap() - ap / found).abs() < 2e-4, "{of:?} {}", ap / found);
            assert!((of.rce.unwrap() - rce).abs() < 1e-9 && (of.rate - rate).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_is_said_about_what_never_happens() {
        let mut tally = Tally::new();
        assert_eq!(tally.truth(), None);
        tally.add(&Outcome { logits: PerReaction::from_fn(|_| -3.0), times: PerReaction::default() });
        let like = tally.truth().unwrap().like;
        assert_eq!((like.rate, like.ap, like.rce), (0.0, None, None));
    }
}
