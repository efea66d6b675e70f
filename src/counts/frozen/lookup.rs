//! The 65 counts of records that were never counted themselves: they see all training and all finetune records.

use std::fmt;
use std::path::{Path, PathBuf};

use skimmer_formats::record::RecordBatch;

use super::{FrozenError, FrozenSimilar, FrozenTable, Tally};
use crate::key::Key;

/// Number of counts of a record.
pub const COUNTS: usize = 65;

/// A table of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum FrozenFamily {
    /// Training records by author and reader.
    TrainPair,
    /// Training records by author.
    TrainAuthor,
    /// Training records by reader.
    TrainReader,
    /// Training records by language and reader.
    TrainLanguageReader,
    /// Training records by hashtag and reader, a hashtag given twice counted twice.
    TrainHashtagsReader,
    /// Finetune records by author and reader.
    ValidPair,
    /// Finetune records by author.
    ValidAuthor,
    /// Finetune records by reader.
    ValidReader,
    /// Finetune records by language and reader.
    ValidLanguageReader,
    /// Finetune records by hashtag and reader, a hashtag given twice counted twice.
    ValidHashtagsReader,
    /// Finetune records by tweet.
    ValidTweet,
}

impl FrozenFamily {
    /// All of them, by discriminant.
    pub const ALL: [Self; 11] = [
        Self::TrainPair,
        Self::TrainAuthor,
        Self::TrainReader,
        Self::TrainLanguageReader,
        Self::TrainHashtagsReader,
        Self::ValidPair,
        Self::ValidAuthor,
        Self::ValidReader,
        Self::ValidLanguageReader,
        Self::ValidHashtagsReader,
        Self::ValidTweet,
    ];

    /// The name, as in column names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrainPair => "train.pair",
            Self::TrainAuthor => "train.author",
            Self::TrainReader => "train.reader",
            Self::TrainLanguageReader => "train.language_reader",
            Self::TrainHashtagsReader => "train.hashtags_reader",
            Self::ValidPair => "valid.pair",
            Self::ValidAuthor => "valid.author",
            Self::ValidReader => "valid.reader",
            Self::ValidLanguageReader => "valid.language_reader",
            Self::ValidHashtagsReader => "valid.hashtags_reader",
            Self::ValidTweet => "valid.tweet",
        }
    }

    /// Whether the table keeps the number of records without a reaction.
    pub const fn with_unreacted(self) -> bool {
        matches!(self, Self::ValidPair | Self::ValidAuthor | Self::ValidReader | Self::ValidTweet)
    }

    /// The table's file in a directory.
    pub fn file(self, directory: &Path) -> PathBuf {
        directory.join(format!("{self}.frozen"))
    }
}

impl fmt::Display for FrozenFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything a model has counted: the tables of [`FrozenFamily`] and the similar authors.
pub struct FrozenCounts {
    tables: [FrozenTable; FrozenFamily::ALL.len()],
    similar: FrozenSimilar,
}

/// Memory that [`FrozenCounts::numbers`] keeps from batch to batch.
#[derive(Default)]
pub struct LookupScratch {
    authors: Vec<Key>,
    readers: Vec<Key>,
    keys: Vec<Key>,
    tallies: Vec<Tally>,
}

impl FrozenCounts {
    /// The similar authors' file in a directory.
    pub fn similar_file(directory: &Path) -> PathBuf {
        directory.join("similar.frozen")
    }

    /// Maps all files of a directory: [`FrozenFamily::file`] for each family and [`FrozenCounts::similar_file`].
    ///
    /// # Errors
    /// As [`FrozenTable::open`] and [`FrozenSimilar::open`].
    pub fn open(directory: &Path) -> Result<Self, FrozenError> {
        let mut tables = Vec::with_capacity(FrozenFamily::ALL.len());
        for family in FrozenFamily::ALL {
            tables.push(FrozenTable::open(&family.file(directory))?);
        }
        let tables = tables.try_into().ok().expect("a table was opened for every family");
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

    /// The table of a family.
    pub fn table(&self, family: FrozenFamily) -> &FrozenTable {
        &self.tables[family as usize]
    }

    /// Writes the 65 counts of every record of a batch, in the order of the count columns. The batch has the ids of
    /// tweets, authors, readers and languages and the hashtags; its reactions are not looked at.
    ///
    /// # Errors
    /// [`FrozenError::Damaged`] where a table makes no sense.
    ///
    /// # Panics
    /// If `numbers` is not as long as the batch.
    pub fn numbers(
        &self,
        batch: &RecordBatch,
        scratch: &mut LookupScratch,
        numbers: &mut [[f64; COUNTS]],
    ) -> Result<(), FrozenError> {
        use FrozenFamily::*;
        let LookupScratch { authors, readers, keys, tallies } = scratch;
        fill(authors, batch.author.id.iter().map(|&id| Key::of(id)));
        fill(readers, batch.reader.id.iter().map(|&id| Key::of(id)));
        assert_eq!(numbers.len(), authors.len(), "a row of numbers for each record");
        let mut ask = |family: FrozenFamily, keys: &[Key], columns: Columns| -> Result<(), FrozenError> {
            tallies.resize(keys.len(), Tally::default());
            self.table(family).get_batch(keys, tallies)?;
            for (numbers, tally) in numbers.iter_mut().zip(&*tallies) {
                let counts = tally.reactions.as_count_order().map(f64::from);
                numbers[columns.first..columns.first + 4].copy_from_slice(&counts);
                if let Some(column) = columns.unreacted {
                    numbers[column] = tally.unreacted.into();
                }
            }
            Ok(())
        };

        ask(TrainAuthor, authors, Columns::from(4))?;
        ask(TrainReader, readers, Columns::from(8))?;
        ask(ValidAuthor, authors, Columns { first: 29, unreacted: Some(62) })?;
        ask(ValidReader, readers, Columns { first: 33, unreacted: Some(63) })?;
        ask(ValidAuthor, readers, Columns::from(53))?;
        ask(ValidReader, authors, Columns::from(57))?;
        fill(keys, authors.iter().zip(&*readers).map(|(author, &reader)| author.pair(reader)));
        ask(TrainPair, keys, Columns::from(0))?;
        ask(ValidPair, keys, Columns { first: 25, unreacted: Some(61) })?;
        fill(keys, authors.iter().zip(&*readers).map(|(&author, reader)| reader.pair(author)));
        ask(ValidPair, keys, Columns::from(49))?;
        fill(keys, batch.language.iter().zip(&*readers).map(|(&language, &reader)| Key::of(language).pair(reader)));
        ask(TrainLanguageReader, keys, Columns::from(12))?;
        ask(ValidLanguageReader, keys, Columns::from(37))?;
        fill(keys, batch.tweet.iter().map(|&tweet| Key::of(tweet)));
        ask(ValidTweet, keys, Columns { first: 45, unreacted: Some(64) })?;

        let hashtags = batch.hashtags.iter().zip(&*readers);
        fill(keys, hashtags.flat_map(|(hashtags, &reader)| hashtags.iter().map(move |&tag| Key::of(tag).pair(reader))));
        for (family, first) in [(TrainHashtagsReader, 16), (ValidHashtagsReader, 41)] {
            tallies.resize(keys.len(), Tally::default());
            self.table(family).get_batch(keys, tallies)?;
            for (record, numbers) in numbers.iter_mut().enumerate() {
                add(
                    &mut numbers[first..first + 4],
                    tallies[batch.hashtags.range(record)].iter().map(|tally| (1.0, tally)),
                );
            }
        }

        let similar = authors.iter().map(|&author| self.similar.get(author));
        fill(
            keys,
            similar
                .clone()
                .zip(&*readers)
                .flat_map(|((similar, _), &reader)| similar.iter().map(move |s| s.pair(reader))),
        );
        tallies.resize(keys.len(), Tally::default());
        self.table(TrainPair).get_batch(keys, tallies)?;
        let mut left = &tallies[..];
        for ((_, scores), numbers) in similar.zip(numbers) {
            let (own, later) = left.split_at(scores.len());
            add(&mut numbers[20..24], scores.iter().copied().zip(own));
            numbers[24] = scores.iter().fold(0.0, |mass, score| mass + score);
            left = later;
        }
        Ok(())
    }
}

/// Where the numbers of a tally go.
struct Columns {
    /// Column of the first of the four reactions.
    first: usize,
    /// Column of the records without a reaction.
    unreacted: Option<usize>,
}

impl From<usize> for Columns {
    fn from(first: usize) -> Self {
        Self { first, unreacted: None }
    }
}

fn fill(keys: &mut Vec<Key>, with: impl Iterator<Item = Key>) {
    keys.clear();
    keys.extend(with);
}

/// Sets four numbers to the weighted sums of tallies, added up in their order.
fn add<'a>(numbers: &mut [f64], weighted: impl Iterator<Item = (f64, &'a Tally)>) {
    numbers.fill(0.0);
    for (weight, tally) in weighted {
        for (number, &count) in numbers.iter_mut().zip(tally.reactions.as_count_order()) {
            *number += weight * f64::from(count);
        }
    }
}
