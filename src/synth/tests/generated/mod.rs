//! Reads generated files with the simplest possible splitter.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use skimlog_formats::{PerReaction, Reaction};
use skimlog_synth::SynthOptions;

/// 50,000 training records in two parts, small sets beside them.
pub(crate) fn options(out: &Path) -> SynthOptions {
    SynthOptions {
        out: out.to_owned(),
        rows: 50_000,
        valid_rows: 6_000,
        test_rows: 5_000,
        seed: 11,
        threads: 2,
        ..SynthOptions::default()
    }
}

/// All files below a directory by relative path.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(self::files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

/// The records of a part, as fields.
pub(crate) fn records(part: &[u8]) -> Vec<Vec<&str>> {
    let text = std::str::from_utf8(part).unwrap();
    text.strip_suffix('\n').unwrap().split('\n').map(|line| line.split('\u{1}').collect()).collect()
}

/// The items of a list field.
pub(crate) fn list(field: &str) -> Vec<&str> {
    if field.is_empty() { Vec::new() } else { field.split('\t').collect() }
}

/// A record's reaction times by the order of the raw record's columns, 0 for none.
pub(crate) fn times(record: &[&str]) -> PerReaction<u32> {
    let time = |field: usize| if record[field].is_empty() { 0 } else { record[field].parse().unwrap() };
    PerReaction::from_order(Reaction::RECORD_ORDER, [time(20), time(21), time(22), time(23)])
}
