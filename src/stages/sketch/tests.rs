//! From a part to token codes, through the files of both stages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use skimlog_features::sketch::{SketchShape, TokenCodes};
use skimlog_formats::part::{PartWriter, encode};
use skimlog_formats::record::{RecordBatch, TweetType, Users};
use skimlog_formats::{Id, Lists};
use skimlog_runtime::progress::Silent;
use skimlog_text::{EncoderOptions, EngineChoice, MeanOptions, TextError, VectorPaths};

use super::{CodeSource, SketchOptions, SketchStageError, sketch};
use crate::stages::embed::{EmbedError, EmbedOptions, embed};

/// Records that have tokens and, in every other column, next to nothing.
fn records(tokens: Lists<u32>) -> RecordBatch {
    let rows = tokens.len();
    fn empty<T: Copy>(rows: usize) -> Lists<T> {
        (0..rows).map(|_| &[][..]).collect()
    }
    let users = Users {
        id: vec![Id([1; 16]); rows],
        followers: vec![1; rows],
        following: vec![1; rows],
        verified: vec![false; rows],
        created: vec![1; rows],
    };
    RecordBatch {
        rows,
        tokens,
        hashtags: empty(rows),
        tweet: vec![Id([2; 16]); rows],
        media: empty(rows),
        links: empty(rows),
        domains: empty(rows),
        tweet_type: vec![TweetType::TopLevel; rows],
        language: vec![Id([3; 16]); rows],
        tweet_time: vec![1; rows],
        author: users.clone(),
        reader: users,
        author_follows_reader: vec![false; rows],
        reactions: None,
    }
}

fn part(path: &Path, first_token: u32) {
    let mut tokens = Lists::default();
    for record in 0..200 {
        let token = first_token + record % 90;
        tokens.push(&[101, token, token + 1, token + 2, 102]);
    }
    let mut writer = PartWriter::new(File::create(path).unwrap(), false).unwrap();
    writer.append(encode(&records(tokens)).unwrap()).unwrap();
    writer.finish().unwrap();
}

fn stages(directory: &Path, parts: &[PathBuf], threads: usize) -> [Vec<u8>; 4] {
    let vectors = VectorPaths::in_directory(directory);
    let output = directory.join("codes.skim");
    let embed_options = EmbedOptions {
        parts: parts.to_vec(),
        model: Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-distilbert"),
        open: EncoderOptions { engine: EngineChoice::Tract, ..EncoderOptions::default() },
        mean: MeanOptions { threads, batch_tokens: Some(100), ..MeanOptions::default() },
        snapshots: None,
        output: vectors.clone(),
    };
    let summary = embed(&embed_options, &Silent).unwrap();
    // 90 + 2 tokens of each part, [CLS] and [SEP].
    assert_eq!((summary.tokens, summary.width), (186, 64));
    assert_eq!((summary.mean.records, summary.mean.computed), (400, 180));
    let shape = SketchShape::new(4, 32).unwrap();
    let source = CodeSource::Vectors(vectors.clone());
    let options = SketchOptions { source, output: output.clone(), shape, seed: 11, threads };
    let summary = sketch(&options, &Silent).unwrap();
    assert_eq!((summary.tokens, summary.dimensions, summary.quality.unwrap().depths.len()), (186, Some(64), 4));
    [&vectors.vectors, &vectors.tokens, &vectors.counts, &output].map(|path| fs::read(path).unwrap())
}

#[test]
fn a_part_becomes_codes_whatever_the_threads() {
    let directory = tempfile::tempdir().unwrap();
    let parts = [directory.path().join("part-00000.skim"), directory.path().join("part-00001.skim")];
    part(&parts[0], 200);
    part(&parts[1], 700);
    let one = stages(&directory.path().join("one"), &parts, 1);
    assert!(one == stages(&directory.path().join("two"), &parts, 2), "threads show in the files");
    let codes = TokenCodes::read(&directory.path().join("one/codes.skim")).unwrap();
    let expected = [101, 102].into_iter().chain(200..292).chain(700..792);
    assert!(codes.tokens().eq(expected));
    assert_eq!((codes.shape(), codes.seed()), (SketchShape::new(4, 32).unwrap(), 11));
}

#[test]
fn a_record_without_a_token_adds_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("part-00000.skim");
    let texts: [&[u32]; 5] = [&[101, 200, 102], &[], &[101, 102], &[101], &[101, 300, 102]];
    let mut writer = PartWriter::new(File::create(&path).unwrap(), false).unwrap();
    writer.append(encode(&records(texts.into_iter().collect())).unwrap()).unwrap();
    writer.finish().unwrap();
    let vectors = VectorPaths::in_directory(directory.path());
    let options = EmbedOptions {
        parts: vec![path],
        model: Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-distilbert"),
        open: EncoderOptions { engine: EngineChoice::Tract, ..EncoderOptions::default() },
        mean: MeanOptions { threads: 1, ..MeanOptions::default() },
        snapshots: None,
        output: vectors.clone(),
    };
    assert_eq!(embed(&options, &Silent).unwrap().tokens, 4);
    let output = directory.path().join("codes.skim");
    let (source, shape) = (CodeSource::Vectors(vectors), SketchShape::new(4, 32).unwrap());
    sketch(&SketchOptions { source, output: output.clone(), shape, seed: 11, threads: 1 }, &Silent).unwrap();
    assert!(TokenCodes::read(&output).unwrap().tokens().eq([101, 102, 200, 300]));
}

#[test]
fn token_ids_become_codes_whatever_the_threads() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("codes.skim");
    let shape = SketchShape::new(4, 32).unwrap();
    let made = |vocabulary, threads| {
        let source = CodeSource::TokenIds(vocabulary);
        sketch(&SketchOptions { source, output: output.clone(), shape, seed: 11, threads }, &Silent)
    };
    let bytes = [1, 2].map(|threads| {
        let summary = made(500, threads).unwrap();
        assert_eq!((summary.tokens, summary.dimensions, summary.quality), (500, None, None));
        fs::read(&output).unwrap()
    });
    assert!(bytes[0] == bytes[1], "threads show in the file");
    assert_eq!(TokenCodes::read(&output).unwrap(), TokenCodes::hashed(shape, 11, 500).unwrap());
    let error = made(u32::MAX, 1).unwrap_err();
    assert!(
        matches!(error, SketchStageError::Vocabulary(_)) && error.to_string().contains("vocabulary_size"),
        "{error}"
    );
}

#[test]
fn a_part_of_another_vocabulary_stores_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("part-00000.skim");
    part(&path, 1950);
    let output = VectorPaths::in_directory(&directory.path().join("out"));
    let options = EmbedOptions {
        parts: vec![path],
        model: Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-distilbert/model.onnx"),
        open: EncoderOptions::default(),
        mean: MeanOptions::default(),
        snapshots: None,
        output,
    };
    let found = embed(&options, &Silent).unwrap_err();
    assert!(matches!(found, EmbedError::Text(TextError::Token { vocabulary: 2000, .. })), "{found}");
    assert!(!directory.path().join("out").exists());
}
