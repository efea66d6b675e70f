//! Tests with the golden files: every record's features as the published solution computed them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
use skimlog_formats::{Id, PerReaction, Reaction, ReactionSet};

use super::{
    Batch, Example, FLAGS, Flag, Flags, InputBuilder, Languages, Layout, NUMBERS, SCALARS, SparseRows, TweetSketch,
};
use crate::counts::COUNTS;

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(golden(path)).unwrap()
}

fn records(path: &str) -> RecordBatch {
    let text = text(path);
    let (mut scanner, mut records) =
        (RecordScanner::new(text.as_bytes(), RecordOptions::default()), RecordBatch::default());
    while let Some(read) = scanner.read(&mut records) {
        read.unwrap();
    }
    records
}

#[test]
fn every_record_has_its_flags_ids_labels_and_scalars() {
    let parts = ["train/part-00000", "train/part-00001", "validation/part-00000", "test/part-00000"];
    let parts: BTreeMap<&str, RecordBatch> =
        parts.into_iter().map(|part| (part, records(&format!("small/raw/{part}")))).collect();
    let training = ["train/part-00000", "train/part-00001"].map(|part| &parts[part]);
    let languages: Languages = training.iter().flat_map(|part| part.language.iter().copied()).collect();

    // The published solution numbers the languages in another order.
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for line in text("small/expected/language2id.tsv").lines().skip(1) {
        let (language, number) = line.split_once('\t').unwrap();
        numbers.insert(number.parse().unwrap(), languages.index(Id::parse(language.as_bytes()).unwrap()));
    }
    assert!(numbers.len() == languages.len() && numbers.values().all(|&number| number < languages.len() as u32));
    numbers.insert(languages.len() as u32, languages.len() as u32);

    let mut checked = 0;
    for file in std::fs::read_dir(golden("small/expected")).unwrap() {
        let table = std::fs::read_to_string(file.unwrap().path()).unwrap();
        if !table.starts_with("pos\tsha1\tsrc_file\tsrc_line\t") {
            continue;
        }
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let (records, row) = (&parts[fields[2]], fields[3].parse().unwrap());
            let mut example = Example::default();
            let counts: [f64; COUNTS] = std::array::from_fn(|count| fields[24 + count].parse().unwrap());
            example.set(records, row, &counts, &languages);

            let labels = Reaction::NETWORK_ORDER.into_iter().zip(&fields[5..9]);
            let labels: ReactionSet = labels.filter(|(_, field)| **field == "1").map(|(label, _)| label).collect();
            assert_eq!(example.labels, (!fields[5].is_empty()).then_some(labels), "{line}");
            assert_eq!(example.language, numbers[&fields[9].parse().unwrap()], "{line}");
            assert_eq!([example.hour, example.day], [fields[10], fields[11]].map(|field| field.parse::<u8>().unwrap()));
            assert_eq!(example.flags.as_numbers(), <[_; FLAGS]>::try_from(floats(&fields[12..24])).unwrap());
            let expected: [f64; SCALARS] = std::array::from_fn(|scalar| fields[89 + scalar].parse().unwrap());
            assert_eq!(example.numbers[COUNTS..], expected, "{line}");
            if !fields[4].is_empty() {
                assert_eq!(records.event_time(row).to_string(), fields[4]);
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 14_000);
}

fn floats(fields: &[&str]) -> Vec<f32> {
    fields.iter().map(|field| field.parse().unwrap()).collect()
}

/// The golden sketches, asked for in their order.
struct Stored(std::cell::RefCell<std::vec::IntoIter<Vec<(u32, f32)>>>);

impl TweetSketch for Stored {
    fn sketch(&self, _tokens: &[u32], rows: &mut SparseRows) {
        for (column, value) in self.0.borrow_mut().next().unwrap() {
            rows.columns.push(column);
            rows.values.push(value);
        }
        rows.offsets.push(rows.columns.len() as u32);
    }
}

#[test]
fn the_input_stands_where_the_published_solution_has_it() {
    let layout = Layout { sketch_depth: 20, sketch_width: 256, logarithms: false, languages: 66 };
    let width = layout.dense_range().end;
    let golden_input: Vec<f64> = std::fs::read(golden("features/input_60x6300_f64le.bin"))
        .unwrap()
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let sketches: Vec<Vec<(u32, f32)>> = text("features/sketches.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let cells = line.split('\t').nth(5).unwrap().split(' ');
            cells
                .map(|cell| cell.split_once(':').unwrap())
                .map(|(c, v)| (c.parse().unwrap(), v.parse().unwrap()))
                .collect()
        })
        .collect();
    let builder = InputBuilder::new(Stored(std::cell::RefCell::new(sketches.into_iter())), layout);
    let mut batch = Batch::default();
    for (line, input) in text("features/rows73.tsv").lines().zip(golden_input.chunks_exact(width)) {
        let numbers: Vec<f64> = line.split('\t').map(|field| field.parse().unwrap()).collect();
        let flags = &input[layout.dense_range().start + NUMBERS * super::FOURIER_TERMS..];
        let bits = Flag::ALL.into_iter().filter(|&flag| flags[flag as usize] == 1.0).map(|flag| 1 << flag as u16).sum();
        let flags = Flags::from_bits(bits);
        let labels = Some(ReactionSet::from_iter([Reaction::Quote]));
        builder
            .push(&Example { numbers: numbers.try_into().unwrap(), flags, labels, ..Example::default() }, &mut batch);
    }
    assert_eq!((batch.rows, batch.sparse.rows(), batch.dense.len()), (60, 60, 60 * Layout::DENSE));
    assert_eq!(batch.labels[59], PerReaction::from_count_order([0.0, 0.0, 0.0, 1.0]));
    for (row, expected) in golden_input.chunks_exact(width).enumerate() {
        let mut input = vec![0.0; width];
        let (columns, values) = batch.sparse.row(row);
        columns.iter().zip(values).for_each(|(&column, &value)| input[column as usize] = value);
        input[layout.dense_range()].copy_from_slice(&batch.dense[row * Layout::DENSE..][..Layout::DENSE]);
        for (column, (ours, golden)) in input.iter().zip(expected).enumerate() {
            assert!((f64::from(*ours) - golden).abs() < 1e-6, "row {row}, column {column}: {ours} for {golden}");
        }
    }
}
