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
