//! A stream of records through a tiny model: predictions come in order, and errors name the input they are about.

// A file that cannot be written ends the test.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use skimlog_features::counts::Table;
use skimlog_features::counts::frozen::{FrozenCounts, FrozenSimilar, FrozenTableWriter};
use skimlog_features::input::{Languages, Layout};
use skimlog_features::similar::SimilarAuthors;
use skimlog_features::sketch::{SketchShape, TokenCodes};
use skimlog_model::Precision;
use skimlog_model::bundle::{BundleWriter, COUNTS_FOLDER, Verify};
use skimlog_model::predict::{EngagementModel, Input, OnError, PipeInput, StreamOptions, predict_stream};
use skimlog_network::{Shape, arbitrary};

/// A model that knows no token, no language and no count.
fn model(folder: &Path) -> Arc<EngagementModel> {
    model_of(folder, Some(TokenCodes::new(SketchShape::new(2, 8).unwrap(), 1, &[], &[]).unwrap()))
}

/// A model with these token codes that knows no language and no count.
fn model_of(folder: &Path, codes: Option<TokenCodes>) -> Arc<EngagementModel> {
    let bundle = BundleWriter::begin(folder).unwrap();
    let counts = bundle.path(COUNTS_FOLDER).unwrap();
    fs::create_dir_all(&counts).unwrap();
    for table in Table::ALL {
        let path = FrozenCounts::table_file(&counts, table);
        FrozenTableWriter::create(&path, 0, table.has_unreacted()).unwrap().finish().unwrap();
    }
    FrozenSimilar::write(&FrozenCounts::similar_file(&counts), &SimilarAuthors::from_lists([])).unwrap();
    let (sketch_depth, sketch_width) = if codes.is_some() { (2, 8) } else { (0, 0) };
    let layout = Layout { sketch_depth, sketch_width, logarithms: false, languages: 0 };
    let network = arbitrary::network(Shape { layout, hidden: 5 }, 1);
    bundle.finish(&network, None, codes.as_ref(), &Languages::default()).unwrap();
    Arc::new(EngagementModel::open(folder, Precision::F32, Verify::Prediction).unwrap())
}

/// A record without reactions, of a tweet with this number.
fn record(number: u8) -> String {
    record_of(number, "101\t8121\t102")
}

/// A record without reactions, of a tweet with this number and text.
fn record_of(number: u8, tokens: &str) -> String {
    let [tweet, language, author, reader] = [number, 200, 201, 202].map(|id| format!("{id:02X}").repeat(16));
    let tweet = [tokens, "", &tweet, "", "", "", "TopLevel", &language, "1612396800"].join("\u{1}");
    let user = |id, followers| [id, followers, "340", "false", "1300000000"].join("\u{1}");
    [tweet, user(&author, "1200"), user(&reader, "85"), "true\n".to_owned()].join("\u{1}")
}

/// What is written for an input, and the error.
fn predicted(model: &Arc<EngagementModel>, input: impl Input, options: &StreamOptions) -> (String, Option<String>) {
    let mut output = Vec::new();
    let outcome = predict_stream(model, input, &mut output, options, |_| {});
    (String::from_utf8(output).unwrap(), outcome.err().map(|error| error.to_string()))
}

#[test]
fn errors_name_their_input() {
    let directory = tempfile::tempdir().unwrap();
    let model = model(&directory.path().join("model"));
    let text = record(1) + "no record\n" + &record(2);
    let path = directory.path().join("records.tsv");
    fs::write(&path, &text).unwrap();

    let (before, error) = predicted(&model, PipeInput::open(&path).unwrap(), &StreamOptions::default());
    let error = error.unwrap();
    assert!(error.starts_with(&format!("{}:2: ", path.display())), "{error}");
    assert!(before.starts_with(&"01".repeat(16)) && before.lines().count() == 1, "{before}");

    let pipe = PipeInput::named(fs::File::open(&path).unwrap(), "a socket");
    assert!(predicted(&model, pipe, &StreamOptions::default()).1.unwrap().starts_with("a socket:2: "));
    let bytes = predicted(&model, text.as_bytes(), &StreamOptions::default()).1.unwrap();
    assert!(bytes.starts_with("records in memory:2: "), "{bytes}");

    let packed = directory.path().join("records.gz");
    fs::write(&packed, b"\x1F\x8B\x08\x00").unwrap();
    let error = predicted(&model, PipeInput::open(&packed).unwrap(), &StreamOptions::default()).1.unwrap();
    assert!(error.contains("records.gz is packed with gzip"), "{error}");
}

#[test]
fn malformed_lines_are_left_out_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let model = model(&directory.path().join("model"));
    let skip = StreamOptions { on_error: OnError::Skip, batch: 2, ..StreamOptions::default() };
    let text = record(1) + "no record\n" + &record(2) + &record(3);
    let (lines, error) = predicted(&model, Cursor::new(text.into_bytes()), &skip);
    assert_eq!(error, None);
    let tweets: Vec<&str> = lines.lines().map(|line| &line[..2]).collect();
    assert_eq!(tweets, ["01", "02", "03"]);
    // No count, token or language is known, so that nothing tells the records apart.
    let probabilities: Vec<&str> = lines.lines().map(|line| line.splitn(3, ',').nth(2).unwrap()).collect();
    assert!(probabilities.iter().all(|probability| *probability == probabilities[0]), "{lines}");
}

#[test]
fn only_a_model_with_token_codes_sees_the_text() {
    let directory = tempfile::tempdir().unwrap();
    let hashed = TokenCodes::hashed(SketchShape::new(2, 8).unwrap(), 1, 9_000).unwrap();
    // In pairs of as many tokens, which is one of the numbers that every network sees.
    let texts = ["101\t8121\t102", "101\t7\t102", "101\t102", "9\t10", "101", "7"];
    let text: String = (1..).zip(texts).map(|(number, tokens)| record_of(number, tokens)).collect();
    for (name, codes) in [("none", None), ("hashed", Some(hashed))] {
        let sees_text = codes.is_some();
        let model = model_of(&directory.path().join(name), codes);
        for batch in [1, 5] {
            let options = StreamOptions { batch, ..StreamOptions::default() };
            let (lines, error) = predicted(&model, text.as_bytes(), &options);
            assert_eq!(error, None, "{name}");
            let found: Vec<&str> = lines.lines().map(|line| line.splitn(3, ',').nth(2).unwrap()).collect();
            assert_eq!(found.len(), 6);
            assert_eq!(found[0] != found[1], sees_text, "{name}: {lines}");
            // Without tokens between the first and the last there is no text.
            assert!(found[2] == found[3] && found[4] == found[5], "{name}: {lines}");
        }
    }
}
