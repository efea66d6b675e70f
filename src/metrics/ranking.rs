//! One reaction's predictions, ranked, and the measures that follow from the ranking.

use serde::{Deserialize, Serialize};

/// A prediction and what happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Predicted probability, 0–1.
    pub prediction: f32,
    /// Whether the reaction happened.
    pub happened: bool,
}

/// Outcomes from the highest prediction to the lowest. No measure depends on the order of equal predictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking(Vec<Outcome>);

/// How far predictions of about the same size are from what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Number of records.
    pub records: u64,
    /// Mean predicted probability.
    pub mean_prediction: f64,
    /// Share of the records in which the reaction happened.
    pub rate: f64,
}

/// Probabilities are kept this far from 0 and 1, as the challenge's evaluation does.
const EPSILON: f64 = 1e-15;
/// Groups of a calibration.
const DECILES: usize = 10;

impl Ranking {
    /// Ranks these outcomes; no prediction may be a not-a-number.
    pub fn new(mut outcomes: Vec<Outcome>) -> Self {
        // What happened comes second, so that sums do not depend on the order in which the outcomes came.
        outcomes
            .sort_unstable_by(|a, b| b.prediction.total_cmp(&a.prediction).then_with(|| b.happened.cmp(&a.happened)));
        Self(outcomes)
    }

    /// Number of records.
    pub fn records(&self) -> u64 {
        self.0.len() as u64
    }

    /// Number of records in which the reaction happened.
    pub fn positives(&self) -> u64 {
        self.0.iter().filter(|outcome| outcome.happened).count() as u64
    }

    /// Share of the records in which the reaction happened; `None` without records.
    pub fn rate(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.positives() as f64 / self.records() as f64)
    }

    /// Mean predicted probability; `None` without records.
    pub fn mean_prediction(&self) -> Option<f64> {
        self.mean(|outcome| outcome.prediction.into())
    }

    /// Area under the precision–recall curve as the step sum `Σ (Rₙ − Rₙ₋₁) Pₙ`, one step for every distinct
    /// prediction; `None` where the reaction never happened.
    pub fn average_precision(&self) -> Option<f64> {
        let all = self.positives();
        let (mut seen, mut found, mut sum) = (0, 0, 0.0);
        for equal in self.runs() {
            let positives = equal.iter().filter(|outcome| outcome.happened).count() as u64;
            seen += equal.len() as u64;
            found += positives;
            sum += positives as f64 * (found as f64 / seen as f64);
        }
        (all > 0).then(|| sum / all as f64)
    }

    /// Mean binary cross entropy in nats, probabilities kept within [10⁻¹⁵, 1 − 10⁻¹⁵]; `None` without records.
    pub fn cross_entropy(&self) -> Option<f64> {
        self.mean(|outcome| {
            let probability = f64::from(outcome.prediction).clamp(EPSILON, 1.0 - EPSILON);
            // ln_1p keeps the precision of small probabilities.
            if outcome.happened { -probability.ln() } else { -(-probability).ln_1p() }
        })
    }

    /// Relative cross entropy, in percent: `100 × (1 − cross entropy / cross entropy of always predicting the rate)`;
    /// `None` where the reaction happened in no record or in all.
    pub fn relative_cross_entropy(&self) -> Option<f64> {
        let rate = self.rate().filter(|rate| (0.0..1.0).contains(rate) && *rate != 0.0)?;
        let constant = -(rate * rate.ln() + (1.0 - rate) * (-rate).ln_1p());
        Some(100.0 * (1.0 - self.cross_entropy()? / constant))
    }

    /// Calibration by decile of the prediction, from the lowest to the highest. Equal predictions stay together, in
    /// the decile of the middle one, so that a decile may be larger than a tenth, and an empty one is left out.
    pub fn calibration(&self) -> Vec<Calibration> {
        let (mut deciles, mut before) = ([(0, 0.0, 0); DECILES], 0);
        for equal in self.runs() {
            let decile = (2 * before + equal.len()) * DECILES / (2 * self.0.len());
            let (records, predictions, positives) = &mut deciles[DECILES - 1 - decile.min(DECILES - 1)];
            *records += equal.len() as u64;
            *predictions += equal.iter().map(|outcome| f64::from(outcome.prediction)).sum::<f64>();
            *positives += equal.iter().filter(|outcome| outcome.happened).count();
            before += equal.len();
        }
        let filled = deciles.into_iter().filter(|&(records, ..)| records > 0);
        filled
            .map(|(records, predictions, positives)| Calibration {
                records,
                mean_prediction: predictions / records as f64,
                rate: positives as f64 / records as f64,
            })
            .collect()
    }

    /// Outcomes of equal prediction, from the highest prediction to the lowest.
    fn runs(&self) -> impl Iterator<Item = &[Outcome]> {
        self.0.chunk_by(|a, b| a.prediction == b.prediction)
    }

    fn mean(&self, value: impl Fn(&Outcome) -> f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().map(value).sum::<f64>() / self.0.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking(outcomes: &[(f32, u8)]) -> Ranking {
        let outcome = |&(prediction, happened)| Outcome { prediction, happened: happened == 1 };
        Ranking::new(outcomes.iter().map(outcome).collect())
    }

    fn assert_near(ours: Option<f64>, expected: f64) {
        assert!((ours.unwrap() - expected).abs() < 1e-9 * expected.abs().max(1.0), "{ours:?} instead of {expected}");
    }

    /// From scikit-learn 1.9.1: `average_precision_score`, `log_loss`, and the relative cross entropy made of two of them.
    #[test]
    fn agrees_with_scikit_learn() {
        for (outcomes, precision, entropy, relative) in SCIKIT_LEARN {
            let ranking = ranking(outcomes);
            assert_near(ranking.average_precision(), *precision);
            assert_near(ranking.cross_entropy(), *entropy);
            assert_near(ranking.relative_cross_entropy(), *relative);
        }
    }

    #[test]
    fn what_has_no_value_is_none() {
        assert_eq!(ranking(&[]).cross_entropy(), None);
        assert_eq!(ranking(&[]).rate(), None);
        assert!(ranking(&[]).calibration().is_empty());
        let never = ranking(&[(0.5, 0), (0.0, 0)]);
        assert_eq!((never.average_precision(), never.relative_cross_entropy()), (None, None));
        let always = ranking(&[(0.5, 1), (1.0, 1)]);
        assert_eq!((always.average_precision(), always.relative_cross_entropy()), (Some(1.0), None));
    }

    #[test]
    fn a_certain_mistake_costs_a_finite_amount() {
        assert_near(ranking(&[(0.0, 1)]).cross_entropy(), -(1e-15f64).ln());
        // 1 − 10⁻¹⁵ is rounded to a multiple of 2⁻⁵³.
        assert!((ranking(&[(1.0, 0)]).cross_entropy().unwrap() - 34.54).abs() < 0.01);
    }

    #[test]
    fn deciles_keep_equal_predictions_together() {
        let constant = ranking(&[(0.25, 0), (0.25, 0), (0.25, 0), (0.25, 1)]);
        assert_eq!(constant.calibration(), [Calibration { records: 4, mean_prediction: 0.25, rate: 0.25 }]);
        let spread: Vec<(f32, u8)> = (0..20).map(|i| (i as f32 / 32.0, u8::from(i >= 10))).collect();
        let deciles = ranking(&spread).calibration();
        assert_eq!(deciles.len(), 10);
        assert_eq!(deciles[0], Calibration { records: 2, mean_prediction: 1.0 / 64.0, rate: 0.0 });
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
            match ranking(&outcomes).average_precision() {
                Some(ours) => prop_assert!((ours - sum).abs() < 1e-12),
                None => prop_assert_eq!(all, 0.0),
            }
            let mut reversed = outcomes.clone();
            reversed.reverse();
            prop_assert_eq!(ranking(&reversed), ranking(&outcomes));
        }

        #[test]
        fn deciles_hold_every_record_once(outcomes in prop::collection::vec((0.0f32..1.0, 0u8..2), 1..80)) {
            let ranking = ranking(&outcomes);
            let deciles = ranking.calibration();
            prop_assert_eq!(deciles.iter().map(|decile| decile.records).sum::<u64>(), ranking.records());
            prop_assert!(deciles.is_sorted_by(|a, b| a.mean_prediction < b.mean_prediction));
            let mean = |value: fn(&Calibration) -> f64| {
                deciles.iter().map(|decile| decile.records as f64 * value(decile)).sum::<f64>() / outcomes.len() as f64
            };
            prop_assert!((mean(|decile| decile.rate) - ranking.rate().unwrap()).abs() < 1e-12);
            prop_assert!((mean(|decile| decile.mean_prediction) - ranking.mean_prediction().unwrap()).abs() < 1e-9);
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
