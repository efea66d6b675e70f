//! Collects predictions and what happened.

use skimmer_formats::{PerReaction, Reaction, ReactionSet};
use thiserror::Error;

use super::popularity::{GROUPS, Popularity};
use super::ranking::{Outcome, Ranking};
use super::report::{Measures, Quintile, QuintileMeans, Report};

/// Predictions and what happened, 21 bytes a record.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    predictions: Vec<PerReaction<f32>>,
    labels: Vec<ReactionSet>,
    author_followers: Vec<u32>,
}

/// A prediction outside [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("the prediction {prediction} for {reaction} of record {record} is no probability")]
pub struct NotAProbability {
    /// The prediction.
    pub prediction: f32,
    /// Of which reaction.
    pub reaction: Reaction,
    /// 0-based number of the record among those pushed.
    pub record: usize,
}

impl Scores {
    /// Adds a record: the predicted probabilities, the reactions that happened, how many accounts follow the author.
    ///
    /// # Errors
    /// [`NotAProbability`] if a prediction is a not-a-number or outside [0, 1]; the record is not added then.
    pub fn push(
        &mut self,
        prediction: PerReaction<f32>,
        labels: ReactionSet,
        author_followers: u32,
    ) -> Result<(), NotAProbability> {
        if let Some((reaction, &prediction)) = prediction.iter().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
            return Err(NotAProbability { prediction, reaction, record: self.labels.len() });
        }
        self.predictions.push(prediction);
        self.labels.push(labels);
        self.author_followers.push(author_followers);
        Ok(())
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.labels.len()
    }

    /// All measures; `None` without records.
    pub fn report(&self) -> Option<Report> {
        let popularity = Popularity::of(self.author_followers.clone())?;
        let groups: Vec<usize> = self.author_followers.iter().map(|&value| popularity.group(value)).collect();
        let records_of = |group| groups.iter().filter(|&&of| of == group).count();

        let rankings = PerReaction::from_fn(|reaction| Ranking::new(self.outcomes(reaction, |_| true)));
        let overall = PerReaction::from_fn(|reaction| Measures::of(&rankings[reaction]));
        let filled = (0..GROUPS).filter(|&group| records_of(group) > 0);
        let quintiles: Vec<Quintile> = filled
            .map(|group| Quintile {
                number: group + 1,
                records: records_of(group) as u64,
                most_followers: popularity.upper_border(group),
                reactions: PerReaction::from_fn(|reaction| {
                    Measures::of(&Ranking::new(self.outcomes(reaction, |record| groups[record] == group)))
                }),
            })
            .collect();
        Some(Report {
            records: self.labels.len() as u64,
            cross_entropy: overall.iter().filter_map(|(_, measures)| measures.cross_entropy).sum::<f64>() / 4.0,
            quintile_means: PerReaction::from_fn(|reaction| QuintileMeans::of(&quintiles, reaction)),
            calibration: rankings.map(|ranking| ranking.calibration()),
            overall,
            quintiles,
        })
    }

    fn outcomes(&self, reaction: Reaction, wanted: impl Fn(usize) -> bool) -> Vec<Outcome> {
        let records = self.predictions.iter().zip(&self.labels).enumerate().filter(|&(record, _)| wanted(record));
        records
            .map(|(_, (prediction, labels))| Outcome {
                prediction: prediction[reaction],
                happened: labels.contains(reaction),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten records; likes are foreseen in all groups but the least popular authors', quotes never happen.
    fn scores() -> Scores {
        let mut scores = Scores::default();
        for record in 0..10u8 {
            let liked = record % 2 == 1;
            let foreseen = if record < 2 { !liked } else { liked };
            let prediction = PerReaction::from_fn(|reaction| match reaction {
                Reaction::Like => f32::from(u8::from(foreseen)) * 0.5 + 0.25,
                _ => 0.125,
            });
            let labels = if liked { ReactionSet::from_iter([Reaction::Like]) } else { ReactionSet::NONE };
            scores.push(prediction, labels, u32::from(record) * 100).unwrap();
        }
        scores
    }

    #[test]
    fn groups_are_measured_apart_and_averaged() {
        let report = scores().report().unwrap();
        let like = report.quintile_means[Reaction::Like];
        // The first group ranks its one like last (precision 1/2), the others first.
        assert!((like.average_precision.unwrap() - 0.9).abs() < 1e-12);
        // 4 × −ln(0.75) and 1 × −ln(0.25), against ln 2 of always predicting one half.
        let relative = (4.0 * (1.0 - 0.75f64.ln() / 0.5f64.ln()) + (1.0 - 0.25f64.ln() / 0.5f64.ln())) * 20.0;
        assert!((like.relative_cross_entropy.unwrap() - relative).abs() < 1e-9);
        assert_eq!(report.quintiles.iter().map(|quintile| quintile.records).collect::<Vec<_>>(), [2; 5]);
        assert_eq!(report.overall[Reaction::Quote].average_precision, None);
        let likes = (8.0 * -(0.75f64.ln()) + 2.0 * -(0.25f64.ln())) / 10.0;
        assert!((report.cross_entropy - (likes - 3.0 * 0.875f64.ln()) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_report_survives_json_and_never_prints_a_not_a_number() {
        let report = scores().report().unwrap();
        let json = serde_json::to_string(&report).unwrap();
        let table = report.to_string();
        // Numbers come back with an error in the last place, which the table does not show.
        let back: Report = serde_json::from_str(&json).unwrap();
        assert_eq!((back.to_string(), &back.calibration), (table.clone(), &report.calibration));
        assert!(table.contains('–') && !table.contains("NaN"), "{table}");
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[..5].iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
    }

    #[test]
    fn only_probabilities_are_taken() {
        let mut scores = Scores::default();
        let prediction = PerReaction::from_count_order([0.5, 0.5, f32::NAN, 0.5]);
        let error = scores.push(prediction, ReactionSet::NONE, 3).unwrap_err();
        assert_eq!((error.reaction, error.record), (Reaction::Retweet, 0));
        assert!(scores.report().is_none());
    }
}
