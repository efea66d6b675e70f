//! In what order and in what batches the training records come.

use std::collections::BTreeMap;

use serde::Serialize;
use skimlog_features::input::Day;
use skimlog_formats::PerReaction;

use crate::pipeline::examples::ReactionTally;

/// Records that are trained together, in one random order: those of a day.
///
/// Batch normalisation needs two records: a day of a single one joins the day before it (the first day, the next).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// The days, ascending; one, if it has more than one record.
    pub(super) days: Vec<Day>,
    /// What they hold.
    pub(super) tally: ReactionTally,
}

/// The sessions of these days, in calendar order.
pub(super) fn sessions(days: &BTreeMap<Day, ReactionTally>) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    for (&day, tally) in days {
        match sessions.last_mut() {
            Some(last) if last.tally.records < 2 || tally.records < 2 => {
                last.days.push(day);
                last.tally = last.tally.and(tally);
            }
            _ => sessions.push(Session { days: vec![day], tally: *tally }),
        }
    }
    sessions
}

/// Sizes of the batches that `records` records come in; a last batch of one record joins the one before it.
pub(super) fn batch_sizes(records: u64, batch: usize) -> impl Iterator<Item = usize> {
    let (mut whole, mut rest) = (records / batch as u64, (records % batch as u64) as usize);
    if rest == 1 && whole > 0 {
        (whole, rest) = (whole - 1, batch + 1);
    }
    (0..whole).map(move |_| batch).chain((rest > 0).then_some(rest))
}

/// Number of batches that `records` records come in.
pub(super) fn batch_count(records: u64, batch: usize) -> u64 {
    let (whole, rest) = (records / batch as u64, records % batch as u64);
    whole + u64::from(rest > 1 || (rest == 1 && whole == 0))
}

/// Learning rates over several days or epochs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// The largest.
    pub peak: f64,
    /// What the rate is multiplied by after each day or epoch.
    pub decay: f64,
    /// Share of all batches over which the rate rises from zero.
    pub warm_up: f64,
    /// What is left of the rate at the last batch, a share: it sinks by the same amount with each batch.
    pub last: f64,
}

impl Rates {
    /// The rate of the batch of this number among `batches`, on the day or in the epoch of this number.
    pub fn at(&self, session: usize, batch: u64, batches: u64) -> f64 {
        let done = batch as f64 / batches.max(1) as f64;
        let rising = (batch + 1) as f64 / (self.warm_up * batches as f64).max(1.0);
        self.peak * self.decay.powi(session as i32) * rising.min(1.0) * (1.0 - (1.0 - self.last) * done)
    }
}

/// Log-odds of each reaction's rate. Half a record with and half a record without each reaction are added, so that no
/// rate is 0 or 1.
pub(super) fn log_odds(tally: &ReactionTally) -> PerReaction<f32> {
    tally.reactions.map(|with| {
        let (with, records) = (with as f64, tally.records as f64);
        ((with + 0.5) / (records - with + 0.5)).ln() as f32
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skimlog_formats::Reaction;

    use super::*;

    fn tally(records: u64) -> ReactionTally {
        ReactionTally { records, reactions: PerReaction::from_fn(|_| records / 2) }
    }

    #[test]
    fn a_lone_record_joins_a_neighbour() {
        let days = |records: &[u64]| -> Vec<(Vec<i64>, u64)> {
            let days = (0..).map(Day).zip(records.iter().map(|&records| tally(records))).collect();
            let numbers = |session: Session| session.days.iter().map(|day| day.0).collect();
            sessions(&days).into_iter().map(|session| (numbers(session.clone()), session.tally.records)).collect()
        };
        assert_eq!(days(&[5, 7]), [(vec![0], 5), (vec![1], 7)]);
        assert_eq!(days(&[1, 7, 1, 3]), [(vec![0, 1, 2], 9), (vec![3], 3)]);
        assert_eq!(days(&[1]), [(vec![0], 1)]);
    }

    #[test]
    fn the_bias_is_the_log_odds_of_the_rate() {
        let mut tally = tally(1_000_000);
        tally.reactions[Reaction::Quote] = 0;
        tally.reactions[Reaction::Like] = 400_000;
        let bias = log_odds(&tally);
        assert!((bias[Reaction::Like] - (0.4f32 / 0.6).ln()).abs() < 1e-5);
        assert!(bias[Reaction::Quote] < -14.0 && bias[Reaction::Quote].is_finite());
    }

    #[test]
    fn rates_rise_and_sink() {
        let rates = Rates { peak: 1.0, decay: 0.5, warm_up: 0.1, last: 0.2 };
        let near = |rate: f64, expected: f64| assert!((rate - expected).abs() < 1e-12, "{rate}");
        near(rates.at(0, 0, 100), 0.1);
        near(rates.at(0, 9, 100), 1.0 - 0.8 * 0.09);
        near(rates.at(2, 50, 100), 0.25 * 0.6);
        let constant = Rates { peak: 1e-4, decay: 0.96, warm_up: 0.0, last: 1.0 };
        assert_eq!([constant.at(0, 0, 10), constant.at(0, 9, 10), constant.at(1, 3, 10)], [1e-4, 1e-4, 1e-4 * 0.96]);
    }

    proptest! {
        #[test]
        fn batches_hold_every_record_and_none_holds_one(records in 0u64..2_000, batch in 2usize..300) {
            let sizes: Vec<usize> = batch_sizes(records, batch).collect();
            prop_assert_eq!(sizes.iter().sum::<usize>() as u64, records);
            prop_assert!(records == 1 || !sizes.contains(&1));
            let (last, before) = sizes.split_last().unwrap_or((&0, &[]));
            prop_assert_eq!(batch_count(records, batch), sizes.len() as u64);
            prop_assert!(*last <= batch + 1 && before.iter().all(|&size| size == batch));
        }
    }
}
