//! Examples from `.skim` parts and the features beside them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use skimlog_features::counts::{COUNTS, REAL_COLUMNS, column_names};
use skimlog_features::input::{Day, Example, Languages};
use skimlog_formats::Id;
use skimlog_formats::columnar::{ColumnarError, Reader, ValueType};
use skimlog_formats::part::PartReader;
use skimlog_formats::record::{Columns, RecordBatch};

use super::{Examples, ExamplesError, FEATURES_KIND, Origin, Portion, Survey};

/// A part and its features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// The `.skim` part.
    pub part: PathBuf,
    /// The features of its records, in their order.
    pub features: PathBuf,
}

/// Records with their counts.
#[derive(Clone, Debug, Default)]
pub struct CountedRecords {
    /// The records.
    pub records: RecordBatch,
    /// The 65 counts of each.
    pub counts: Vec<[f64; COUNTS]>,
    /// The rows that are asked for, ascending.
    pub rows: Vec<usize>,
}

/// The blocks of a part one after the other, with counts.
pub struct CountedBlocks {
    part: PartReader,
    counts: CountRows,
    side: Option<Portion>,
    columns: Columns,
    next_block: usize,
}

impl CountedBlocks {
    fn read(&mut self, block: usize) -> Result<CountedRecords, ExamplesError> {
        let records = self.part.read(block, self.columns)?;
        let (mut counts, mut rows) = (Vec::with_capacity(records.rows), Vec::new());
        for (row, record) in self.part.block_rows(block).enumerate() {
            let at = self.counts.find(record)?;
            counts.push(self.counts.numbers[at]);
            if self.side.is_none() || self.counts.split.get(at).copied().and_then(side_of) == self.side {
                rows.push(row);
            }
        }
        Ok(CountedRecords { records, counts, rows })
    }
}

impl Iterator for CountedBlocks {
    type Item = Result<CountedRecords, ExamplesError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.next_block;
        self.next_block += 1;
        (block < self.part.blocks()).then(|| self.read(block))
    }
}

impl StoredPart {
    /// These columns of the part's records, and their counts: of a training part all rows, of the validation part those
    /// of a portion.
    ///
    /// # Errors
    /// [`ExamplesError`] if the two files cannot be read or do not belong together.
    pub fn counted(&self, portion: Portion, columns: Columns) -> Result<CountedBlocks, ExamplesError> {
        let side = (portion != Portion::Training).then_some(portion);
        let Opened { part, features } = self.open()?;
        let counts = CountRows::new(features, side.is_some())?;
        Ok(CountedBlocks { part, counts, side, columns, next_block: 0 })
    }
}

/// Examples from `.skim` files. Files are open only while they are read, one part at a time.
#[derive(Clone, Debug)]
pub struct StoredExamples {
    training: Vec<TrainingPart>,
    validation: Option<StoredPart>,
    languages: Languages,
    survey: Survey,
    /// Days whose training records are passed over.
    left_out: BTreeSet<Day>,
}

/// A training part, and the days of its records.
#[derive(Clone, Debug)]
struct TrainingPart {
    stored: StoredPart,
    days: BTreeSet<Day>,
}

/// Name of the column that says on which side a validation record is.
const SPLIT: &str = "split";

impl StoredExamples {
    /// Examples of training parts and, if there is one, the validation part. Reads what it takes to count them and to
    /// know the languages of the training records.
    ///
    /// # Errors
    /// [`ExamplesError`].
    pub fn open(training: Vec<StoredPart>, validation: Option<StoredPart>) -> Result<Self, ExamplesError> {
        let mut survey = Survey::default();
        let mut languages: Vec<Id> = Vec::new();
        let mut parts = Vec::new();
        for stored in training {
            let part = stored.open()?.part;
            let (mut days, mut last) = (BTreeSet::new(), None);
            for block in 0..part.blocks() {
                let records = part.read(block, SURVEYED)?;
                for row in 0..records.rows {
                    let day = Day::of(records.event_time(row));
                    // Records of a day mostly stand together.
                    if last != Some(day) {
                        days.insert(day);
                        last = Some(day);
                    }
                    survey.days.entry(day).or_default().add(records.reaction_set(row));
                }
                languages.extend(records.language);
                languages.sort_unstable();
                languages.dedup();
            }
            parts.push(TrainingPart { stored, days });
        }
        let languages = languages.into_iter().collect();
        let mut examples = Self { training: parts, validation, languages, survey, left_out: BTreeSet::new() };
        examples.count_validation()?;
        Ok(examples)
    }

    /// The validation part alone, with the languages that a network knows.
    ///
    /// # Errors
    /// [`ExamplesError`].
    pub fn validation(validation: StoredPart, languages: Languages) -> Result<Self, ExamplesError> {
        let validation = Some(validation);
        let (training, survey, left_out) = Default::default();
        let mut examples = Self { training, validation, languages, survey, left_out };
        examples.count_validation()?;
        Ok(examples)
    }

    /// The same, numbering these languages, too.
    #[must_use]
    pub fn with_languages(mut self, more: &Languages) -> Self {
        self.languages = self.languages.ids().iter().chain(more.ids()).copied().collect();
        self
    }

    /// The same without the training records of these days. Parts without others are not read.
    #[must_use]
    pub fn without_days(mut self, days: &BTreeSet<Day>) -> Self {
        self.training.retain(|part| !part.days.is_subset(days));
        self.survey.days.retain(|day, _| !days.contains(day));
        self.left_out.extend(days);
        self
    }

    /// The languages, numbered as in the examples.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    fn count_validation(&mut self) -> Result<(), ExamplesError> {
        let Some(stored) = &self.validation else { return Ok(()) };
        let features = stored.open()?.features;
        let split = features.field(SPLIT)?;
        for block in 0..features.blocks() {
            for (record, side) in features.block_rows(block).zip(features.flat::<u8>(block, split)?) {
                match side_of(side) {
                    Some(Portion::Finetune) => self.survey.finetune += 1,
                    Some(_) => self.survey.hold_out += 1,
                    None => {
                        let features = stored.features.clone();
                        return Err(ExamplesError::Split { features, record, split: side });
                    }
                }
            }
        }
        Ok(())
    }

    fn visit_part<E: From<ExamplesError>>(
        &self,
        stored: &StoredPart,
        first_record: u64,
        side: Option<Portion>,
        visit: &mut impl FnMut(Origin, &Example) -> Result<(), E>,
    ) -> Result<u64, E> {
        let Opened { part, features } = stored.open()?;
        let mut counts = CountRows::new(features, side.is_some()).map_err(ExamplesError::from)?;
        let mut example = Example::default();
        for block in 0..part.blocks() {
            let columns = Example::COLUMNS.union(Columns::REACTIONS);
            let records = part.read(block, columns).map_err(ExamplesError::from)?;
            for (row, record) in part.block_rows(block).enumerate() {
                let day = Day::of(records.event_time(row));
                if side.is_none() && self.left_out.contains(&day) {
                    continue;
                }
                let at = counts.find(record).map_err(ExamplesError::from)?;
                if side.is_some() && counts.split.get(at).copied().and_then(side_of) != side {
                    continue;
                }
                example.set(&records, row, &counts.numbers[at], &self.languages);
                visit(Origin { record: first_record + record, day }, &example)?;
            }
        }
        Ok(part.rows())
    }
}

impl Examples for StoredExamples {
    fn survey(&self) -> &Survey {
        &self.survey
    }

    fn visit<E: From<ExamplesError>>(
        &self,
        portion: Portion,
        mut visit: impl FnMut(Origin, &Example) -> Result<(), E>,
    ) -> Result<(), E> {
        if portion != Portion::Training {
            let validation = self.validation.as_ref();
            return validation.map_or(Ok(()), |stored| self.visit_part(stored, 0, Some(portion), &mut visit).map(drop));
        }
        let mut first_record = 0;
        for part in &self.training {
            first_record += self.visit_part(&part.stored, first_record, None, &mut visit)?;
        }
        Ok(())
    }
}

/// What the survey of training parts reads.
const SURVEYED: Columns = Columns::LANGUAGE.union(Columns::TWEET_TIME).union(Columns::REACTIONS);

/// The side a value of the split column stands for.
fn side_of(split: u8) -> Option<Portion> {
    match split {
        0 => Some(Portion::Finetune),
        1 => Some(Portion::HoldOut),
        _ => None,
    }
}

struct Opened {
    part: PartReader,
    features: Reader,
}

impl StoredPart {
    fn open(&self) -> Result<Opened, ExamplesError> {
        let (part, features) = (PartReader::open(&self.part)?, Reader::open(&self.features)?);
        features.expect_kind(FEATURES_KIND)?;
        if !part.has_reactions() {
            return Err(ExamplesError::Unlabelled { part: self.part.clone() });
        }
        if part.rows() != features.rows() {
            return Err(ExamplesError::Rows {
                part: self.part.clone(),
                features_path: self.features.clone(),
                records: part.rows(),
                features: features.rows(),
            });
        }
        Ok(Opened { part, features })
    }
}

/// The counts of a part's records, block by block, turned into rows.
struct CountRows {
    reader: Reader,
    fields: [usize; COUNTS],
    split_field: Option<usize>,
    next_block: usize,
    rows: Range<u64>,
    numbers: Vec<[f64; COUNTS]>,
    split: Vec<u8>,
}

impl CountRows {
    fn new(reader: Reader, with_split: bool) -> Result<Self, ColumnarError> {
        let mut fields = [0; COUNTS];
        for ((field, name), real) in fields.iter_mut().zip(column_names()).zip(REAL_COLUMNS) {
            *field = reader.field(&name)?;
            reader.expect_type(*field, if real { ValueType::F64 } else { ValueType::U32 }, false)?;
        }
        let split_field = if with_split { Some(reader.field(SPLIT)?) } else { None };
        Ok(Self { reader, fields, split_field, next_block: 0, rows: 0..0, numbers: Vec::new(), split: Vec::new() })
    }

    /// Where a record's counts stand in `numbers`. Records are asked for in ascending order.
    fn find(&mut self, record: u64) -> Result<usize, ColumnarError> {
        while record >= self.rows.end {
            self.read_block()?;
        }
        Ok((record - self.rows.start) as usize)
    }

    fn read_block(&mut self) -> Result<(), ColumnarError> {
        self.rows = self.reader.block_rows(self.next_block);
        self.numbers.resize((self.rows.end - self.rows.start) as usize, [0.0; COUNTS]);
        for (count, (&field, real)) in self.fields.iter().zip(REAL_COLUMNS).enumerate() {
            let column = self.numbers.iter_mut().map(|row| &mut row[count]);
            if real {
                let values: Vec<f64> = self.reader.flat(self.next_block, field)?;
                column.zip(values).for_each(|(number, value)| *number = value);
            } else {
                let values: Vec<u32> = self.reader.flat(self.next_block, field)?;
                column.zip(values).for_each(|(number, value)| *number = value.into());
            }
        }
        if let Some(field) = self.split_field {
            self.split = self.reader.flat(self.next_block, field)?;
        }
        self.next_block += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
