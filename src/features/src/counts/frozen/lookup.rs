//! The 65 counts of records that are not part of the training data: all training and all finetune records count.

use std::path::{Path, PathBuf};

use skimlog_formats::record::RecordBatch;

use super::{FrozenError, FrozenSimilar, FrozenTable};
use crate::counts::{Answer, COUNTS, FAMILIES, FIRST_COLUMNS, Family, Minor, ReactionCounts, Table, Visitor};
use crate::key::Key;

/// Everything a model has counted: the totals of every [`Table`] and the similar authors.
pub struct FrozenCounts {
    tables: [FrozenTable; Table::ALL.len()],
    similar: FrozenSimilar,
}

/// Memory that [`FrozenCounts::numbers`] keeps from batch to batch.
#[derive(Default)]
pub struct LookupScratch {
    authors: Vec<Key>,
    readers: Vec<Key>,
    keys: Vec<Key>,
    counts: Vec<ReactionCounts>,
}

impl FrozenCounts {
    /// The file of a table in a directory.
    pub fn table_file(directory: &Path, table: Table) -> PathBuf {
        directory.join(format!("{}.frozen", table.name()))
    }

    /// The file of the similar authors in a directory.
    pub fn similar_file(directory: &Path) -> PathBuf {
        directory.join("similar.frozen")
    }

    /// Maps all files of a directory: a [`FrozenCounts::table_file`] a table and the [`FrozenCounts::similar_file`].
    ///
    /// # Errors
    /// As [`FrozenTable::open`] and [`FrozenSimilar::open`].
    pub fn open(directory: &Path) -> Result<Self, FrozenError> {
        let mut tables = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            tables.push(FrozenTable::open(&Self::table_file(directory, table))?);
        }
        let tables = tables.try_into().ok().expect("every table was opened");
        Ok(Self { tables, similar: FrozenSimilar::open(&Self::similar_file(directory))? })
    }

    /// Reads all files whole and compares their checksums.
    ///
    /// # Errors
    /// [`FrozenError::Damaged`] for the first file that differs.
    pub fn verify(&self) -> Result<(), FrozenError> {
        self.tables.iter().try_for_each(FrozenTable::verify)?;
        self.similar.verify()
    }

    /// The totals of a table.
    pub fn table(&self, table: Table) -> &FrozenTable {
        &self.tables[table.index()]
    }

    /// Writes the 65 counts of every record of a batch, in the order of [`crate::counts::column_names`]. The batch has
    /// the ids of tweets, authors, readers and languages and the hashtags; its reactions are not looked at.
    ///
    /// # Errors
    /// [`FrozenError::Damaged`] where a table makes no sense, [`FrozenError::Lost`] where a file became shorter.
    ///
    /// # Panics
    /// If `numbers` is not as long as the batch.
    pub fn numbers(
        &self,
        batch: &RecordBatch,
        scratch: &mut LookupScratch,
        numbers: &mut [[f64; COUNTS]],
    ) -> Result<(), FrozenError> {
        let outcome = self.look_up(batch, scratch, numbers);
        // Once a batch, and before its other errors: a file that lost bytes makes no sense either.
        self.tables.iter().try_for_each(FrozenTable::intact)?;
        self.similar.intact()?;
        outcome
    }

    fn look_up(
        &self,
        batch: &RecordBatch,
        scratch: &mut LookupScratch,
        numbers: &mut [[f64; COUNTS]],
    ) -> Result<(), FrozenError> {
        assert_eq!(numbers.len(), batch.rows, "a row of numbers for each record");
        let LookupScratch { authors, readers, keys, counts } = scratch;
        fill(authors, batch.author.id.iter().map(|&id| Key::of(id)));
        fill(readers, batch.reader.id.iter().map(|&id| Key::of(id)));
        for (index, family) in FAMILIES.iter().enumerate() {
            let question = Question::of(family);
            if FAMILIES[..index].iter().any(|earlier| Question::of(earlier) == question) {
                continue;
            }
            question.keys(batch, authors, readers, &self.similar, keys);
            counts.resize(keys.len(), ReactionCounts::default());
            self.table(question.table).get_batch(keys, counts)?;
            let answered = FAMILIES.iter().zip(FIRST_COLUMNS).filter(|(family, _)| Question::of(family) == question);
            for (family, column) in answered {
                self.answer(family.answer, question.asked_by, batch, authors, counts, column, numbers);
            }
        }
        Ok(())
    }

    /// Writes an answer's columns, the first of which is `column`, from the counts of a question's keys.
    #[expect(clippy::too_many_arguments, reason = "the parts of one expression")]
    fn answer(
        &self,
        answer: Answer,
        asked_by: Visitor,
        batch: &RecordBatch,
        authors: &[Key],
        counts: &[ReactionCounts],
        column: usize,
        numbers: &mut [[f64; COUNTS]],
    ) {
        let mut left = counts;
        let rows = numbers.iter_mut().map(|numbers| &mut numbers[column..column + answer.width()]);
        for (row, numbers) in rows.enumerate() {
            match answer {
                Answer::Reactions if asked_by == Visitor::Hashtag => {
                    add(numbers, counts[batch.hashtags.range(row)].iter().map(|counts| (1.0, counts)));
                }
                Answer::Reactions => {
                    numbers.copy_from_slice(&counts[row].reactions.as_count_order().map(f64::from));
                }
                Answer::Unreacted => numbers[0] = counts[row].unreacted.into(),
                Answer::Similar => {
                    let (_, scores) = self.similar.get(authors[row]);
                    // As many as there were keys, unless the file lost bytes since.
                    let (own, later) = left.split_at_checked(scores.len()).unwrap_or_default();
                    add(numbers, scores.iter().copied().zip(own));
                    left = later;
                }
                Answer::SimilarityMass => {
                    numbers[0] = self.similar.get(authors[row]).1.iter().fold(0.0, |mass, score| mass + score);
                }
            }
        }
    }
}

/// What is looked up for some families, with the same keys for all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Question {
    table: Table,
    asked_by: Visitor,
    asked_with: Minor,
    /// Whether the similar authors stand for the author.
    similar: bool,
}

impl Question {
    fn of(family: &Family) -> Self {
        let &Family { period, counter, asked_by, asked_with, answer, .. } = family;
        let similar = matches!(answer, Answer::Similar | Answer::SimilarityMass);
        Self { table: Table { period, counter }, asked_by, asked_with, similar }
    }

    /// The keys to look up: one a record, but one a hashtag for hashtags and one a similar author for these.
    fn keys(self, batch: &RecordBatch, authors: &[Key], readers: &[Key], similar: &FrozenSimilar, keys: &mut Vec<Key>) {
        let both = || authors.iter().copied().zip(readers.iter().copied());
        match (self.asked_by, self.asked_with) {
            (Visitor::Reader, Minor::Partner) if self.similar => fill(
                keys,
                both().flat_map(|(author, reader)| similar.get(author).0.iter().map(move |other| other.pair(reader))),
            ),
            (Visitor::Reader, Minor::Alone) => fill(keys, readers.iter().copied()),
            (Visitor::Reader, Minor::Partner) => fill(keys, both().map(|(author, reader)| author.pair(reader))),
            (Visitor::Reader, Minor::Language) => {
                fill(
                    keys,
                    batch.language.iter().zip(readers).map(|(&language, &reader)| Key::of(language).pair(reader)),
                );
            }
            (Visitor::Author, Minor::Partner) => fill(keys, both().map(|(author, reader)| reader.pair(author))),
            (Visitor::Author, _) => fill(keys, authors.iter().copied()),
            (Visitor::Hashtag, _) => {
                let hashtags = batch.hashtags.iter().zip(readers);
                fill(keys, hashtags.flat_map(|(tags, &reader)| tags.iter().map(move |&tag| Key::of(tag).pair(reader))));
            }
            (Visitor::Tweet, _) => fill(keys, batch.tweet.iter().map(|&tweet| Key::of(tweet))),
        }
    }
}

fn fill(keys: &mut Vec<Key>, with: impl Iterator<Item = Key>) {
    keys.clear();
    keys.extend(with);
}

/// Sets four numbers to the weighted sums of counts, added up in their order.
fn add<'a>(numbers: &mut [f64], weighted: impl Iterator<Item = (f64, &'a ReactionCounts)>) {
    numbers.fill(0.0);
    for (weight, counts) in weighted {
        for (number, &count) in numbers.iter_mut().zip(counts.reactions.as_count_order()) {
            *number += weight * f64::from(count);
        }
    }
}
