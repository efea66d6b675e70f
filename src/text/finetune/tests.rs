//! The computation against PyTorch's and against finite differences; a training stopped and gone on with.

use std::fs::File;
use std::path::{Path, PathBuf};

use skimmer_formats::Id;
use skimmer_formats::part::{self, PartWriter};
use skimmer_formats::record::{RecordBatch, TweetType, Users};

/// Writes a part whose records have these tokens and nothing else of interest.
pub(super) fn write_part(folder: &Path, name: &str, records: &[Vec<u32>]) -> PathBuf {
    let rows = records.len();
    let no_lists = || (0..rows).map(|_| [].as_slice()).collect();
    let users = || Users {
        id: vec![Id::default(); rows],
        followers: vec![0; rows],
        following: vec![0; rows],
        verified: vec![false; rows],
        created: vec![0; rows],
    };
    let batch = RecordBatch {
        rows,
        tokens: records.iter().map(Vec::as_slice).collect(),
        hashtags: no_lists(),
        tweet: (0..rows as u128).map(|row| Id(row.to_be_bytes())).collect(),
        media: (0..rows).map(|_| [].as_slice()).collect(),
        links: no_lists(),
        domains: no_lists(),
        tweet_type: vec![TweetType::TopLevel; rows],
        language: vec![Id::default(); rows],
        tweet_time: vec![0; rows],
        author: users(),
        reader: users(),
        author_follows_reader: vec![false; rows],
        reactions: None,
    };
    let path = folder.join(name);
    let mut writer = PartWriter::new(File::create(&path).unwrap(), false).unwrap();
    writer.append(part::encode(&batch).unwrap()).unwrap();
    writer.finish().unwrap();
    path
}
