//! Tweets shown as text.

use std::fs;
use std::path::Path;

use tokenizers::Tokenizer;

use crate::harness::{fixture, golden_lines, run, stderr, success};

/// A golden record with other tokens.
fn with_tokens(record: &[u8], tokens: &[u32]) -> Vec<u8> {
    let rest = record.iter().position(|&byte| byte == 1).unwrap();
    let tokens: Vec<String> = tokens.iter().map(u32::to_string).collect();
    [tokens.join("\t").as_bytes(), &record[rest..]].concat()
}

#[test]
fn tweets_are_shown_as_the_text_they_were_made_of() {
    let path = fixture("tokenizer/tokenizer.json");
    let tokenizer = Tokenizer::from_file(&path).unwrap();
    let tweets = ["Good morning everyone, coffee first!", "Спасибо всем за поздравления", "좋은 아침이에요"];
    let records: Vec<u8> = golden_lines("train/part-00000", 4)
        .iter()
        .zip(
            tweets
                .iter()
                .map(|tweet| tokenizer.encode(*tweet, true).unwrap().get_ids().to_vec())
                .chain([vec![101, 2000, 102]]),
        )
        .flat_map(|(record, tokens)| with_tokens(record, &tokens))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (raw, part) = (folder.path().join("part-00000"), folder.path().join("part.skim"));
    fs::write(&raw, records).unwrap();
    success(run([Path::new("convert"), &raw, Path::new("-o"), &part]));

    let inspect = |rows: &str| {
        let arguments =
            [Path::new("inspect"), &part, Path::new("--rows"), Path::new(rows), Path::new("--decode"), &path];
        run(arguments)
    };
    let output = success(inspect("3"));
    let text = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<&str> = text.lines().collect();
    assert_eq!(shown[shown.len() - 3..], tweets);
    assert!(text.contains("tokens"), "{text}");

    let output = inspect("4");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("token 2000 is not in the tokenizer's vocabulary of 2000"), "{}", stderr(&output));
}
