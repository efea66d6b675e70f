//! From golden parts through all stages to frozen counts, and from these to the golden numbers of unseen records.

use std::fs;
use std::path::{Path, PathBuf};

use skimlog::stages::features::{self, HoldOut};
use skimlog::stages::similar::similar;
use skimlog::stages::train::freeze::freeze;
use skimlog_features::counts::COUNTS;
use skimlog_features::counts::frozen::{FrozenCounts, LookupScratch};
use skimlog_features::similar::{SimilarAuthors, SimilaritySettings};
use skimlog_formats::part::{PartWriter, encode};
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
use skimlog_runtime::progress::Silent;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/small").join(name)
}

/// All records of a raw golden part.
fn records(raw: &str) -> RecordBatch {
    let text = fs::read(golden("raw").join(raw)).expect("a golden part");
    let mut scanner = RecordScanner::new(&text, RecordOptions::default());
    let mut batch = RecordBatch::default();
    while let Some(outcome) = scanner.read(&mut batch) {
        outcome.expect("a record");
    }
    batch
}

fn convert(raw: &str, path: &Path) {
    let mut writer = PartWriter::new(fs::File::create(path).expect("a new file"), true).expect("written");
    writer.append(encode(&records(raw)).expect("encoded")).expect("written");
    writer.finish().expect("written");
}

#[test]
fn golden_parts_become_golden_numbers_of_unseen_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let training = [path("part-00000.skim"), path("part-00001.skim")];
    convert("train/part-00000", &training[0]);
    convert("train/part-00001", &training[1]);
    convert("validation/part-00000", &path("validation.skim"));

    let settings = SimilaritySettings { threshold: 0.1, top: 10 };
    let file = fs::File::create(path("similar.skim")).unwrap();
    let (_, found) = similar(&training, settings, 1 << 20, directory.path(), file, &Silent).unwrap();
    assert_eq!((found.authors, found.authors_with_similar, found.similar), (354, 304, 886));
    let similar = SimilarAuthors::open(&path("similar.skim")).unwrap();

    let split = fs::read_to_string(golden("expected/split_validation.tsv")).unwrap();
    let bits = split.lines().skip(1).map(|line| if line.contains("\tholdout\t") { "1\n" } else { "0\n" });
    fs::write(path("split"), bits.collect::<String>()).unwrap();
    let validation = path("validation.skim");
    features::build(
        &features::FeatureInputs { training: &training, validation: Some(&validation), similar: &similar },
        &features::FeatureOptions {
            memory_budget: 1 << 20,
            threads: 2,
            scratch: path("scratch"),
            hold_out: HoldOut::File(path("split")),
            chunks: 10,
        },
        &features::FeatureOutputs { features: path("features"), counts: path("counts") },
        &Silent,
    )
    .unwrap();

    let keys = freeze(&path("counts"), &similar, &path("model/counts"), &Silent).unwrap();
    let counts = FrozenCounts::open(&path("model/counts")).unwrap();
    counts.verify().unwrap();
    assert!(keys > 10_000, "{keys} keys");

    let batch = records("test/part-00000");
    let mut numbers = vec![[f64::NAN; COUNTS]; batch.rows];
    counts.numbers(&batch, &mut LookupScratch::default(), &mut numbers).unwrap();
    let expected = fs::read_to_string(golden("expected/test_part.tsv")).unwrap();
    let first = expected.lines().next().unwrap().split('\t').position(|name| name == "tr_pair_like").unwrap();
    let rows: Vec<Vec<&str>> = expected.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 1000);
    for row in rows {
        let line: usize = row[3].parse().unwrap();
        for (column, &found) in numbers[line].iter().enumerate() {
            let expected: f64 = row[first + column].parse().unwrap();
            let tolerance = if (20..25).contains(&column) { 1e-9 * expected } else { 0.0 };
            assert!((found - expected).abs() <= tolerance, "line {line}, count {column}: {found} for {expected}");
        }
    }
}
