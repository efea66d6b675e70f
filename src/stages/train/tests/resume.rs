//! A training that is interrupted at any moment gives the same network as an undisturbed one.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use skimlog_features::input::SparseRows;

use super::*;

/// Sketches so many tweets, then unwinds, as a killed process would end.
struct Dying(AtomicUsize);

impl TweetSketch for Dying {
    fn sketch(&self, tokens: &[u32], rows: &mut SparseRows) {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 0 {
            resume_unwind(Box::new("killed"));
        }
        TokenColumns.sketch(tokens, rows);
    }
}

/// Asks to stop at the question of this number.
struct Stopping(AtomicUsize);

impl Progress for Stopping {
    fn begin(&self, _task: &str, _total: Option<u64>, _unit: Unit) {}
    fn advance(&self, _amount: u64) {}
    fn remark(&self, _text: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

fn examples() -> Generated {
    generated(&[200, 97, 1, 130], 150)
}

/// Two epochs, rates that change with every batch.
fn options(folder: &Path, every: Duration) -> TrainOptions {
    let checkpoint = Checkpointing { folder: folder.join("checkpoint"), fingerprint: "these records".into(), every };
    let mut options = TrainOptions::new(recipe(), folder.join("scratch"));
    options.recipe.validation_epochs = 2;
    options.recipe.days = Rates { warm_up: 0.2, last: 0.1, ..RATES };
    options.checkpoint = Some(checkpoint);
    options
}

fn undisturbed(examples: &Generated) -> Trained {
    let folder = tempfile::tempdir().unwrap();
    train(examples, TokenColumns, SHAPE, &options(folder.path(), Duration::MAX), &Silent).unwrap()
}

/// Takes up what is in the folder; gives where, if anywhere.
#[track_caller]
fn assert_ends_as(expected: &Trained, examples: &Generated, options: &TrainOptions) -> Option<String> {
    let trained = train(examples, TokenColumns, SHAPE, options, &Silent).unwrap();
    for name in expected.network.tensor_names() {
        assert_eq!(trained.network.tensor(name), expected.network.tensor(name), "{name}");
    }
    assert_eq!(trained.curve, expected.curve);
    let resumed_at = trained.summary.resumed_at.clone();
    assert_eq!(numbers(trained.summary), numbers(expected.summary.clone()));
    resumed_at
}

#[test]
fn killed_anywhere_it_ends_with_the_same_network() {
    let examples = examples();
    let expected = undisturbed(&examples);
    // Tweets sketched: 428 of the days, 130 to settle, 30 hold-out, then twice 120, 120 to settle, and 30 at the end.
    let mut positions = Vec::new();
    for (moment, every) in [(3, 0), (70, 0), (300, 0), (500, 0), (600, 0), (985, 0), (400, 1000)] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path(), Duration::from_secs(every));
        let dying = Dying(AtomicUsize::new(moment));
        let outcome = catch_unwind(AssertUnwindSafe(|| train(&examples, dying, SHAPE, &options, &Silent).map(drop)));
        assert!(outcome.is_err(), "it was to die at tweet {moment}");
        options.checkpoint.as_mut().unwrap().every = Duration::MAX;
        positions.extend(assert_ends_as(&expected, &examples, &options));
    }
    assert!(positions.len() >= 5 && positions.iter().any(|position| position.contains("epoch 2")), "{positions:?}");
}

#[test]
fn stopped_again_and_again_it_goes_on_from_where_it_says() {
    let examples = examples();
    let expected = undisturbed(&examples);
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), Duration::MAX);
    let mut said = Vec::new();
    for question in [1, 4, 9, 2, 3] {
        let stopping = Stopping(AtomicUsize::new(question));
        let error = train(&examples, TokenColumns, SHAPE, &options, &stopping).map(drop).unwrap_err();
        let TrainError::Interrupted { position, checkpoint } = &error else { panic!("{error}") };
        assert_eq!(*checkpoint, Some(folder.path().join("checkpoint")));
        assert!(error.to_string().contains("the same command goes on"), "{error}");
        said.push(position.clone());
    }
    assert_eq!(said[..3], ["day 1, batch 1", "day 1, batch 5", "day 3, batch 3"], "{said:?}");
    assert_eq!(assert_ends_as(&expected, &examples, &options).as_ref(), said.last());
}

#[test]
fn a_checkpoint_of_something_else_counts_for_nothing() {
    let examples = examples();
    let expected = undisturbed(&examples);
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), Duration::ZERO);
    let stop = || Stopping(AtomicUsize::new(5));
    let mut other = options.clone();
    other.checkpoint.as_mut().unwrap().fingerprint = "other records".into();
    other.recipe.seed = 9;
    assert!(train(&examples, TokenColumns, SHAPE, &other, &stop()).is_err());
    assert_eq!(assert_ends_as(&expected, &examples, &options), None);

    // Its own, but damaged: better to ask than to train for hours again.
    let path = folder.path().join("checkpoint/state.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"batch\":", "\"batch\":1", 1)).unwrap();
    let error = options.checkpoint.as_ref().unwrap().standing(SHAPE).unwrap_err().to_string();
    assert!(error.contains("state.json: the checksum differs"), "{error}");
    // A state of an older version has no checksum.
    let mut tree: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(tree.as_object_mut().unwrap().remove("xxh3").is_some());
    std::fs::write(&path, tree.to_string()).unwrap();
    assert!(options.checkpoint.as_ref().unwrap().standing(SHAPE).unwrap().is_some());

    let state = folder.path().join("checkpoint/trainer.safetensors");
    let mut bytes = std::fs::read(&state).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&state, &bytes).unwrap();
    let error = train(&examples, TokenColumns, SHAPE, &options, &Silent).map(drop).unwrap_err().to_string();
    assert!(error.contains("trainer.safetensors: the checksum differs"), "{error}");
    std::fs::write(&state, &bytes[..bytes.len() / 2]).unwrap();
    let error = train(&examples, TokenColumns, SHAPE, &options, &Silent).map(drop).unwrap_err().to_string();
    assert!(error.contains("trainer.safetensors") && error.contains("delete the folder"), "{error}");
}
