//! Collects predictions and labels.

use std::io;
use std::path::{Path, PathBuf};

use skimlog_formats::{PerReaction, Reaction, ReactionSet};
use thiserror::Error;

use super::measures::Measures;
use super::popularity::{GROUPS, Popularity};
use super::ranking::Ranking;
use super::report::{Quintile, QuintileMeans, Report};
use super::rows::{Histogram, Outcome, ROW_BYTES, Row, Rows};

/// Predictions and what happened, in bounded memory: what does not fit lies in a file without a name.
pub struct Scores {
    rows: Rows,
    folder: PathBuf,
    /// Outcomes to sort at a time.
    sorted: u64,
    histograms: PerReaction<Histogram>,
    /// Records by the upper half of the number of followers.
    followers: Vec<u64>,
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
    pub record: u64,
}

/// Why predictions cannot be collected or measured.
#[derive(Debug, Error)]
pub enum ScoresError {
    /// A prediction outside [0, 1].
    #[error(transparent)]
    NotAProbability(#[from] NotAProbability),
    /// They do not fit into memory, and the temporary file for them fails.
    #[error(
        "{}: cannot keep predictions in a temporary file here: {source}; free some disk space or raise memory_budget",
        .folder.display()
    )]
    Spill {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Scores {
    /// Takes about so many bytes of memory, 4 MB at least; what is more goes to a file in `folder`.
    pub fn within(memory: u64, folder: &Path) -> Self {
        // A half for the records, a quarter for what is sorted, and a good measure less.
        let (held, sorted) = ((memory / 2 / ROW_BYTES).max(1), (memory / 4 / 8).max(1));
        Self::sized(usize::try_from(held).unwrap_or(usize::MAX), sorted, folder)
    }

    fn sized(held: usize, sorted: u64, folder: &Path) -> Self {
        Self {
            rows: Rows::new(held),
            folder: folder.to_owned(),
            sorted,
            histograms: PerReaction::from_fn(|_| Histogram::new()),
            followers: vec![0; 1 << 16],
        }
    }

    /// Adds a record: the predicted probabilities, the reactions that happened, how many accounts follow the author.
    ///
    /// # Errors
    /// [`ScoresError::NotAProbability`] if a prediction is a not-a-number or outside [0, 1]; the record is not added
    /// then. [`ScoresError::Spill`].
    pub fn push(
        &mut self,
        prediction: PerReaction<f32>,
        labels: ReactionSet,
        author_followers: u32,
    ) -> Result<(), ScoresError> {
        if let Some((reaction, &prediction)) = prediction.iter().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
            return Err(NotAProbability { prediction, reaction, record: self.rows.records() }.into());
        }
        let outcomes = PerReaction::from_fn(|reaction| Outcome::new(prediction[reaction], labels.contains(reaction)));
        Reaction::ALL.into_iter().for_each(|reaction| self.histograms[reaction].add(outcomes[reaction]));
        self.followers[(author_followers >> 16) as usize] += 1;
        self.rows.push(Row { outcomes, author_followers }, &self.folder).map_err(spill(&self.folder))
    }

    /// Number of records.
    pub fn records(&self) -> u64 {
        self.rows.records()
    }

    /// All measures; `None` without records.
    ///
    /// # Errors
    /// [`ScoresError::Spill`].
    pub fn report(mut self) -> Result<Option<Report>, ScoresError> {
        let folder = self.folder.clone();
        self.measure().map_err(spill(&folder))
    }

    fn measure(&mut self) -> io::Result<Option<Report>> {
        let Some(popularity) = self.popularity()? else { return Ok(None) };
        let group_of = |row: &Row| popularity.group(row.author_followers);
        // How many records there are, and how many with each reaction: in each group, and in all.
        let mut sizes = [(0u64, PerReaction::from_fn(|_| 0u64)); GROUPS + 1];
        self.rows.visit(|row| {
            for group in [group_of(row), GROUPS] {
                sizes[group].0 += 1;
                for (reaction, _) in row.outcomes.iter().filter(|(_, outcome)| outcome.happened()) {
                    sizes[group].1[reaction] += 1;
                }
            }
        })?;
        let mut groups: [PerReaction<Measures>; GROUPS] = Default::default();
        let mut all = PerReaction::default();
        for reaction in Reaction::ALL {
            let mut rankings = sizes.map(|(records, positives)| Ranking::new(records, positives[reaction]));
            let outcome_of = |row: &Row| row.outcomes[reaction];
            let each = |outcome: Outcome, group: usize, count: u64| {
                for ranking in [group, GROUPS] {
                    rankings[ranking].push(outcome.prediction(), outcome.happened(), count);
                }
            };
            self.rows.descending(outcome_of, group_of, &self.histograms[reaction], self.sorted, each)?;
            let [rankings @ .., overall] = rankings.map(Ranking::finish);
            all[reaction] = overall;
            groups.iter_mut().zip(rankings).for_each(|(group, ranked)| group[reaction] = ranked.measures);
        }
        let quintiles: Vec<Quintile> = (groups.into_iter().enumerate())
            .filter(|(group, _)| sizes[*group].0 > 0)
            .map(|(group, reactions)| Quintile {
                number: group + 1,
                records: sizes[group].0,
                most_followers: popularity.upper_border(group),
                reactions,
            })
            .collect();
        let overall = PerReaction::from_fn(|reaction| all[reaction].measures);
        Ok(Some(Report {
            records: self.rows.records(),
            cross_entropy: overall.iter().filter_map(|(_, measures)| measures.cross_entropy).sum::<f64>() / 4.0,
            quintile_means: PerReaction::from_fn(|reaction| QuintileMeans::of(&quintiles, reaction)),
            calibration: PerReaction::from_fn(|reaction| all[reaction].calibration.clone()),
            precision_recall: PerReaction::from_fn(|reaction| all[reaction].precision_recall.clone()),
            overall,
            quintiles,
        }))
    }

    /// Groups by the authors' followers. Ranks are found in two steps, by the upper and the lower halves of the
    /// numbers.
    fn popularity(&mut self) -> io::Result<Option<Popularity>> {
        let bin_of = |mut rank: u64, counts: &[u64]| {
            let bin = counts.iter().position(|&count| {
                let here = rank < count;
                rank -= if here { 0 } else { count };
                here
            });
            (bin.expect("a rank below the number of records"), rank)
        };
        let mut outcome = Ok(());
        let popularity = Popularity::of(self.rows.records(), |rank| {
            let (upper, rank) = bin_of(rank, &self.followers);
            let mut counts = vec![0u64; 1 << 16];
            let visited = self.rows.visit(|row| {
                if (row.author_followers >> 16) as usize == upper {
                    counts[(row.author_followers & 0xFFFF) as usize] += 1;
                }
            });
            if let Err(error) = visited {
                outcome = Err(error);
                return 0;
            }
            (upper << 16 | bin_of(rank, &counts).0) as u32
        });
        outcome.map(|()| popularity)
    }
}

fn spill(folder: &Path) -> impl FnOnce(io::Error) -> ScoresError {
    move |source| ScoresError::Spill { folder: folder.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn roomy() -> Scores {
        Scores::within(64 << 20, &std::env::temp_dir())
    }

    /// Ten records; likes are predicted in all groups but the least popular authors', quotes never happen.
    fn scores() -> Scores {
        let mut scores = roomy();
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
        let report = scores().report().unwrap().unwrap();
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
        let report = scores().report().unwrap().unwrap();
        let json = serde_json::to_string(&report).unwrap();
        let table = report.to_string();
        // Numbers come back with an error in the last digit, which the table does not show.
        let back: Report = serde_json::from_str(&json).unwrap();
        assert_eq!((back.to_string(), &back.calibration), (table.clone(), &report.calibration));
        assert!(table.contains('–') && !table.contains("NaN"), "{table}");
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[..5].iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
    }

    #[test]
    fn only_probabilities_are_taken() {
        let mut scores = roomy();
        let prediction = PerReaction::from_count_order([0.5, 0.5, f32::NAN, 0.5]);
        let error = scores.push(prediction, ReactionSet::NONE, 3).unwrap_err();
        let ScoresError::NotAProbability(error) = error else { panic!("{error}") };
        assert_eq!((error.reaction, error.record), (Reaction::Retweet, 0));
        assert!(scores.report().unwrap().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
        #[test]
        fn memory_changes_nothing(
            records in prop::collection::vec((0u8..6, any::<u32>(), 0u8..16, 0u32..200_000), 1..120),
            held in 1usize..40,
            sorted in 1u64..40,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut little = Scores::sized(held, sorted, folder.path());
            let mut much = roomy();
            for (coarse, fine, labels, followers) in records {
                // Some predictions are the same, some nearly, and some in bins of their own.
                let near = f32::from_bits((0.5f32.to_bits() - 40) + fine % 80);
                let prediction = [0.0, -0.0, 1.0, near, near, fine as f32 / u32::MAX as f32][usize::from(coarse)];
                let prediction = PerReaction::from_fn(|reaction| match reaction {
                    Reaction::Like => prediction,
                    _ => (prediction * 0.37).min(f32::from(labels) / 20.0),
                });
                for scores in [&mut little, &mut much] {
                    scores.push(prediction, ReactionSet::from_bits(labels), followers).unwrap();
                }
            }
            prop_assert_eq!(little.report().unwrap(), much.report().unwrap());
        }
    }
}
