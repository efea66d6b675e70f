//! One reaction's outcomes from the highest prediction to the lowest, and the measures that follow from their order.

use super::measures::{CalibrationBin, Measures, PrecisionRecall};

/// What a ranking comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    /// The measures.
    pub measures: Measures,
    /// Calibration by decile of the prediction, from the lowest to the highest. Equal predictions stay together, in the
    /// decile of the middle one, so that a decile may be larger than a tenth, and an empty one is left out.
    pub calibration: Vec<CalibrationBin>,
    /// The precision–recall curve, at most a hundred points of it, from the lowest recall on.
    pub precision_recall: Vec<PrecisionRecall>,
}

/// Takes outcomes from the highest prediction to the lowest. No measure depends on the order of equal predictions.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// All there will be.
    records: u64,
    positives: u64,
    /// Before the current run of equal predictions.
    seen: u64,
    found: u64,
    run: Run,
    /// Σ positives of a run × precision at its end.
    precision: f64,
    predictions: f64,
    entropy: f64,
    deciles: [Run; DECILES],
    curve: Vec<PrecisionRecall>,
}

/// Records of equal or about equal predictions.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    prediction: f32,
    predictions: f64,
    records: u64,
    positives: u64,
}

/// Probabilities are kept this far from 0 and 1, as the challenge's evaluation does.
const EPSILON: f64 = 1e-15;
/// Groups of a calibration.
const DECILES: usize = 10;
/// Points of a precision–recall curve.
const POINTS: f64 = 100.0;

impl Ranking {
    /// A ranking of so many records, in so many of which the reaction happened.
    pub fn new(records: u64, positives: u64) -> Self {
        Self {
            records,
            positives,
            seen: 0,
            found: 0,
            run: Run::default(),
            precision: 0.0,
            predictions: 0.0,
            entropy: 0.0,
            deciles: [Run::default(); DECILES],
            curve: Vec::new(),
        }
    }

    /// Adds `records` records of the same prediction, not above those before, in all of which the reaction happened, or
    /// in none.
    pub fn push(&mut self, prediction: f32, happened: bool, records: u64) {
        if self.run.records > 0 && prediction != self.run.prediction {
            self.end_run();
        }
        self.run.prediction = prediction;
        self.run.records += records;
        if happened {
            self.run.positives += records;
        }
    }

    fn end_run(&mut self) {
        let Run { prediction, records, positives, .. } = std::mem::take(&mut self.run);
        let exact = f64::from(prediction);
        let probability = exact.clamp(EPSILON, 1.0 - EPSILON);
        // ln_1p keeps the precision of small probabilities.
        self.entropy -= positives as f64 * probability.ln() + (records - positives) as f64 * (-probability).ln_1p();
        self.predictions += records as f64 * exact;

        let decile = (2 * self.seen + records) as usize * DECILES / (2 * self.records as usize);
        let decile = &mut self.deciles[DECILES - 1 - decile.min(DECILES - 1)];
        decile.predictions += records as f64 * exact;
        decile.records += records;
        decile.positives += positives;

        let recall = |found: u64| found as f64 / self.positives as f64;
        let before = recall(self.found);
        self.seen += records;
        self.found += positives;
        if positives > 0 {
            let precision = self.found as f64 / self.seen as f64;
            self.precision += positives as f64 * precision;
            let recall = recall(self.found);
            if self.curve.is_empty() || (recall * POINTS).floor() > (before * POINTS).floor() {
                self.curve.push(PrecisionRecall { recall, precision });
            }
        }
    }

    /// What all records together come to. What has no value is `None`: every mean without records, average precision
    /// where the reaction never happened, relative cross entropy where it happened in no record or in all.
    pub fn finish(mut self) -> Ranked {
        if self.run.records > 0 {
            self.end_run();
        }
        let records = self.records as f64;
        let mean = |sum: f64| (self.records > 0).then(|| sum / records);
        let cross_entropy = mean(self.entropy);
        let rate = mean(self.positives as f64);
        let constant = rate.filter(|rate| *rate > 0.0 && *rate < 1.0);
        let constant = constant.map(|rate| -(rate * rate.ln() + (1.0 - rate) * (-rate).ln_1p()));
        let relative = cross_entropy.zip(constant).map(|(entropy, constant)| 100.0 * (1.0 - entropy / constant));
        let filled = self.deciles.iter().filter(|decile| decile.records > 0);
        Ranked {
            measures: Measures {
                positives: self.positives,
                rate,
                mean_prediction: mean(self.predictions),
                cross_entropy,
                average_precision: (self.positives > 0).then(|| self.precision / self.positives as f64),
                relative_cross_entropy: relative,
            },
            calibration: filled
                .map(|decile| CalibrationBin {
                    records: decile.records,
                    mean_prediction: decile.predictions / decile.records as f64,
                    rate: decile.positives as f64 / decile.records as f64,
                })
                .collect(),
            precision_recall: self.curve,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking(outcomes: &[(f32, u8)]) -> Ranked {
        let mut outcomes = outcomes.to_vec();
        outcomes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let positives = outcomes.iter().filter(|(_, happened)| *happened == 1).count();
        let mut ranking = Ranking::new(outcomes.len() as u64, positives as u64);
        outcomes.iter().for_each(|&(prediction, happened)| ranking.push(prediction, happened == 1, 1));
        ranking.finish()
    }

    fn assert_near(ours: Option<f64>, expected: f64) {
        assert!((ours.unwrap() - expected).abs() < 1e-9 * expected.abs().max(1.0), "{ours:?} instead of {expected}");
    }

    /// From scikit-learn 1.9.1: `average_precision_score`, `log_loss`, and the relative cross entropy made of two of
    /// them.
    #[test]
    fn agrees_with_scikit_learn() {
        for (outcomes, precision, entropy, relative) in SCIKIT_LEARN {
            let ranking = ranking(outcomes);
            assert_near(ranking.measures.average_precision, *precision);
            assert_near(ranking.measures.cross_entropy, *entropy);
            assert_near(ranking.measures.relative_cross_entropy, *relative);
        }
    }

    #[test]
    fn what_has_no_value_is_none() {
        assert_eq!(ranking(&[]).measures.cross_entropy, None);
        assert_eq!(ranking(&[]).measures.rate, None);
        assert!(ranking(&[]).calibration.is_empty());
        let never = ranking(&[(0.5, 0), (0.0, 0)]);
        assert_eq!((never.measures.average_precision, never.measures.relative_cross_entropy), (None, None));
        let always = ranking(&[(0.5, 1), (1.0, 1)]);
        assert_eq!((always.measures.average_precision, always.measures.relative_cross_entropy), (Some(1.0), None));
    }

    #[test]
    fn a_certain_mistake_costs_a_finite_amount() {
        assert_near(ranking(&[(0.0, 1)]).measures.cross_entropy, -(1e-15f64).ln());
        // 1 − 10⁻¹⁵ is rounded to a multiple of 2⁻⁵³.
        assert!((ranking(&[(1.0, 0)]).measures.cross_entropy.unwrap() - 34.54).abs() < 0.01);
    }

    #[test]
    fn deciles_keep_equal_predictions_together() {
        let constant = ranking(&[(0.25, 0), (0.25, 0), (0.25, 0), (0.25, 1)]);
        assert_eq!(constant.calibration, [CalibrationBin { records: 4, mean_prediction: 0.25, rate: 0.25 }]);
        let spread: Vec<(f32, u8)> = (0..20).map(|i| (i as f32 / 32.0, u8::from(i >= 10))).collect();
        let deciles = ranking(&spread).calibration;
        assert_eq!(deciles.len(), 10);
        assert_eq!(deciles[0], CalibrationBin { records: 2, mean_prediction: 1.0 / 64.0, rate: 0.0 });
        assert_eq!(deciles[9].rate, 1.0);
    }

    proptest! {
        #[test]
        fn average_precision_follows_its_definition(
            outcomes in prop::collection::vec((0u8..12, 0u8..2), 1..60)
        ) {
            let outcomes: Vec<(f32, u8)> = outcomes.into_iter().map(|(p, y)| (f32::from(p) / 12.0, y)).collect();
            // One threshold for every distinct prediction, precision and recall counted afresh for each.
            let mut thresholds: Vec<f32> = outcomes.iter().map(|&(prediction, _)| prediction).collect();
            thresholds.sort_by(|a, b| b.total_cmp(a));
            thresholds.dedup();
            let all = outcomes.iter().filter(|(_, happened)| *happened == 1).count() as f64;
            let (mut sum, mut recall_before) = (0.0, 0.0);
            for threshold in thresholds {
                let chosen = outcomes.iter().filter(|(prediction, _)| *prediction >= threshold);
                let right = chosen.clone().filter(|(_, happened)| *happened == 1).count() as f64;
                let recall = right / all;
                sum += (recall - recall_before) * (right / chosen.count() as f64);
                recall_before = recall;
            }
            match ranking(&outcomes).measures.average_precision {
                Some(ours) => prop_assert!((ours - sum).abs() < 1e-12),
                None => prop_assert_eq!(all, 0.0),
            }
            let mut reversed = outcomes.clone();
            reversed.reverse();
            prop_assert_eq!(ranking(&reversed), ranking(&outcomes));
            let curve = ranking(&outcomes).precision_recall;
            prop_assert!(curve.is_sorted_by(|a, b| a.recall < b.recall));
            prop_assert_eq!(curve.last().map(|point| point.recall), (all > 0.0).then_some(1.0));
            for point in curve {
                // Every point is one of the thresholds'.
                let mut chosen = outcomes.clone();
                chosen.sort_by(|(a, _), (b, _)| b.total_cmp(a));
                let fits = (1..=chosen.len()).any(|count| {
                    let right = chosen[..count].iter().filter(|(_, happened)| *happened == 1).count() as f64;
                    right / all == point.recall && right / count as f64 == point.precision
                });
                prop_assert!(fits, "{point:?}");
            }
        }

        #[test]
        fn deciles_hold_every_record_once(outcomes in prop::collection::vec((0.0f32..1.0, 0u8..2), 1..80)) {
            let ranking = ranking(&outcomes);
            let deciles = ranking.calibration;
            prop_assert_eq!(deciles.iter().map(|decile| decile.records).sum::<u64>(), outcomes.len() as u64);
            prop_assert!(deciles.is_sorted_by(|a, b| a.mean_prediction < b.mean_prediction));
            let mean = |value: fn(&CalibrationBin) -> f64| {
                deciles.iter().map(|decile| decile.records as f64 * value(decile)).sum::<f64>() / outcomes.len() as f64
            };
            prop_assert!((mean(|decile| decile.rate) - ranking.measures.rate.unwrap()).abs() < 1e-12);
            let prediction = ranking.measures.mean_prediction.unwrap();
            prop_assert!((mean(|decile| decile.mean_prediction) - prediction).abs() < 1e-9);
        }
    }

    type Case = (&'static [(f32, u8)], f64, f64, f64);
    const SCIKIT_LEARN: &[Case] = &[
        (
            &[(0.238, 1), (0.544, 0), (0.37, 1), (0.604, 1), (0.626, 0), (0.066, 0)],
            0.5333333333333333,
            0.7951597985629522,
            -14.717309810103817,
        ),
        (
            &[
                (0.8, 1),
                (0.5, 1),
                (0.6, 0),
                (0.2, 0),
                (0.6, 0),
                (0.9, 0),
                (0.5, 0),
                (0.7, 0),
                (0.7, 1),
                (0.1, 0),
                (0.8, 1),
                (0.6, 0),
            ],
            0.5833333333333333,
            0.7310992050724198,
            -14.859847822554384,
        ),
        (
            &[
                (0.879, 0),
                (0.097, 0),
                (0.136, 0),
                (0.217, 0),
                (0.965, 1),
                (0.436, 0),
                (0.627, 0),
                (0.301, 0),
                (0.507, 0),
                (0.386, 0),
                (0.351, 1),
                (0.585, 0),
                (0.584, 0),
                (0.904, 1),
                (0.682, 1),
            ],
            0.7784090909090909,
            0.6026390667709107,
            -3.918486094654461,
        ),
        (
            &[
                (0.9, 1),
                (1.0, 1),
                (0.1, 1),
                (0.8, 1),
                (0.4, 0),
                (0.2, 1),
                (0.3, 1),
                (0.8, 0),
                (0.9, 1),
                (0.0, 0),
                (0.6, 0),
                (0.0, 0),
                (0.7, 1),
                (0.3, 0),
                (0.9, 1),
                (1.0, 1),
                (0.5, 0),
                (1.0, 1),
                (0.3, 0),
                (0.1, 0),
            ],
            0.8727272727272728,
            0.528015394053586,
            23.269057996581456,
        ),
    ];
}
