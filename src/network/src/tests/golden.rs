//! PyTorch's numbers: `fixtures/golden/net`, hidden size 32, a batch of 60 records.

use std::collections::BTreeMap;
use std::path::PathBuf;

use skimlog_features::input::{Batch, Layout};
use skimlog_formats::{PerReaction, Reaction};

use super::reference::Reference;
use crate::kernels::{DotInstructions, Instructions};
use crate::{AdamW, Inference, Network, Precision, Shape, Tensor, Trainer};

const RECORDS: usize = 60;
const SHAPE: Shape =
    Shape { layout: Layout { sketch_depth: 20, sketch_width: 256, logarithms: false, languages: 44 }, hidden: 32 };

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(name)
}

/// Numbers of a text file, row after row.
fn table(name: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(golden(name)).unwrap();
    text.split_whitespace().map(|value| value.parse().unwrap()).collect()
}

fn batch() -> Batch {
    let width = SHAPE.layout.dense_range().end;
    let bytes = std::fs::read(golden("features/input_60x6300_f64le.bin")).unwrap();
    let input: Vec<f32> = bytes.as_chunks().0.iter().map(|&value| f64::from_le_bytes(value) as f32).collect();
    let mut batch = Batch { rows: RECORDS, ..Batch::default() };
    for row in input.chunks_exact(width) {
        for (column, &value) in (0u32..).zip(&row[..SHAPE.layout.sparse()]) {
            if value != 0.0 {
                batch.sparse.columns.push(column);
                batch.sparse.values.push(value);
            }
        }
        batch.sparse.offsets.push(batch.sparse.columns.len() as u32);
        batch.dense.extend(&row[SHAPE.layout.dense_range()]);
    }
    let text = std::fs::read_to_string(golden("net/ids_labels.tsv")).unwrap();
    for line in text.lines().skip(1) {
        let numbers: Vec<u32> = line.split('\t').map(|value| value.parse().unwrap()).collect();
        batch.language.push(numbers[0]);
        batch.hour.push(numbers[1] as u8);
        batch.day.push(numbers[2] as u8);
        let labels = [3, 4, 5, 6].map(|column| numbers[column] as f32);
        batch.labels.push(PerReaction::from_order(Reaction::NETWORK_ORDER, labels));
    }
    batch
}

/// Tensors listed in `name.json`, their values in `name.f32le.bin`.
fn tensors(name: &str) -> Vec<(String, Tensor)> {
    #[derive(serde::Deserialize)]
    struct Listed {
        name: String,
        shape: Vec<usize>,
    }
    let listed = std::fs::read_to_string(golden(&format!("net/{name}.json"))).unwrap();
    let bytes = std::fs::read(golden(&format!("net/{name}.f32le.bin"))).unwrap();
    let mut values = bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
    let listed: Vec<Listed> = serde_json::from_str(&listed).unwrap();
    let mut tensor = |Listed { name, shape }| {
        let values: Vec<f32> = values.by_ref().take(shape.iter().product()).collect();
        (name, Tensor { shape, values })
    };
    let tensors: Vec<_> = listed.into_iter().map(&mut tensor).collect();
    assert_eq!(values.next(), None, "{name}: more values than listed");
    // PyTorch counts batches, too; with a momentum of 0.1 the count is of no use.
    tensors.into_iter().filter(|(name, _)| !name.ends_with("num_batches_tracked")).collect()
}

fn network() -> Network {
    let mut network = Network::new(SHAPE, 0, PerReaction::default());
    for (name, tensor) in tensors("weights_init") {
        assert_eq!(network.tensor(&name).unwrap().shape, tensor.shape, "{name}");
        network.set_tensor(&name, &tensor.values).unwrap();
    }
    network
}

/// Largest |a − b| / max(1, |b|).
fn difference(ours: impl Iterator<Item = f64>, theirs: &[f64]) -> f64 {
    let ours: Vec<f64> = ours.collect();
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

fn flat(logits: impl IntoIterator<Item = PerReaction<f32>>) -> impl Iterator<Item = f64> {
    logits.into_iter().flat_map(|logits| logits.in_order(Reaction::NETWORK_ORDER)).map(f64::from)
}

fn assert_evaluates_to(network: &Network, batch: &Batch, expected: &[f64]) {
    for instructions in DotInstructions::available() {
        let mut logits = Vec::new();
        let mut inference = Inference::with_instructions(network, Precision::F32, None, instructions);
        inference.logits(batch, &mut logits).unwrap();
        assert!(difference(flat(logits), expected) < 1e-5, "{}", instructions.name());
    }
}

/// Positions whose true gradient is zero or nearly so, by tensor: never above this share of the tensor's largest in
/// five steps of the reference. A column of `l1(x)` that is positive (or negative) for the whole batch is shifted by
/// its bias and by inputs that are the same for all records, and `bn1` takes the shift out again. AdamW turns the
/// rounding noise there into steps as large as the learning rate, in PyTorch as here, so no two programs agree on them.
const NOISE: f64 = 1e-5;

fn noisy_positions(batch: &Batch, settings: &AdamW) -> BTreeMap<String, Vec<bool>> {
    let mut reference = Reference::of(&network());
    let mut shares: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..5 {
        for (name, gradient) in reference.step(batch, settings, 1e-4).gradients {
            let largest = gradient.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            let shares = shares.entry(name).or_insert_with(|| vec![0.0; gradient.len()]);
            shares.iter_mut().zip(gradient).for_each(|(share, value)| *share = share.max(value.abs() / largest));
        }
    }
    // Weights of inputs that are zero in the whole batch have a gradient of exactly zero, and no noise.
    let noisy = |shares: Vec<f64>| shares.into_iter().map(|share| share > 0.0 && share <= NOISE).collect();
    let mut noisy: BTreeMap<String, Vec<bool>> =
        shares.into_iter().map(|(name, shares)| (name, noisy(shares))).collect();
    let columns = noisy["l1.bias"].clone();
    noisy.insert("bn1.running_mean".to_owned(), columns);
    noisy
}

#[test]
fn gradients_are_pytorch_s() {
    let (batch, gradients) = (batch(), tensors("grads_step0"));
    for instructions in Instructions::available() {
        let trainer = Trainer::with_instructions(network(), AdamW::default(), instructions);
        let ours = trainer.gradients(&batch).unwrap();
        assert_eq!(ours.len(), gradients.len());
        for (tensor, theirs) in &gradients {
            let ours = &ours[tensor.as_str()];
            assert_eq!(ours.shape, theirs.shape);
            let largest = theirs.values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            let errors = ours.values.iter().zip(&theirs.values).map(|(a, b)| (a - b).abs());
            let (error, name) = (errors.fold(0.0, f32::max), instructions.name());
            assert!(error <= 1e-5 * largest, "{name} gradient {tensor}: {error:e} of {largest:e}");
        }
    }
}

#[test]
fn five_steps_are_pytorch_s() {
    let batch = batch();
    let settings = AdamW::default();
    let (initial, last) = (table("net/logits_eval_init.tsv"), table("net/logits_eval_after5.tsv"));
    let (training, losses) = (table("net/logits_train_step0.tsv"), table("net/losses.tsv"));
    let weights = tensors("weights_after5");
    let noisy = noisy_positions(&batch, &settings);
    let count: usize = noisy.values().flatten().filter(|&&noisy| noisy).count();
    assert!(count < 1000, "{count} positions are left out");

    for instructions in Instructions::available() {
        let name = instructions.name();
        let network = network();
        assert_evaluates_to(&network, &batch, &initial);

        let mut trainer = Trainer::with_instructions(network, settings, instructions);
        for (number, &loss) in losses.iter().enumerate() {
            let ours = f64::from(trainer.step(&batch, settings.learning_rate).unwrap());
            assert!((ours - loss).abs() < 1e-6, "{name} step {number}: {ours}, PyTorch {loss}");
            if number == 0 {
                assert!(difference(flat(trainer.logits()), &training) < 1e-5, "{name}");
            }
        }

        let mut network = trainer.into_network();
        for (tensor, theirs) in &weights {
            let mut ours = network.tensor(tensor).unwrap();
            assert_eq!(ours.shape, theirs.shape);
            for (index, (ours, &theirs)) in ours.values.iter_mut().zip(&theirs.values).enumerate() {
                if noisy.get(tensor).is_some_and(|noisy| noisy[index]) {
                    let limit = if tensor == "bn1.running_mean" { 0.02 } else { 1e-3 };
                    assert!((*ours - theirs).abs() < limit, "{name} {tensor}[{index}]: {ours}, PyTorch {theirs}");
                    *ours = theirs;
                }
                let error = (*ours - theirs).abs();
                assert!(error <= 1e-5 * theirs.abs().max(1.0), "{name} {tensor}[{index}]: {ours}, PyTorch {theirs}");
            }
            network.set_tensor(tensor, &ours.values).unwrap();
        }
        assert_evaluates_to(&network, &batch, &last);
    }
}
