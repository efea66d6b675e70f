//! Examples from `.skim` parts and the features beside them.

use std::ops::Range;
use std::path::PathBuf;

use skimmer_formats::Id;
use skimmer_formats::columnar::{ColumnarError, Reader, ValueType};
use skimmer_formats::part::PartReader;
use skimmer_formats::record::Columns;

use super::{Examples, ExamplesError, Origin, Portion, Survey};
use crate::counts::{REAL_COLUMNS, column_names};
use crate::features::{COUNTS, Day, Example, Languages};

/// A part and its features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// The `.skim` part.
    pub part: PathBuf,
    /// The features of its records, in their order.
    pub features: PathBuf,
}

/// Examples from `.skim` files. Files are open only while they are read, one part at a time.
#[derive(Clone, Debug)]
pub struct StoredExamples {
    training: Vec<StoredPart>,
    validation: Option<StoredPart>,
    languages: Languages,
    survey: Survey,
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
        for stored in &training {
            let part = stored.open()?.part;
            for block in 0..part.blocks() {
                let records = part.read(block, SURVEYED)?;
                for row in 0..records.rows {
                    let day = Day::of(records.event_time(row));
                    survey.days.entry(day).or_default().add(records.reaction_set(row));
                }
                languages.extend(records.language);
                languages.sort_unstable();
                languages.dedup();
            }
        }
        let mut examples = Self { training, validation, languages: languages.into_iter().collect(), survey };
        examples.count_validation()?;
        Ok(examples)
    }

    /// The validation part alone, with the languages that a network knows.
    ///
    /// # Errors
    /// [`ExamplesError`].
    pub fn validation(validation: StoredPart, languages: Languages) -> Result<Self, ExamplesError> {
        let validation = Some(validation);
        let mut examples = Self { training: Vec::new(), validation, languages, survey: Survey::default() };
        examples.count_validation()?;
        Ok(examples)
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
            let columns = Example::COLUMNS.and(Columns::REACTIONS);
            let records = part.read(block, columns).map_err(ExamplesError::from)?;
            for (row, record) in part.block_rows(block).enumerate() {
                let at = counts.find(record).map_err(ExamplesError::from)?;
                if side.is_some() && counts.split.get(at).copied().and_then(side_of) != side {
                    continue;
                }
                example.set(&records, row, &counts.numbers[at], &self.languages);
                let origin = Origin { record: first_record + record, day: Day::of(records.event_time(row)) };
                visit(origin, &example)?;
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
        let (parts, side) = match portion {
            Portion::Training => (self.training.as_slice(), None),
            Portion::Finetune | Portion::HoldOut => (self.validation.as_slice(), Some(portion)),
        };
        let mut first_record = 0;
        for stored in parts {
            first_record += self.visit_part(stored, first_record, side, &mut visit)?;
        }
        Ok(())
    }
}

/// What the survey of training parts reads.
const SURVEYED: Columns = Columns::LANGUAGE.and(Columns::TWEET_TIME).and(Columns::REACTIONS);

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
