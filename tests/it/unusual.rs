//! Records that are implausible, but records: times of any sign and size, the tweet type `Reply`, no final newline.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{demo, files, fixture, run, run_with_input, stderr, success};

/// Where times stand in a record: the tweet's, the accounts', the reactions'.
const TIMES: [usize; 9] = [8, 13, 18, 20, 21, 22, 23, 13, 18];
const NUMBERS: [&str; 8] =
    ["-4665600", "0", "-1", "4294967295", "4294967296", "9223372036854775807", "-9223372036854775807", "1612400000"];

/// The records with times, follower counts and types as nobody expects them, and no newline at the end.
fn unusual(raw: &str) -> String {
    let lines = raw.lines().enumerate().map(|(row, line)| {
        let mut fields: Vec<&str> = line.split('\u{1}').collect();
        for (place, &field) in TIMES.iter().chain(&[10, 11, 15, 16]).enumerate() {
            if (row + place).is_multiple_of(4) && field < fields.len() {
                fields[field] = NUMBERS[(row / 4 + place) % NUMBERS.len()];
            }
        }
        for field in (20..fields.len()).filter(|field| (row + field).is_multiple_of(5)) {
            fields[field] = "";
        }
        if row.is_multiple_of(3) {
            fields[6] = "Reply";
        }
        fields.join("\u{1}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn golden(part: &str) -> String {
    unusual(&fs::read_to_string(fixture("golden/small/raw").join(part)).unwrap())
}

fn convert(text: &str, out: &Path) -> String {
    let arguments = [Path::new("convert"), Path::new("-"), Path::new("-o"), out];
    stderr(&success(run_with_input(arguments, text.as_bytes())))
}

#[test]
fn they_come_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["train/part-00000", "test/part-00000"] {
        let text = golden(part);
        let [plain, skim, mapped] = ["part-00000", "piped.skim", "mapped.skim"].map(|name| folder.path().join(name));
        fs::write(&plain, &text).unwrap();
        convert(&text, &skim);
        success(run([Path::new("convert"), &plain, Path::new("-o"), &mapped]));
        assert!(fs::read(&skim).unwrap() == fs::read(&mapped).unwrap());
        let back = success(run([Path::new("export"), &skim, Path::new("--to"), Path::new("tsv")]));
        assert!(back.stdout == text.as_bytes(), "{part}");
    }
}

#[test]
fn the_summary_counts_them_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let said = convert(&golden("train/part-00000"), &folder.path().join("part.skim"));
    let line = said.lines().find(|line| line.contains("standard input: ")).unwrap_or_else(|| panic!("{said}"));
    for what in ["with a time before 1970", "in the future", "before the tweet", "of type Reply", "no newline"] {
        assert!(line.contains(what), "{line}");
    }
    // Ordinary records are passed over in silence.
    let raw = fs::read_to_string(fixture("golden/small/raw/train/part-00000")).unwrap();
    assert!(!convert(&raw, &folder.path().join("other.skim")).contains("with a time"));
}

/// A configuration of its own over the demo's data, every training and validation record of which is unusual.
fn unusual_demo(folder: &Path) -> PathBuf {
    let raw = folder.join("raw");
    fs::create_dir(&raw).unwrap();
    for (from, to) in [("train/part-00000", "part-00000"), ("train/part-00001", "part-00001")] {
        let text = fs::read_to_string(demo().join("recsys_data").join(from)).unwrap();
        fs::write(raw.join(to), unusual(&text)).unwrap();
    }
    let validation = fs::read_to_string(demo().join("recsys_data/validation/part-00000")).unwrap();
    fs::write(folder.join("validation"), unusual(&validation)).unwrap();
    let config = fs::read_to_string(demo().join("config.yaml")).unwrap();
    let config = config
        .replace("recsys_data: recsys_data/train", "recsys_data: raw")
        .replace("validation_part: recsys_data/validation/part-00000", "validation_part: validation")
        .replace("max_steps: 100", "max_steps: 5")
        .replace("hidden_size: 256", "hidden_size: 16");
    let path = folder.join("config.yaml");
    fs::write(&path, config).unwrap();
    path
}

#[test]
fn they_go_through_every_stage_whatever_the_threads_and_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let config = unusual_demo(folder.path());
    success(run([Path::new("run"), Path::new("--config"), &config]));
    let evaluation = fs::read(folder.path().join("working_dir/evaluation.json")).unwrap();
    let evaluation: serde_json::Value = serde_json::from_slice(&evaluation).unwrap();
    assert!(evaluation["hold_out"]["records"].as_u64().unwrap() > 100, "{evaluation}");
    let features = || files(&folder.path().join("working_dir/features"));
    let made = features();
    assert_eq!(made.len(), 3, "{:?}", made.keys());
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("threads: null", "threads: 1").replace("memory_budget: null", "memory_budget: 64MiB");
    fs::write(&config, text).unwrap();
    success(run(["features", "--force", "--config"].map(Path::new).into_iter().chain([config.as_path()])));
    assert!(features() == made);
}

#[test]
fn they_are_predicted() {
    let text = unusual(&fs::read_to_string(demo().join("recsys_data/test/part-00000")).unwrap());
    let lines = text.lines().count();
    let model = demo().join("working_dir/model");
    let output = run_with_input([Path::new("predict"), Path::new("--model"), &model], text.as_bytes());
    let predictions = String::from_utf8(success(output).stdout).unwrap();
    assert_eq!(predictions.lines().count(), lines);
    for line in predictions.lines() {
        let mut probabilities = line.split(',').skip(2).map(|text| text.parse::<f64>().unwrap());
        assert!(probabilities.all(|probability| (0.0..=1.0).contains(&probability)), "{line}");
    }
}
