//! The golden files: 65 counts of 14,000 records, measured from the original.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use skimlog_features::counts::{COUNTS, CountInputs, CountSummary, REAL_COLUMNS, RecordSource, Shuffled, Split};
use skimlog_features::key::{self, Key};
use skimlog_formats::{Id, PerReaction, Reaction};

use crate::source::{Collected, MemoryPart, Record, SimilarLists, collect};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/small")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Splits a raw record at its separators, which is all the fields of interest need.
fn parse(line: &str) -> Record {
    let fields: Vec<&str> = line.split('\u{1}').collect();
    let id = |text: &str| Id::parse(text.as_bytes()).expect("an id");
    let time = |text: &str| (!text.is_empty()).then(|| text.parse().expect("a time"));
    let reactions = match fields.get(20..24) {
        Some(times) => PerReaction::from_order(Reaction::RECORD_ORDER, [0, 1, 2, 3].map(|at| time(times[at]))),
        None => PerReaction::default(),
    };
    Record {
        hashtags: fields[1].split('\t').filter(|text| !text.is_empty()).map(id).collect(),
        tweet: id(fields[2]),
        language: id(fields[7]),
        tweet_time: fields[8].parse().expect("a time"),
        author: id(fields[9]),
        reader: id(fields[14]),
        reactions,
    }
}

fn part(name: &str, block_rows: usize) -> MemoryPart {
    let records = read(&golden().join("raw").join(name)).lines().map(parse).collect();
    MemoryPart { name: name.to_owned(), records, block_rows }
}

fn similar() -> SimilarLists {
    let mut lists: HashMap<Key, (Vec<Key>, Vec<f64>)> = HashMap::new();
    for line in read(&golden().join("expected/author_similar_canonical.tsv")).lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let key = |text: &str| Key::of(Id::parse(text.as_bytes()).expect("an id"));
        let (authors, scores) = lists.entry(key(fields[0])).or_default();
        authors.push(key(fields[2]));
        scores.push(fields[3].parse().expect("a score"));
    }
    SimilarLists(lists)
}

fn split() -> Split {
    let text = read(&golden().join("expected/split_validation.tsv"));
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    for row in rows.iter().filter(|row| row[3] == "training") {
        let (number, chunk) = (row[4].parse().expect("a number"), row[5].parse::<u32>().expect("a chunk"));
        assert_eq!(key::chunk(number, 10), chunk, "chunk of finetune record {number}");
    }
    Split::from_bits(rows.iter().map(|row| row[3] == "holdout"), 10)
}

/// The expected numbers by part and line.
fn expected() -> HashMap<(String, usize), Vec<f64>> {
    let mut rows = HashMap::new();
    for entry in std::fs::read_dir(golden().join("expected")).expect("the expected files") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let wanted = ["train_set_all_", "validation_split_holdout", "validation_train_with_", "test_part"];
        if !wanted.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for line in read(&path).lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let numbers = fields[24..24 + COUNTS].iter().map(|text| text.parse().expect("a number")).collect();
            let line = (fields[2].to_owned(), fields[3].parse().expect("a line number"));
            assert!(rows.insert(line, numbers).is_none());
        }
    }
    rows
}

fn counted(
    memory_budget: u64,
    threads: usize,
    read_rows: usize,
    block_rows: usize,
) -> (Vec<MemoryPart>, Collected, CountSummary) {
    let names = ["train/part-00000", "train/part-00001", "validation/part-00000", "test/part-00000"];
    let parts: Vec<MemoryPart> = names.into_iter().map(|name| part(name, read_rows)).collect();
    let (similar, split) = (similar(), split());
    let sources: Vec<&dyn RecordSource> = parts.iter().map(|part| part as &dyn RecordSource).collect();
    let inputs = CountInputs {
        training: &sources[..2],
        validation: Some((sources[2], &split)),
        test: &sources[3..],
        similar: &similar,
    };
    let (collected, summary) = collect(&inputs, memory_budget, threads, block_rows);
    (parts, collected, summary)
}

#[test]
fn all_counts_equal_the_original() {
    let (parts, collected, summary) = counted(1 << 30, 2, 777, 1000);
    let mut expected = expected();
    assert_eq!(expected.len(), 14_000);
    for (part, rows) in parts.iter().zip(&collected.parts) {
        assert_eq!(part.records.len(), rows.len());
        for (line, row) in rows.iter().enumerate() {
            let numbers = expected.remove(&(part.name.clone(), line)).expect("an expected record");
            for column in 0..COUNTS {
                let (found, wanted) = match REAL_COLUMNS[column] {
                    true => (f64::from_bits(row[column]), numbers[column]),
                    false => (row[column] as f64, numbers[column]),
                };
                let tolerance = if REAL_COLUMNS[column] { 1e-9 * wanted.abs() } else { 0.0 };
                let equal = (found - wanted).abs() <= tolerance;
                assert!(equal, "{} line {line}: column {column} is {found}, expected {wanted}", part.name);
            }
        }
    }
    assert!(expected.is_empty());
    assert_eq!(summary.records, 14_000);
    assert_eq!(summary.visits.spilled + summary.answers.spilled, 0, "all in memory");
}

#[test]
fn memory_and_threads_do_not_show() {
    let (_, expected, _) = counted(1 << 30, 2, 777, 1000);
    for (memory_budget, threads, read_rows, block_rows) in
        [(0, 1, 5000, 1000), (20_000, 2, 100, 1000), (600_000, 1, 10_000, 9)]
    {
        let (_, collected, summary) = counted(memory_budget, threads, read_rows, block_rows);
        assert!(collected == expected, "budget {memory_budget}, {threads} threads");
        for Shuffled { bytes, spilled } in [summary.visits, summary.answers] {
            assert!(spilled > bytes / 4, "{spilled} of {bytes} bytes on disk with a budget of {memory_budget}");
        }
    }
}
