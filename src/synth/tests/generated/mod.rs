//! Reads generated files with the simplest possible splitter.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use skimlog_formats::record::{Media, NO_REACTION, RecordBatch, TweetType, Users, write_record};
use skimlog_formats::{Id, PerReaction, Reaction};
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

/// The record, parsed and written again.
pub(crate) fn rewritten(record: &[&str]) -> String {
    let id = |text: &str| Id::parse(text.as_bytes()).unwrap();
    let ids = |field: usize| list(record[field]).into_iter().map(id).collect::<Vec<_>>();
    let user = |first: usize| Users {
        id: vec![id(record[first])],
        followers: vec![record[first + 1].parse().unwrap()],
        following: vec![record[first + 2].parse().unwrap()],
        verified: vec![record[first + 3].parse().unwrap()],
        created: vec![record[first + 4].parse().unwrap()],
    };
    let mut batch = RecordBatch {
        rows: 1,
        tweet: vec![id(record[2])],
        tweet_type: vec![TweetType::ALL.into_iter().find(|kind| kind.name() == record[6]).unwrap()],
        language: vec![id(record[7])],
        tweet_time: vec![record[8].parse().unwrap()],
        author: user(9),
        reader: user(14),
        author_follows_reader: vec![record[19].parse().unwrap()],
        reactions: (record.len() == 24)
            .then(|| times(record).map(|time| vec![if time == 0 { NO_REACTION } else { time.into() }])),
        ..RecordBatch::default()
    };
    let media = |name: &str| Media::ALL.into_iter().find(|media| media.name() == name).unwrap();
    batch.tokens.push(&list(record[0]).iter().map(|token| token.parse().unwrap()).collect::<Vec<_>>());
    batch.hashtags.push(&ids(1));
    batch.media.push(&list(record[3]).into_iter().map(media).collect::<Vec<_>>());
    batch.links.push(&ids(4));
    batch.domains.push(&ids(5));
    let mut text = Vec::new();
    write_record(&batch, 0, &mut text);
    String::from_utf8(text).unwrap()
}
