//! Small valid data for seeds.

use std::path::{Path, PathBuf};

use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};

/// A file of the repository's fixtures.
pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// What a fixture holds.
pub(super) fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).expect("the fixture is there")
}

/// Some lines of a golden raw part, from line `first` on.
pub(super) fn lines(part: &str, first: usize, count: usize) -> Vec<u8> {
    let text = read(&format!("golden/small/raw/{part}"));
    text.split_inclusive(|&byte| byte == b'\n').skip(first).take(count).flatten().copied().collect()
}

/// The same as records.
pub(super) fn records(part: &str, first: usize, count: usize) -> RecordBatch {
    let text = lines(part, first, count);
    let (mut scanner, mut batch) = (RecordScanner::new(&text, RecordOptions::default()), RecordBatch::default());
    while let Some(outcome) = scanner.read(&mut batch) {
        outcome.expect("golden records are sound");
    }
    batch
}
