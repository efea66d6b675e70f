//! The features stage on the golden parts: what its files hold, and what it does with bad input.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use skimlog::stages::features::{
    FEATURES_KIND, FeatureInputs, FeatureOptions, FeatureOutputs, FeaturesError, HoldOut, TOTALS_KIND, build,
};
use skimlog_features::counts::{COUNTS, CountSummary, NoSimilar, REAL_COLUMNS, column_names};
use skimlog_formats::columnar::Reader;
use skimlog_formats::part::{PartWriter, encode};
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
use skimlog_runtime::progress::Silent;
use tempfile::TempDir;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/small").join(name)
}

/// Writes a raw golden part as `.skim`, in blocks of `block_rows`.
fn convert(raw: &str, path: &Path, block_rows: usize) {
    let text = fs::read(golden("raw").join(raw)).expect("a golden part");
    let mut scanner = RecordScanner::new(&text, RecordOptions::default());
    let has_reactions = !raw.starts_with("test/");
    let mut writer = PartWriter::new(fs::File::create(path).expect("a new file"), has_reactions).expect("written");
    let mut batch = RecordBatch::default();
    while let Some(outcome) = scanner.read(&mut batch) {
        outcome.expect("a record");
        if batch.rows == block_rows {
            writer.append(encode(&batch).expect("encoded")).expect("written");
            batch.clear();
        }
    }
    writer.append(encode(&batch).expect("encoded")).expect("written");
    writer.finish().expect("written");
}

struct Stage {
    directory: TempDir,
    training: Vec<PathBuf>,
    validation: PathBuf,
    options: FeatureOptions,
}

impl Stage {
    fn new(block_rows: usize) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        let (training, validation) = (vec![path("part-00000.skim"), path("part-00001.skim")], path("validation.skim"));
        convert("train/part-00000", &training[0], block_rows);
        convert("train/part-00001", &training[1], block_rows);
        convert("validation/part-00000", &validation, block_rows);
        let golden_split = fs::read_to_string(golden("expected/split_validation.tsv")).expect("the golden split");
        let bit = |line: &str| if line.contains("\tholdout\t") { "1\n" } else { "0\n" };
        fs::write(path("split"), golden_split.lines().skip(1).map(bit).collect::<String>()).expect("written");
        let options = FeatureOptions {
            memory_budget: 1 << 30,
            threads: 2,
            scratch: path("scratch"),
            hold_out: HoldOut::File(path("split")),
            chunks: 10,
        };
        Self { training, validation, options, directory }
    }

    fn outputs(&self) -> FeatureOutputs {
        FeatureOutputs {
            features: self.directory.path().join("features"),
            counts: self.directory.path().join("counts"),
        }
    }

    fn run(&self) -> Result<CountSummary, FeaturesError> {
        let inputs =
            FeatureInputs { training: &self.training, validation: Some(&self.validation), similar: &NoSimilar };
        build(&inputs, &self.options, &self.outputs(), &Silent)
    }

    /// All output files' bytes by path; an output directory that was never made has none.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let FeatureOutputs { features, counts } = self.outputs();
        let entries = [features, counts].into_iter().filter_map(|path| fs::read_dir(path).ok()).flatten();
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .map(|path| (path.strip_prefix(self.directory.path()).expect("below").to_owned(), path))
            .map(read)
            .collect()
    }
}

fn read((name, path): (PathBuf, PathBuf)) -> (PathBuf, Vec<u8>) {
    (name, fs::read(path).expect("an output file"))
}

#[test]
fn files_hold_the_golden_counts() {
    let stage = Stage::new(65_536);
    let summary = stage.run().expect("counted");
    assert_eq!(summary.records, 13_000);
    let file = Reader::open(stage.outputs().features.join("validation.skim")).expect("readable");
    file.expect_kind(FEATURES_KIND).expect("features");
    let names: Vec<&str> = file.schema().fields.iter().map(|field| field.name.as_str()).collect();
    assert!(names[..COUNTS].iter().copied().eq(column_names()));
    assert_eq!(names[COUNTS..], ["split", "chunk"]);
    let columns: Vec<Vec<u32>> = (0..COUNTS)
        .map(|column| if REAL_COLUMNS[column] { Vec::new() } else { file.flat(0, column).expect("a column") })
        .collect();
    let sides: Vec<u8> = file.flat(0, COUNTS).expect("the split");
    let chunks: Vec<u16> = file.flat(0, COUNTS + 1).expect("the chunks");
    let golden_split = fs::read_to_string(golden("expected/split_validation.tsv")).expect("the golden split");
    for (row, line) in golden_split.lines().skip(1).enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let held_out = fields[3] == "holdout";
        assert_eq!(sides[row], u8::from(held_out));
        assert_eq!(chunks[row], if held_out { 0 } else { fields[5].parse().expect("a chunk") });
    }
    let expected = fs::read_to_string(golden("expected/validation_split_holdout.tsv")).expect("the golden hold-out");
    let mut compared = 0;
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let row: usize = fields[3].parse().expect("a line number");
        for column in (0..COUNTS).filter(|&column| !REAL_COLUMNS[column]) {
            assert_eq!(columns[column][row].to_string(), fields[24 + column], "line {row}, {}", names[column]);
            compared += 1;
        }
    }
    assert_eq!(compared, 294 * 60);
    assert!(!stage.options.scratch.exists());
}

#[test]
fn totals_add_up_to_the_reactions() {
    let mut stage = Stage::new(65_536);
    // A part without records must not disturb, and gets a file all the same.
    stage.training.push(stage.directory.path().join("part-00002.skim"));
    let empty = fs::File::create(&stage.training[2]).expect("a new file");
    PartWriter::new(empty, true).and_then(PartWriter::finish).expect("written");
    stage.run().expect("counted");
    let empty = Reader::open(stage.outputs().features.join("part-00002.skim")).expect("readable");
    assert_eq!((empty.rows(), empty.schema().fields.len()), (0, COUNTS));
    let total = |table: &str, column: &str| -> u64 {
        let file = Reader::open(stage.outputs().counts.join(format!("{table}.skim"))).expect("readable");
        file.expect_kind(TOTALS_KIND).expect("totals");
        let keys: Vec<u64> = file.flat(0, 0).expect("keys");
        assert!(keys.is_sorted_by(|a, b| a < b));
        let counts: Vec<u32> = file.flat(0, file.field(column).expect("a column")).expect("counts");
        counts.into_iter().map(u64::from).sum()
    };
    let (mut likes, mut unreacted) = (0, 0);
    for entry in fs::read_dir(golden("expected")).expect("the golden files") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (train, finetune) = (name.starts_with("train_set_all_"), name.starts_with("validation_train_with_"));
        if train || finetune {
            for line in fs::read_to_string(path).expect("readable").lines().skip(1) {
                let fields: Vec<&str> = line.split('\t').collect();
                likes += u64::from(train && fields[5] == "1");
                unreacted += u64::from(finetune && fields[5..9] == ["0"; 4]);
            }
        }
    }
    for table in ["train.pair", "train.author", "train.reader", "train.language_reader"] {
        assert_eq!(total(table, "like"), likes, "{table}");
    }
    for table in ["valid.pair", "valid.author", "valid.reader", "valid.tweet"] {
        assert_eq!(total(table, "none"), unreacted, "{table}");
    }
}

#[test]
fn files_are_the_same_for_any_budget_and_threads() {
    let stage = Stage::new(65_536);
    stage.run().expect("counted");
    let expected = stage.files();
    assert_eq!(expected.len(), 3 + 11);
    for (memory_budget, threads, block_rows) in [(1 << 20, 1, 65_536), (10_000, 2, 700)] {
        let mut stage = Stage::new(block_rows);
        stage.options = FeatureOptions { memory_budget, threads, ..stage.options };
        fs::create_dir(&stage.options.scratch).expect("made");
        fs::write(stage.options.scratch.join("visits-0.spill"), b"left by a crash").expect("written");
        let summary = stage.run().expect("counted");
        assert!(summary.visits.spilled > 0 && summary.answers.spilled > 0);
        assert!(stage.files() == expected, "budget {memory_budget}");
    }
}

#[test]
fn nothing_is_half_written_when_a_part_is_damaged() {
    let stage = Stage::new(1000);
    // Whatever the columns are that counting reads, some of them lie in the first block.
    let mut bytes = fs::read(&stage.training[1]).expect("a part");
    let middle = bytes.len() / 2;
    bytes[64..middle].iter_mut().for_each(|byte| *byte ^= 0x10);
    fs::write(&stage.training[1], bytes).expect("written");
    let error = stage.run().expect_err("damaged");
    let message = format!("{:#}", anyhow::Error::from(error));
    assert!(message.contains("part-00001.skim"), "{message}");
    assert!(stage.files().is_empty(), "no final names and no drafts");
    assert!(!stage.options.scratch.exists());
}

#[test]
fn refuses_what_it_cannot_count() {
    let mut stage = Stage::new(65_536);
    let lines = fs::read_to_string(stage.directory.path().join("split")).expect("the split");
    fs::write(stage.directory.path().join("split"), &lines[2..]).expect("written");
    let message = stage.run().expect_err("a short split").to_string();
    assert!(message.contains("expected 3000 lines, found 2999"), "{message}");
    stage.options.hold_out = HoldOut::Random { percentage: 0.1, seed: 3 };
    stage.training.push(stage.training[0].clone());
    let message = stage.run().expect_err("the same name twice").to_string();
    assert!(message.contains("two parts are named part-00000.skim"), "{message}");
    stage.training[2] = stage.directory.path().join("part-00002.skim");
    let message = stage.run().expect_err("no such part").to_string();
    assert!(message.contains("part-00002.skim"), "{message}");
    convert("test/part-00000", &stage.training[2], 65_536);
    let message = stage.run().expect_err("no reactions").to_string();
    assert!(message.contains("part-00002.skim has records of 20 fields"), "{message}");
}
