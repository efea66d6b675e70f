//! What is written against what is computed record by record, in memory.

use std::fs::{self, File};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch as ArrowBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use skimlog_features::counts::{COUNTS, REAL_COLUMNS, column_names};
use skimlog_features::input::{Batch, Example, Flag, InputBuilder, Languages, Layout, number_names};
use skimlog_features::sketch::{SketchShape, TokenCodes};
use skimlog_formats::columnar::{ColumnRef, Field, Schema, ValueType, Writer, encode_block};
use skimlog_formats::part::{PartWriter, encode};
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
use skimlog_formats::{Id, Reaction};
use skimlog_runtime::progress::Silent;

use super::*;
use crate::pipeline::examples::{FEATURES_KIND, Portion, StoredPart};

/// The first records of a golden part.
fn records(part: &str, rows: usize) -> RecordBatch {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/small/raw").join(part);
    let text = fs::read(path).unwrap();
    let (mut scanner, mut records) = (RecordScanner::new(&text, RecordOptions::default()), RecordBatch::default());
    while records.rows < rows {
        scanner.read(&mut records).unwrap().unwrap();
    }
    records
}

/// Writes a part in one block, and its counts in blocks of `rows_a_block`.
fn store(
    folder: &Path,
    name: &str,
    records: &RecordBatch,
    counts: &[[f64; COUNTS]],
    split: Option<&[u8]>,
    rows_a_block: usize,
) -> StoredPart {
    let [part, features] = ["part", "features"].map(|kind| folder.join(format!("{name}-{kind}.skim")));
    let mut writer = PartWriter::new(File::create(&part).unwrap(), true).unwrap();
    writer.append(encode(records).unwrap()).unwrap();
    writer.finish().unwrap();
    let types = REAL_COLUMNS.map(|real| if real { ValueType::F64 } else { ValueType::U32 });
    let mut fields: Vec<Field> = column_names().zip(types).map(|(name, value)| Field::flat(name, value)).collect();
    fields.extend(split.map(|_| Field::flat("split", ValueType::U8)));
    let schema = Schema::new(FEATURES_KIND, fields);
    let mut writer = Writer::new(File::create(&features).unwrap(), &schema).unwrap();
    for first in (0..records.rows).step_by(rows_a_block) {
        let rows = first..records.rows.min(first + rows_a_block);
        let column = |count: usize| rows.clone().map(move |row| counts[row][count]);
        let reals: Vec<Vec<f64>> = (0..COUNTS).map(|count| column(count).collect()).collect();
        let whole: Vec<Vec<u32>> = (0..COUNTS).map(|count| column(count).map(|value| value as u32).collect()).collect();
        let of = |count: usize| {
            if REAL_COLUMNS[count] { ColumnRef::flat(&reals[count]) } else { ColumnRef::flat(&whole[count]) }
        };
        let mut columns: Vec<ColumnRef<'_>> = (0..COUNTS).map(of).collect();
        columns.extend(split.map(|split| ColumnRef::flat(&split[rows.clone()])));
        writer.append(encode_block(&schema, &columns).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    StoredPart { part, features }
}

/// A record by its definition: ids, then labels, numbers, flags, language, hour, day, and the matrix.
type Naive = (Id, Id, Vec<f64>, Vec<f32>);

fn naive(
    records: &RecordBatch,
    counts: &[[f64; COUNTS]],
    row: usize,
    content: &Content,
    languages: &Languages,
) -> Naive {
    let mut example = Example::default();
    example.set(records, row, &counts[row], languages);
    let is = |so: bool| f64::from(u8::from(so));
    let mut values: Vec<f64> =
        Reaction::NETWORK_ORDER.iter().map(|&reaction| is(records.reaction_set(row).contains(reaction))).collect();
    let mut matrix = Vec::new();
    match content {
        Content::Features { sketch } => {
            values.extend(example.numbers);
            values.extend(Flag::ALL.map(|flag| is(example.flags.contains(flag))));
            if let Some(codes) = sketch {
                matrix = vec![0.0; codes.shape().depth() * codes.shape().width()];
                let mut rows = Batch::default().sparse;
                codes.sketch(&example.tokens, &mut rows);
                let (columns, sketch) = rows.row(0);
                columns.iter().zip(sketch).for_each(|(&column, &value)| matrix[column as usize] = value);
            }
        }
        Content::NetworkInput { inputs, layout } => {
            let mut batch = Batch::default();
            inputs.push(&example, &mut batch);
            batch.write_matrix(*layout, &mut matrix);
        }
    }
    values.extend([f64::from(example.language), example.hour.into(), example.day.into()]);
    (records.tweet[row], records.reader.id[row], values, matrix)
}

/// What a table holds, as [`naive`] has it; the columns between ids and matrix by their order.
fn read(batches: impl Iterator<Item = ArrowBatch>, content: &Content) -> Vec<Naive> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let mut names: Vec<String> = ["tweet_id", "reader_id"].map(str::to_owned).to_vec();
        names.extend(Reaction::NETWORK_ORDER.map(|reaction| reaction.name().to_owned()));
        if let Content::Features { .. } = content {
            names.extend(number_names().chain(Flag::ALL.map(|flag| flag.name().to_owned())));
        }
        names.extend(["language", "hour", "day"].map(str::to_owned));
        names.extend(content.matrix_width().map(|_| content.matrix_name().to_owned()));
        assert_eq!(schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>(), names);
        let number = |column: &dyn Array, row: usize| match column.data_type().to_string().as_str() {
            "Boolean" => f64::from(u8::from(column.as_boolean().value(row))),
            "Float64" => column.as_primitive::<Float64Type>().value(row),
            "Int64" => column.as_primitive::<Int64Type>().value(row) as f64,
            other => panic!("{other}"),
        };
        let ids =
            |column: usize, row| Id::parse(batch.column(column).as_string::<i32>().value(row).as_bytes()).unwrap();
        let end = batch.num_columns() - usize::from(content.matrix_width().is_some());
        for row in 0..batch.num_rows() {
            let values = (2..end).map(|column| number(batch.column(column), row)).collect();
            let matrix = content.matrix_width().map_or_else(Vec::new, |_| {
                let row = batch.column(end).as_fixed_size_list().value(row);
                row.as_primitive::<Float32Type>().values().to_vec()
            });
            rows.push((ids(0, row), ids(1, row), values, matrix));
        }
    }
    rows
}

/// The arrays of a folder, with numpy's type and shape, and the bytes.
fn array(folder: &Path, name: &str) -> (String, Vec<u8>) {
    let bytes = fs::read(folder.join(format!("{name}.npy"))).unwrap();
    assert_eq!((&bytes[..8], bytes.len() >= 128), (&b"\x93NUMPY\x01\x00"[..], true));
    let header = std::str::from_utf8(&bytes[10..128]).unwrap().trim_end().to_owned();
    (header, bytes[128..].to_vec())
}

fn read_npy(folder: &Path, content: &Content, rows: usize) -> Vec<Naive> {
    let of = |name: &str, kind: &str, width: usize, size: usize| {
        let (header, bytes) = array(folder, name);
        let shape = if width == 0 { format!("({rows},)") } else { format!("({rows}, {width})") };
        assert_eq!(header, format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"), "{name}");
        assert_eq!(bytes.len(), rows * width.max(1) * size, "{name}");
        bytes
    };
    let bools = |bytes: Vec<u8>| bytes.into_iter().map(f64::from).collect::<Vec<f64>>();
    let longs = |name| -> Vec<f64> {
        of(name, "<i8", 0, 8).chunks(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()) as f64).collect()
    };
    let (tweets, readers) = (of("tweet_id", "|S32", 0, 32), of("reader_id", "|S32", 0, 32));
    let labels = bools(of("labels", "|b1", 4, 1));
    let (mut numbers, mut flags) = (Vec::new(), Vec::new());
    if let Content::Features { .. } = content {
        let bytes = of("numbers", "<f8", 73, 8);
        numbers = bytes.chunks(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect();
        flags = bools(of("flags", "|b1", 12, 1));
    }
    let ids = ["language", "hour", "day"].map(longs);
    let width = content.matrix_width().unwrap_or(0);
    let matrix: Vec<f32> = match width {
        0 => Vec::new(),
        _ => of(content.matrix_name(), "<f4", width, 4)
            .chunks(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect(),
    };
    (0..rows)
        .map(|row| {
            let id = |ids: &[u8]| Id::parse(&ids[row * 32..][..32]).unwrap();
            let mut values = labels[row * 4..][..4].to_vec();
            if !numbers.is_empty() {
                values.extend(&numbers[row * 73..][..73]);
                values.extend(&flags[row * 12..][..12]);
            }
            values.extend(ids.each_ref().map(|ids| ids[row]));
            (id(&tweets), id(&readers), values, matrix[row * width..][..width].to_vec())
        })
        .collect()
}

fn written(source: Source, form: Form, content: &Content, languages: &Languages, threads: usize) -> Vec<Naive> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let threads = NonZeroUsize::new(threads).unwrap();
    let options = Options { content: content.clone(), form, languages, own: &Dictionaries::default(), threads };
    let rows = assemble(source, &options, &path, &Silent).unwrap() as usize;
    match form {
        Form::Npy => read_npy(&path, content, rows),
        Form::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
            read(reader.build().unwrap().map(Result::unwrap), content)
        }
        Form::Arrow => {
            let reader = arrow_ipc::reader::FileReader::try_new(File::open(&path).unwrap(), None).unwrap();
            read(reader.map(Result::unwrap), content)
        }
    }
}

fn contents(languages: &Languages) -> [Content; 3] {
    let codes: Vec<u16> = (0..2 * 3 * 40u16).map(|code| code % 5).collect();
    let tokens: Vec<u32> = (100..220).step_by(3).collect();
    let codes = TokenCodes::new(SketchShape::new(6, 5).unwrap(), 1, &tokens, &codes[..6 * tokens.len()]).unwrap();
    let layout = Layout { sketch_depth: 6, sketch_width: 5, logarithms: true, languages: languages.len() };
    let inputs = InputBuilder::new(Some(codes.clone()), layout);
    [
        Content::Features { sketch: None },
        Content::Features { sketch: Some(codes) },
        Content::NetworkInput { inputs, layout },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn every_form_holds_what_every_record_gives(
        sizes in (1usize..1_300, 1usize..40),
        seed in any::<u64>(),
        rows_a_block in 1usize..50,
        threads in 1usize..4,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let parts = [("train/part-00000", sizes.0), ("train/part-00001", sizes.1), ("validation/part-00000", 60)];
        let parts = parts.map(|(part, rows)| records(part, rows));
        // Counts of every size, fractions where there may be some.
        let count = |part: u64, row: usize, count: usize| {
            let mixed = (seed ^ part << 40 ^ (row * COUNTS + count) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let whole = (mixed >> 32) as u32 >> (mixed & 31);
            f64::from(whole) + if REAL_COLUMNS[count] { 0.375 } else { 0.0 }
        };
        let counts: Vec<Vec<[f64; COUNTS]>> = (0..).zip(&parts).map(|(part, records)| {
            (0..records.rows).map(|row| std::array::from_fn(|number| count(part, row, number))).collect()
        }).collect();
        let split: Vec<u8> = (0..60).map(|row| (seed >> row) as u8 & 1).collect();
        let stored: Vec<StoredPart> = (0..3usize).map(|part| {
            let split = (part == 2).then_some(&split[..]);
            store(folder.path(), &part.to_string(), &parts[part], &counts[part], split, rows_a_block)
        }).collect();
        // The last part's languages need not be known.
        let languages: Languages = parts[..2].iter().flat_map(|records| records.language.iter().copied()).collect();
        let chosen = |portion: Portion| -> Vec<(usize, usize)> {
            let side = |wanted: u8| (0..60).filter(|&row| split[row] == wanted).map(|row| (2, row)).collect();
            match portion {
                Portion::Training => {
                    (0..2).flat_map(|part| (0..parts[part].rows).map(move |row| (part, row))).collect()
                }
                Portion::Finetune => side(0),
                Portion::HoldOut => side(1),
            }
        };
        for content in contents(&languages) {
            for portion in [Portion::Training, Portion::Finetune, Portion::HoldOut] {
                let expected: Vec<Naive> = chosen(portion).into_iter().map(|(part, row)| {
                    naive(&parts[part], &counts[part], row, &content, &languages)
                }).collect();
                for form in [Form::Parquet, Form::Arrow, Form::Npy] {
                    let of = if portion == Portion::Training { &stored[..2] } else { &stored[2..] };
                    let source = Source::stored(of.to_vec(), portion).unwrap();
                    let rows = written(source, form, &content, &languages, threads);
                    prop_assert!(rows == expected, "{form:?} {portion:?}");
                }
            }
        }
    }
}

#[test]
fn an_error_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let records = records("train/part-00000", 9);
    let counts = vec![[1.0; COUNTS]; 9];
    let stored = store(folder.path(), "a", &records, &counts, None, 4);
    let other = StoredPart { features: stored.part.clone(), ..stored.clone() };
    let languages = Languages::default();
    for form in [Form::Parquet, Form::Arrow, Form::Npy] {
        let source = Source::stored(vec![stored.clone(), other.clone()], Portion::Training).unwrap();
        let content = Content::Features { sketch: None };
        let options =
            Options { content, form, languages: &languages, own: &Dictionaries::default(), threads: NonZeroUsize::MIN };
        let path = folder.path().join("out");
        let error = assemble(source, &options, &path, &Silent).unwrap_err().to_string();
        assert!(error.contains("kind"), "{error}");
        assert!(!path.exists());
    }
}
