//! The computation against PyTorch's and against finite differences; a training that is stopped and resumed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use burn_flex::FlexDevice;
use ndarray::{Array2, Array3};
use ndarray_npy::ReadNpyExt;
use serde::Deserialize;
use skimlog_formats::Id;
use skimlog_formats::part::{self, PartWriter};
use skimlog_formats::record::{RecordBatch, TweetType, Users};
use skimlog_runtime::progress::{Progress, Silent, Unit};

use super::dropout::Dropout;
use super::random::{Draws, Purpose};
use super::{CpuTrainer, MaskedBatch, checkpoint_standing};
use crate::distilbert::{Architecture, Weights};
use crate::finetune::{FinetuneError, SpecialTokens, Start, Steps, TrainingOptions, finetune};

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

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-distilbert")
}

#[derive(Deserialize)]
struct Expected {
    labels: Vec<Vec<i64>>,
    loss: f64,
    gradient_norms: BTreeMap<String, f64>,
}

/// The fixture's batch with the tokens to be guessed, and what PyTorch makes of it.
fn expected() -> (MaskedBatch, Expected) {
    let read = |name| Array2::<i64>::read_npy(File::open(fixture().join(name)).unwrap()).unwrap();
    let (ids, mask) = (read("expected_input_ids.npy"), read("expected_attention_mask.npy"));
    let expected = fs::read(fixture().join("expected_masked_lm.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    let labels = expected.labels.concat();
    let hidden = (0..labels.len()).filter(|&position| labels[position] >= 0);
    let batch = MaskedBatch {
        rows: ids.nrows(),
        length: ids.ncols(),
        ids: ids.iter().map(|&id| id as u32).collect(),
        attention: mask.iter().map(|&attended| attended == 1).collect(),
        positions: hidden.clone().map(|position| position as u32).collect(),
        targets: hidden.map(|position| labels[position] as u32).collect(),
    };
    (batch, expected)
}

fn trainer() -> CpuTrainer {
    CpuTrainer::new(Weights::read(&fixture()).unwrap(), &FlexDevice)
}

#[test]
fn hidden_states_are_those_of_the_definition() {
    let (batch, _) = expected();
    let expected = Array3::<f32>::read_npy(File::open(fixture().join("expected_hidden_states.npy")).unwrap()).unwrap();
    let hidden = trainer().model().hidden_states(&batch, Dropout::NONE).to_data();
    let hidden = hidden.as_slice::<f32>().unwrap();
    assert_eq!(hidden.len(), expected.len());
    for (position, (ours, theirs)) in hidden.chunks(64).zip(expected.as_slice().unwrap().chunks(64)).enumerate() {
        let error = ours.iter().zip(theirs).fold(0f32, |error, (a, b)| error.max((a - b).abs()));
        assert!(!batch.attention[position] || error < 1e-5, "{error} at {position}");
    }
}

#[test]
fn loss_and_gradients_are_those_of_pytorch() {
    let (batch, expected) = expected();
    let trainer = trainer();
    assert!((f64::from(trainer.loss(&batch)) - expected.loss).abs() < 1e-5, "{}", trainer.loss(&batch));
    let (loss, gradients) = trainer.gradients(&batch, Dropout::NONE);
    assert!((f64::from(loss) - expected.loss).abs() < 1e-5);
    let weights = Weights::read(&fixture()).unwrap();
    assert_eq!(expected.gradient_norms.len(), gradients.len());
    for (tensor, gradient) in weights.tensors().zip(gradients) {
        let values = gradient.to_data();
        let squares = values.as_slice::<f32>().unwrap().iter().map(|&value| f64::from(value) * f64::from(value));
        let (norm, theirs) = (squares.sum::<f64>().sqrt(), expected.gradient_norms[&tensor.name()]);
        // The keys' bias has no gradient but for rounding.
        assert!((norm - theirs).abs() < 1e-4 * theirs + 1e-6, "{}: {norm} {theirs}", tensor.name());
    }
}

#[test]
fn gradients_are_finite_differences() {
    let (batch, _) = expected();
    // With dropout, whose choices must be the same for every evaluation.
    let dropout = Dropout::new(Draws::new(3, Purpose::Dropout, [1, 0]));
    let weights = Weights::read(&fixture()).unwrap();
    let (_, gradients) = trainer().gradients(&batch, dropout);
    let loss = |weights: Weights| -> f64 {
        let trainer = CpuTrainer::new(weights, &FlexDevice);
        f64::from(trainer.model().loss(&batch, dropout).into_scalar())
    };
    for (tensor, gradient) in weights.tensors().zip(gradients) {
        // Along the gradient the loss changes most, and all numbers of the tensor take part.
        let direction = gradient.to_data();
        let direction = direction.as_slice::<f32>().unwrap();
        let norm = direction.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
        if norm < 1e-4 {
            continue;
        }
        let step = 1e-2;
        let moved = |sign: f64| {
            let mut weights = weights.clone();
            let values = weights.tensor_mut(tensor).iter_mut().zip(direction);
            values.for_each(|(value, direction)| *value += (sign * step * f64::from(*direction) / norm) as f32);
            loss(weights)
        };
        let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
        assert!((slope - norm).abs() < 0.03 * norm + 2e-4, "{}: {slope} {norm}", tensor.name());
    }
}

#[test]
fn a_step_is_adamw_s() {
    let (batch, _) = expected();
    let options =
        TrainingOptions { warmup_steps: 0, learning_rate: 1e-2, weight_decay: 0.1, ..TrainingOptions::default() };
    let mut trainer = trainer();
    let before = Weights::read(&fixture()).unwrap();
    let dropout = Dropout::new(Draws::new(options.seed, Purpose::Dropout, [0, 0]));
    let (_, gradients) = trainer.gradients(&batch, dropout);
    trainer.step(&batch, 0, 10, &options);
    let after = trainer.weights();
    for (tensor, gradient) in before.tensors().zip(gradients) {
        let decay = if before.architecture().shape(tensor).len() == 2 { 1e-3 } else { 0.0 };
        let gradient = gradient.to_data();
        let all = before.tensor(tensor).iter().zip(after.tensor(tensor)).zip(gradient.as_slice::<f32>().unwrap());
        for ((before, after), gradient) in all {
            // The first step's moments are the gradient and its square: it has the learning rate's length.
            if gradient.abs() > 1e-5 {
                let expected = before * (1.0 - decay) - 1e-2 * gradient.signum();
                assert!((after - expected).abs() < 1e-4, "{}: {after} {expected}", tensor.name());
            } else if *gradient == 0.0 {
                assert!((after - before * (1.0 - decay)).abs() < 1e-7, "{}", tensor.name());
            }
        }
    }
}

/// A tiny training: its options, its parts in `folder`.
fn tiny(folder: &Path) -> (Vec<PathBuf>, Start, TrainingOptions) {
    // Words follow each other: there is something to learn.
    let record = |row: u32| {
        let words = (0..6 + row % 7).map(|position| 200 + (row * 7 + position * 3) % 40);
        [101].into_iter().chain(words).chain([102]).collect()
    };
    let part = |part: u32| (0..150).map(|row| record(part * 1000 + row)).collect::<Vec<Vec<u32>>>();
    let parts = vec![write_part(folder, "a.skim", &part(0)), write_part(folder, "b.skim", &part(1))];
    let mut architecture = Architecture::new(300, 32, 64, 2, 4);
    architecture.max_position_embeddings = 32;
    let options = TrainingOptions {
        steps: Steps::Exactly(60),
        batch_size: 8,
        max_length: 32,
        learning_rate: 5e-3,
        warmup_steps: 5,
        held_out: 0.1,
        evaluate_steps: 20,
        log_steps: 1,
        save_steps: 25,
        ..TrainingOptions::default()
    };
    (parts, Start::Scratch(architecture), options)
}

/// Asks to stop after so many steps.
struct StopAfter(AtomicI64);

impl Progress for StopAfter {
    fn begin(&self, _: &str, _: Option<u64>, _: Unit) {}
    fn advance(&self, _: u64) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
    fn remark(&self, _: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) <= 0
    }
}

#[test]
fn a_training_that_was_interrupted_has_the_same_losses() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, start, options) = tiny(folder.path());
    let whole = folder.path().join("whole");
    let uninterrupted = finetune(&parts, &start, &options, &whole, &Silent).unwrap();
    assert_eq!(uninterrupted.steps, 60);
    let last = uninterrupted.held_out.unwrap();
    let first = uninterrupted.history[0].held_out.unwrap();
    assert!(last < 0.75 * first, "{first} {last}");
    // The last two of 25, 50 and 60.
    let kept = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(kept(&whole), ["checkpoint-50", "checkpoint-60"]);

    let halved = folder.path().join("halved");
    let mut resumed = None;
    for steps in [23_i64, 1, 100] {
        // Neither does the number of threads show.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1 + (steps % 2) as usize).build().unwrap();
        let run = || finetune(&parts, &start, &options, &halved, &StopAfter(AtomicI64::new(steps)));
        match pool.install(run) {
            Err(FinetuneError::Interrupted { checkpoint, .. }) => assert!(checkpoint.join("config.json").exists()),
            other => resumed = Some(other.unwrap()),
        }
    }
    let resumed = resumed.unwrap();
    assert_eq!(resumed.resumed_from, 24);
    assert_eq!(resumed.history, uninterrupted.history);
    let weights = |folder: &Path| fs::read(folder.join("checkpoint-60/model.safetensors")).unwrap();
    assert!(weights(&whole) == weights(&halved));
    // Nothing is left to do.
    let again = finetune(&parts, &start, &options, &whole, &Silent).unwrap();
    assert_eq!((again.resumed_from, again.history), (60, resumed.history));

    let other = TrainingOptions { learning_rate: 1e-3, ..options.clone() };
    let found = finetune(&parts, &start, &other, &whole, &Silent).unwrap_err().to_string();
    assert!(found.contains("learning_rate: 0.005, now 0.001") && found.contains("checkpoint-60"), "{found}");
    fs::write(whole.join("checkpoint-60/trainer_state.json"), "{").unwrap();
    let found = finetune(&parts, &start, &options, &whole, &Silent).unwrap_err();
    assert!(matches!(found, FinetuneError::Checkpoint { .. }), "{found}");
}

#[cfg(feature = "tract")]
#[test]
fn a_checkpoint_is_a_model_to_embed_with() {
    use crate::{EncoderModel, EncoderOptions, EngineChoice, TokenBatch};

    let folder = tempfile::tempdir().unwrap();
    let (parts, start, options) = tiny(folder.path());
    let options = TrainingOptions { steps: Steps::Exactly(10), ..options };
    let made = finetune(&parts, &start, &options, &folder.path().join("one"), &Silent).unwrap();
    let tract = EncoderOptions { engine: EngineChoice::Tract, ..EncoderOptions::default() };
    let model = EncoderModel::open(&made.checkpoint, &tract).unwrap();
    let record = [101, 210, 213, 216, 102];
    let hidden = model.encoder().unwrap().encode(&TokenBatch::new([&record[..]])).unwrap();
    let trainer = CpuTrainer::new(Weights::read(&made.checkpoint).unwrap(), &FlexDevice);
    let draws = Draws::new(0, Purpose::Masking, [0, 0]);
    let batch = MaskedBatch::new(&[record.to_vec()], 0, &SpecialTokens::default(), 300, 0.0, draws);
    let ours = trainer.model().hidden_states(&batch, Dropout::NONE).to_data();
    for (a, b) in hidden.iter().zip(ours.as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn a_checkpoint_is_a_model_to_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, start, options) = tiny(folder.path());
    let options = TrainingOptions { steps: Steps::Exactly(10), ..options };
    let made = finetune(&parts, &start, &options, &folder.path().join("one"), &Silent).unwrap();
    let start = Start::Folder(made.checkpoint);
    let next = finetune(&parts, &start, &options, &folder.path().join("two"), &Silent).unwrap();
    assert_eq!(next.history[0].held_out, made.held_out);
    let long = TrainingOptions { max_length: 33, ..options.clone() };
    let found = finetune(&parts, &start, &long, &folder.path().join("three"), &Silent).unwrap_err();
    assert!(matches!(found, FinetuneError::Length { asked: 33, most: 32 }), "{found}");
    let masked =
        TrainingOptions { special: SpecialTokens { mask: 300, ..SpecialTokens::default() }, ..options.clone() };
    let found = finetune(&parts, &start, &masked, &folder.path().join("three"), &Silent).unwrap_err();
    assert!(matches!(found, FinetuneError::Mask { token: 300, vocabulary: 300 }), "{found}");
    let wild = TrainingOptions { learning_rate: 1e30, warmup_steps: 0, ..options };
    let found = finetune(&parts, &start, &wild, &folder.path().join("four"), &Silent).unwrap_err();
    assert!(matches!(found, FinetuneError::Diverged { .. }), "{found}");
}

#[test]
fn a_damaged_checkpoint_is_refused_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, start, options) = tiny(folder.path());
    let options = TrainingOptions { steps: Steps::Exactly(2), ..options };
    let trained = folder.path().join("trained");
    let made = finetune(&parts, &start, &options, &trained, &Silent).unwrap();
    assert_eq!(checkpoint_standing(&trained).unwrap(), Some(2));

    let state = made.checkpoint.join("trainer_state.json");
    let text = fs::read_to_string(&state).unwrap();
    for (from, to) in [("\"record\": ", "\"record\": 1"), ("\"epoch\": ", "\"epoch\": 1")] {
        assert!(text.contains(from), "{text}");
        fs::write(&state, text.replacen(from, to, 1)).unwrap();
        let found = checkpoint_standing(&trained).unwrap_err().to_string();
        assert!(found.contains("trainer_state.json: the checksum differs"), "{found}");
    }
    // A checkpoint of an older version has no checksum.
    let mut tree: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(tree.as_object_mut().unwrap().remove("xxh3").is_some());
    fs::write(&state, tree.to_string()).unwrap();
    assert_eq!(checkpoint_standing(&trained).unwrap(), Some(2));

    let moments = made.checkpoint.join("optimizer.safetensors");
    let mut bytes = fs::read(&moments).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&moments, bytes).unwrap();
    let found = checkpoint_standing(&trained).unwrap_err().to_string();
    assert!(found.contains("optimizer.safetensors: the checksum differs"), "{found}");
}
