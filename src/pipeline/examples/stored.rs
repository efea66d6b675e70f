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
mod tests {
    use std::fs::File;
    use std::path::Path;

    use skimlog_formats::columnar::{ColumnRef, Field, Schema, Writer, encode_block};
    use skimlog_formats::part::{PartWriter, encode};
    use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};

    use super::*;

    /// Reads the first records of a golden part.
    fn records(part: &str, rows: usize) -> RecordBatch {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/small/raw").join(part);
        let text = std::fs::read(path).unwrap();
        let (mut scanner, mut records) = (RecordScanner::new(&text, RecordOptions::default()), RecordBatch::default());
        while records.rows < rows {
            scanner.read(&mut records).unwrap().unwrap();
        }
        records
    }

    /// Count `count` of record `row` of the file of this number.
    fn number(file: usize, row: usize, count: usize) -> f64 {
        (file * 1_000_000 + row * 100 + count) as f64
    }

    /// Writes a part, and features in blocks of seven rows.
    fn store(directory: &Path, file: usize, records: &RecordBatch, split: Option<&[u8]>) -> StoredPart {
        let paths = ["part", "features"].map(|name| directory.join(format!("{name}-{file}.skim")));
        let [part, features] = paths;
        let mut writer = PartWriter::new(File::create(&part).unwrap(), records.reactions.is_some()).unwrap();
        writer.append(encode(records).unwrap()).unwrap();
        writer.finish().unwrap();

        let types = REAL_COLUMNS.map(|real| if real { ValueType::F64 } else { ValueType::U32 });
        let mut fields: Vec<Field> = column_names().zip(types).map(|(name, value)| Field::flat(name, value)).collect();
        fields.extend(split.map(|_| Field::flat(SPLIT, ValueType::U8)));
        let schema = Schema::new(FEATURES_KIND, fields);
        let mut writer = Writer::new(File::create(&features).unwrap(), &schema).unwrap();
        for first in (0..records.rows).step_by(7) {
            let rows = first..records.rows.min(first + 7);
            let reals: Vec<Vec<f64>> =
                (0..COUNTS).map(|count| rows.clone().map(|row| number(file, row, count)).collect()).collect();
            let counts: Vec<Vec<u32>> =
                reals.iter().map(|values| values.iter().map(|&value| value as u32).collect()).collect();
            let mut columns: Vec<ColumnRef<'_>> = (0..COUNTS)
                .map(|count| match REAL_COLUMNS[count] {
                    true => ColumnRef::flat(&reals[count]),
                    false => ColumnRef::flat(&counts[count]),
                })
                .collect();
            columns.extend(split.map(|split| ColumnRef::flat(&split[rows])));
            writer.append(encode_block(&schema, &columns).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        StoredPart { part, features }
    }

    #[test]
    fn every_record_comes_with_its_own_counts() {
        let directory = tempfile::tempdir().unwrap();
        let training = [records("train/part-00000", 40), records("train/part-00001", 23)];
        let validation = records("validation/part-00000", 30);
        let split: Vec<u8> = (0..30).map(|row| u8::from(row % 4 == 1)).collect();
        let stored: Vec<StoredPart> =
            (0..).zip(&training).map(|(file, records)| store(directory.path(), file, records, None)).collect();
        let stored_validation = store(directory.path(), 2, &validation, Some(&split));
        let examples = StoredExamples::open(stored, Some(stored_validation.clone())).unwrap();
        let survey = examples.survey();
        assert_eq!((survey.finetune, survey.hold_out), (22, 8));
        assert_eq!(survey.days.values().map(|tally| tally.records).sum::<u64>(), 63);
        assert!(training[1].language.iter().all(|&language| examples.languages().index(language) < 65));

        let sources: Vec<(usize, usize, &RecordBatch)> = (0..)
            .zip(&training)
            .flat_map(|(file, records)| (0..records.rows).map(move |row| (file, row, records)))
            .collect();
        let rows_of = |side: u8| (0..30).filter(|&row| split[row] == side).map(|row| (2, row, &validation)).collect();
        let portions = [(Portion::Training, sources), (Portion::Finetune, rows_of(0)), (Portion::HoldOut, rows_of(1))];
        for (portion, expected) in portions {
            let mut expected = expected.into_iter();
            let visit = |origin: Origin, example: &Example| {
                let (file, row, records) = expected.next().unwrap();
                let mut own = Example::default();
                let counts = std::array::from_fn(|count| number(file, row, count));
                own.set(records, row, &counts, examples.languages());
                assert_eq!(*example, own);
                let first = if file == 1 { 40 } else { 0 };
                let day = Day::of(records.event_time(row));
                assert_eq!(origin, Origin { record: first + row as u64, day });
                Ok::<(), ExamplesError>(())
            };
            examples.visit(portion, visit).unwrap();
            assert!(expected.next().is_none());
        }

        // The golden part's days, all but the first left out, then all of them.
        let days: BTreeSet<Day> = survey.days.keys().copied().collect();
        let seen = |examples: &StoredExamples| {
            let mut seen = Vec::new();
            let visit = |origin: Origin, _: &Example| {
                seen.push(origin.day);
                Ok::<(), ExamplesError>(())
            };
            examples.visit(Portion::Training, visit).unwrap();
            seen
        };
        let (first, others) = (*days.first().unwrap(), days.iter().copied().skip(1).collect());
        let left = examples.clone().without_days(&others);
        assert_eq!(left.survey().days.keys().copied().collect::<Vec<_>>(), [first]);
        assert_eq!(seen(&left).len() as u64, left.survey().days[&first].records);
        assert!(seen(&left).iter().all(|&day| day == first));
        let none = examples.clone().without_days(&days);
        assert!(none.training.is_empty() && seen(&none).is_empty() && none.survey().hold_out == 8);
        let more: Languages = [Id([0; 16])].into_iter().collect();
        let known = examples.clone().with_languages(&more);
        assert_eq!(known.languages().len(), examples.languages().len() + 1);

        let alone = StoredExamples::validation(stored_validation, examples.languages().clone()).unwrap();
        assert_eq!((alone.survey().hold_out, alone.survey().days.len()), (8, 0));
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let short = store(directory.path(), 0, &records("train/part-00000", 10), None);
        let long = store(directory.path(), 1, &records("train/part-00000", 11), None);
        let open = |stored| StoredExamples::open(vec![stored], None).unwrap_err().to_string();
        let mixed = StoredPart { part: short.part.clone(), features: long.features };
        assert!(open(mixed).contains("has 10 records and its features"));
        assert!(open(StoredPart { part: short.part.clone(), features: short.part.clone() }).contains("kind"));

        let test = store(directory.path(), 2, &records("test/part-00000", 10), None);
        assert!(open(test).contains("20 fields"));
        let validation = store(directory.path(), 3, &records("validation/part-00000", 3), Some(&[0, 2, 1]));
        let error = StoredExamples::open(vec![short.clone()], Some(validation)).unwrap_err().to_string();
        assert!(error.contains("record 1: split 2"), "{error}");
        let error = StoredExamples::open(vec![], Some(short)).unwrap_err().to_string();
        assert!(error.contains("no column \"split\""), "{error}");
    }
}
