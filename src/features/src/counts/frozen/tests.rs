//! Tables against a map, damaged files, and the 65 numbers against the golden ones.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
use skimlog_formats::{Id, PerReaction, Reaction};

use super::*;
use crate::counts::{COUNTS, Counter, Period, ReactionCounts, Table};
use crate::key::Key;
use crate::similar::SimilarAuthors;

fn write(path: &Path, counts: &BTreeMap<Key, ReactionCounts>, expected_rows: u64, with_unreacted: bool) {
    let mut writer = FrozenTableWriter::create(path, expected_rows, with_unreacted).unwrap();
    counts.iter().for_each(|(&key, counts)| writer.push(key, counts).unwrap());
    let stored =
        |counts: &&ReactionCounts| counts.reactions != PerReaction::default() || with_unreacted && counts.unreacted > 0;
    assert_eq!(writer.finish().unwrap(), counts.values().filter(stored).count() as u64);
}

fn counts() -> impl Strategy<Value = ReactionCounts> {
    let count = prop_oneof![6 => Just(0u32), 3 => Just(1u32), 1 => 0u32..200, 1 => any::<u32>()];
    prop::array::uniform5(count).prop_map(|[like, reply, retweet, quote, unreacted]| ReactionCounts {
        reactions: PerReaction::from_count_order([like, reply, retweet, quote]),
        unreacted,
    })
}

/// Keys as hashes are, and keys that crowd in one bucket.
fn key() -> impl Strategy<Value = Key> {
    prop_oneof![4 => any::<u64>(), 1 => 0u64..50, 1 => u64::MAX - 50..=u64::MAX].prop_map(Key)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_table_is_a_map(
        counts in prop::collection::btree_map(key(), counts(), 0..900),
        unknown in prop::collection::vec(key(), 0..50),
        expected_rows in prop_oneof![Just(0u64), Just(900), 0u64..100_000],
        with_unreacted: bool,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.frozen");
        write(&path, &counts, expected_rows, with_unreacted);
        let table = FrozenTable::open(&path).unwrap();
        table.verify().unwrap();
        let keys: Vec<Key> = counts.keys().copied().chain(unknown).collect();
        let expected: Vec<ReactionCounts> = keys.iter().map(|key| {
            let mut counts = counts.get(key).copied().unwrap_or_default();
            if !with_unreacted {
                counts.unreacted = 0;
            }
            counts
        }).collect();
        let mut found = vec![ReactionCounts::default(); keys.len()];
        table.get_batch(&keys, &mut found).unwrap();
        prop_assert_eq!(&found, &expected);
        for (&key, expected) in keys.iter().zip(&expected) {
            prop_assert_eq!(&table.get(key).unwrap(), expected);
        }
    }
}

fn like(count: u32) -> ReactionCounts {
    ReactionCounts { reactions: PerReaction::from_count_order([count, 0, 0, 0]), unreacted: 0 }
}

/// A table of 2,000 keys, with more different counts than a dictionary has.
fn sample(path: &Path) -> BTreeMap<Key, ReactionCounts> {
    let spread = |i: u64| Key(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let counts = (1..2001).map(|i| (spread(i), like(if i % 3 == 0 { i as u32 } else { 1 }))).collect();
    write(path, &counts, 2000, true);
    counts
}

#[test]
fn keys_must_ascend() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.frozen");
    let mut writer = FrozenTableWriter::create(&path, 10, true).unwrap();
    writer.push(Key(5), &like(1)).unwrap();
    assert!(matches!(writer.push(Key(5), &like(1)), Err(FrozenError::Order { previous: 5, key: 5, .. })));
    drop(writer);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "an unfinished table leaves nothing behind");
}

#[test]
fn a_table_cut_short_anywhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.frozen");
    sample(&path);
    let whole = fs::read(&path).unwrap();
    for length in (0..300).chain((300..whole.len()).step_by(97)).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..length]).unwrap();
        let message = FrozenTable::open(&path).err().map(|error| error.to_string()).unwrap();
        assert!(message.contains("table.frozen: byte ") && message.contains("cut short"), "{message}");
    }
}

#[test]
fn a_flipped_byte_is_found_and_never_panics() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.frozen");
    let counts = sample(&path);
    let whole = fs::read(&path).unwrap();
    for at in (0..300).chain((300..whole.len()).step_by(31)) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x41;
        fs::write(&path, &damaged).unwrap();
        let Ok(table) = FrozenTable::open(&path) else { continue };
        assert!(at >= 256, "the header's byte {at} is not checked");
        assert!(table.verify().is_err(), "byte {at} is not checked");
        for &key in counts.keys() {
            let _ = table.get(key);
        }
    }
}

#[test]
fn a_section_that_begins_nowhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.frozen");
    sample(&path);
    let whole = fs::read(&path).unwrap();
    for section in 0..4 {
        let mut damaged = whole.clone();
        damaged[48 + 24 * section..][..8].fill(0);
        damaged[48 + 24 * section + 8..][..8].fill(0x7F);
        let checksum = xxhash_rust::xxh3::xxh3_64(&damaged[..248]);
        damaged[248..256].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&path, &damaged).unwrap();
        let message = FrozenTable::open(&path).err().map(|error| error.to_string()).unwrap();
        assert!(message.contains("begins where it cannot"), "{message}");
    }
}

#[test]
fn another_version_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.frozen");
    sample(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, bytes).unwrap();
    let message = FrozenTable::open(&path).err().unwrap().to_string();
    assert!(message.contains("layout version 9, this program reads version 1"), "{message}");
    assert!(FrozenSimilar::open(&path).is_err());
}

/// What the golden files say of a record: the position of each column by its name, and the rows.
struct Golden {
    columns: HashMap<String, usize>,
    rows: Vec<Vec<String>>,
}

impl Golden {
    fn read(file: &str) -> Self {
        let text = fs::read_to_string(format!("../../fixtures/golden/small/expected/{file}")).unwrap();
        let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
        let columns = lines.next().unwrap().into_iter().zip(0..).collect();
        Self { columns, rows: lines.collect() }
    }

    fn get<'a>(&self, row: &'a [String], column: &str) -> &'a str {
        &row[self.columns[column]]
    }
}

fn id(text: &str) -> Id {
    Id::parse(text.as_bytes()).unwrap()
}

/// The chosen records of raw files.
fn records(files: &[&str], with_reactions: bool, chosen: impl Fn(usize) -> bool) -> RecordBatch {
    let texts = files.iter().map(|file| fs::read_to_string(format!("../../fixtures/golden/small/raw/{file}")).unwrap());
    let text: String = texts.collect();
    let lines = text.split_inclusive('\n').enumerate().filter(|&(number, _)| chosen(number));
    let text: String = lines.map(|(_, line)| line).collect();
    let mut scanner = RecordScanner::new(text.as_bytes(), RecordOptions::default());
    let mut batch = RecordBatch::default();
    while let Some(outcome) = scanner.read(&mut batch) {
        outcome.unwrap();
    }
    assert_eq!(batch.reactions.is_some(), with_reactions);
    batch
}

/// Counts a batch by the definition, under the keys that `keys` gives a record.
fn count(batch: &RecordBatch, keys: impl Fn(usize) -> Vec<Key>) -> BTreeMap<Key, ReactionCounts> {
    let mut counts: BTreeMap<Key, ReactionCounts> = BTreeMap::new();
    for row in 0..batch.tweet.len() {
        for key in keys(row) {
            let counts = counts.entry(key).or_default();
            let reactions = batch.reaction_set(row);
            Reaction::ALL.iter().for_each(|&r| counts.reactions[r] += u32::from(reactions.contains(r)));
            counts.unreacted += u32::from(reactions.is_empty());
        }
    }
    counts
}

/// The tables of the golden data in a directory.
fn freeze_golden(directory: &Path, finetune: impl Fn(usize) -> bool) -> FrozenCounts {
    let training = records(&["train/part-00000", "train/part-00001"], true, |_| true);
    let validation = records(&["validation/part-00000"], true, finetune);
    for table in Table::ALL {
        let batch = if table.period == Period::Training { &training } else { &validation };
        let counts = count(batch, |row| {
            let [author, reader] = [Key::of(batch.author.id[row]), Key::of(batch.reader.id[row])];
            match table.counter {
                Counter::Pair => vec![author.pair(reader)],
                Counter::Author => vec![author],
                Counter::Reader => vec![reader],
                Counter::LanguageReader => vec![Key::of(batch.language[row]).pair(reader)],
                Counter::HashtagsReader => {
                    batch.hashtags.get(row).iter().map(|&tag| Key::of(tag).pair(reader)).collect()
                }
                Counter::Tweet => vec![Key::of(batch.tweet[row])],
            }
        });
        let path = FrozenCounts::table_file(directory, table);
        write(&path, &counts, counts.len() as u64, table.has_unreacted());
    }
    let golden = Golden::read("author_similar_canonical.tsv");
    let mut lists: BTreeMap<Id, Vec<(Id, f64)>> = BTreeMap::new();
    for row in &golden.rows {
        lists.entry(id(&row[0])).or_default().push((id(&row[2]), row[3].parse().unwrap()));
    }
    FrozenSimilar::write(&FrozenCounts::similar_file(directory), &SimilarAuthors::from_lists(lists)).unwrap();
    FrozenCounts::open(directory).unwrap()
}

#[test]
fn golden_numbers_of_test_and_hold_out_records() {
    let split = Golden::read("split_validation.tsv");
    let finetune: Vec<bool> = split.rows.iter().map(|row| split.get(row, "dest") == "training").collect();
    let directory = tempfile::tempdir().unwrap();
    let counts = freeze_golden(directory.path(), |line| finetune[line]);
    counts.verify().unwrap();
    let mut scratch = LookupScratch::default();
    for (raw, expected, rows) in
        [("test/part-00000", "test_part.tsv", 1000), ("validation/part-00000", "validation_split_holdout.tsv", 294)]
    {
        let batch = records(&[raw], raw.starts_with("valid"), |_| true);
        let mut numbers = vec![[f64::NAN; COUNTS]; batch.tweet.len()];
        counts.numbers(&batch, &mut scratch, &mut numbers).unwrap();
        let golden = Golden::read(expected);
        assert_eq!(golden.rows.len(), rows);
        let first = golden.columns["tr_pair_like"];
        for row in &golden.rows {
            let line: usize = golden.get(row, "src_line").parse().unwrap();
            for (column, &found) in numbers[line].iter().enumerate() {
                let expected: f64 = row[first + column].parse().unwrap();
                let tolerance = if (20..25).contains(&column) { 1e-9 * expected.abs() } else { 0.0 };
                assert!((found - expected).abs() <= tolerance, "{raw} line {line}, count {column}: {found} {expected}");
            }
        }
    }
}

#[test]
fn similar_authors_survive_freezing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("similar.frozen");
    let name = |number: u8| Id([number; 16]);
    let lists = (0..40u8).map(|i| (name(i), (0..i % 4).map(|j| (name(100 + j), f64::from(j) / 7.0)).collect()));
    for similar in [SimilarAuthors::from_lists(lists), SimilarAuthors::from_lists([])] {
        FrozenSimilar::write(&path, &similar).unwrap();
        let frozen = FrozenSimilar::open(&path).unwrap();
        frozen.verify().unwrap();
        for author in (0..50).map(|i| Key::of(name(i))) {
            assert_eq!(frozen.get(author), similar.get(author));
        }
    }
}

#[test]
fn a_file_cut_while_it_is_in_use_is_named() {
    let batch = records(&["test/part-00000"], false, |_| true);
    let table = |folder: &Path| FrozenCounts::table_file(folder, Table::ALL[0]);
    for cut in [table, |folder: &Path| FrozenCounts::similar_file(folder)] {
        let directory = tempfile::tempdir().unwrap();
        let counts = freeze_golden(directory.path(), |_| true);
        let mut numbers = vec![[0.0; COUNTS]; batch.rows];
        let mut look_up = || counts.numbers(&batch, &mut LookupScratch::default(), &mut numbers);
        look_up().unwrap();
        let path = cut(directory.path());
        let length = fs::metadata(&path).unwrap().len();
        for left in [length / 2, 300, 0] {
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
            let said = look_up().unwrap_err().to_string();
            assert!(said.contains(&format!("became shorter while it was read: {left} of {length} bytes")), "{said}");
            assert!(said.contains(path.to_str().unwrap()), "{said}");
        }
    }
}
