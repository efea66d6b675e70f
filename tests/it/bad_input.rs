//! Every wrong input gets one clear sentence and exit code 1 (2 for usage), and leaves nothing half-written.

use std::fs;
use std::path::Path;

use crate::harness::{demo, files, golden_lines, run, run_with_input, stderr, success};

/// Converts a part whose third record went through `spoil`, and gives what the command said.
#[track_caller]
fn convert_spoilt(spoil: impl Fn(&mut Vec<Vec<u8>>)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part-00000");
    let lines = golden_lines("train/part-00000", 5);
    let mut fields: Vec<Vec<u8>> =
        lines[2].strip_suffix(b"\n").unwrap().split(|&byte| byte == 1).map(<[u8]>::to_vec).collect();
    spoil(&mut fields);
    let mut text = lines[..2].concat();
    text.extend(fields.join(&1));
    text.push(b'\n');
    text.extend(lines[3..].concat());
    fs::write(&part, text).unwrap();
    refused(&part)
}

/// Converts a part that must be refused, and gives what the command said.
#[track_caller]
fn refused(part: &Path) -> String {
    let out = part.with_file_name("out.skim");
    let output = run([Path::new("convert"), part, Path::new("-o"), &out]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&part.display().to_string()), "names no file: {said}");
    assert!(!said.contains("panicked"), "{said}");
    let left: Vec<_> = fs::read_dir(part.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| path == part), "left behind: {left:?}");
    said
}

#[track_caller]
fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn a_malformed_field_names_file_line_and_field() {
    let cases: [(usize, &[u8], &[&str]); 15] = [
        (0, b"101\tword\t102", &[":3:", "token", "word"]),
        (0, b"101\t119547\t102", &[":3:", "token", "119547"]),
        (0, b"101\t\t102", &[":3:", "token"]),
        (0, b"\t101\t102", &[":3:", "token"]),
        (1, b"0123", &[":3:", "hashtag", "32"]),
        (2, b"AC4D7ED4A0A2D7732FFA53AC7BB9FEDX", &[":3:", "tweet id"]),
        (2, b"AC4D", &[":3:", "tweet id", "32"]),
        (3, b"Photo\tSong", &[":3:", "media", "Song"]),
        (6, b"Thread", &[":3:", "tweet type", "Thread"]),
        (7, b"", &[":3:", "language"]),
        (8, b"99999999999999999999", &[":3:", "tweet timestamp", "out of range", "99999999999999999999"]),
        (8, b"-0", &[":3:", "timestamp", "minus"]),
        (10, b"12x", &[":3:", "follower", "12x"]),
        (12, b"True", &[":3:", "verified", "True"]),
        (23, b"1.5e9", &[":3:", "like", "not a decimal number"]),
    ];
    for (field, text, words) in cases {
        assert_says(&convert_spoilt(|fields| fields[field] = text.to_vec()), words);
    }
}

#[test]
fn a_wrong_number_of_fields_says_how_many() {
    assert_says(&convert_spoilt(|fields| drop(fields.pop())), &[":3:", "23"]);
    assert_says(&convert_spoilt(|fields| fields.push(Vec::new())), &[":3:", "25"]);
}

#[test]
fn a_carriage_return_and_an_empty_line_are_said_plainly() {
    assert_says(&convert_spoilt(|fields| fields.last_mut().unwrap().push(b'\r')), &[":3:", "carriage return"]);

    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part-00000");
    let text = golden_lines("train/part-00000", 3).concat();
    fs::write(&part, [&text[..], b"\n"].concat()).unwrap();
    assert_says(&refused(&part), &[":4:", "empty"]);
}

#[test]
fn an_empty_or_missing_part_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part-00000");
    fs::write(&part, b"").unwrap();
    assert_says(&refused(&part), &["empty"]);
    let missing = folder.path().join("part-00001");
    fs::remove_file(&part).unwrap();
    assert_says(&refused(&missing), &["No such file"]);
}

#[test]
fn a_skim_file_cut_short_or_spoilt_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part-00000");
    fs::write(&part, golden_lines("train/part-00000", 20).concat()).unwrap();
    let skim = folder.path().join("part-00000.skim");
    success(run([Path::new("convert"), &part, Path::new("-o"), &skim]));
    let whole = fs::read(&skim).unwrap();

    let refuse = |bytes: &[u8]| {
        fs::write(&skim, bytes).unwrap();
        let output = run([Path::new("export"), &skim, Path::new("--to"), Path::new("tsv")]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_says(&said, &["part-00000.skim"]);
        assert!(!said.contains("panicked"), "{said}");
        said
    };
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        refuse(&whole[..length]);
    }
    for at in [0, 9, whole.len() / 3, whole.len() / 2, whole.len() - 30, whole.len() - 1] {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x10;
        refuse(&spoilt);
    }
}

#[test]
fn a_wrong_configuration_names_key_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let cases = [
        ("seed: 1\nsketch_widht: 3\n", ["config.yaml:2", "sketch_widht", "sketch_width"]),
        ("sketch_depth: deep\n", ["config.yaml:1", "sketch_depth", "deep"]),
        ("validation_percentage: 10\n", ["config.yaml:1", "validation_percentage", "between 0 and 1"]),
        ("recsys_data: nowhere\n", ["nowhere", "directory", "No such file"]),
    ];
    for (text, words) in cases {
        fs::write(&config, text).unwrap();
        let output = run([Path::new("run"), Path::new("--config"), &config]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_says(&stderr(&output), &words);
    }
    let output = run(["run", "--config", "/nowhere/config.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(&stderr(&output), &["/nowhere/config.yaml"]);
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in
        [&["frobnicate"][..], &["predict"], &["export", "x.skim", "--to", "xml"], &["convert", "--no-such"]]
    {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_model_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let original = demo().join("working_dir/model");
    for (name, bytes) in files(&original) {
        let path = model.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let records = fs::read(demo().join("recsys_data/test/part-00000")).unwrap();
    let predict = || {
        run_with_input(["predict", "--quiet", "--model"].map(Path::new).into_iter().chain([model.as_path()]), &records)
    };
    success(predict());
    for name in ["counts/train.pair.frozen", "counts/valid.tweet.frozen", "codes.skim", "network.f32"] {
        let path = model.join(name);
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 4;
        fs::write(&path, &damaged).unwrap();
        let output = predict();
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(output.stdout.is_empty());
        assert_says(&stderr(&output), &[name, "damaged"]);
        fs::write(&path, &whole).unwrap();
    }
}
