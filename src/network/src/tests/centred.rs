//! Training on x − x(0): the gradients by their definition, and which weights a step changes.

use skimlog_features::input::Layout;
use skimlog_formats::PerReaction;

use super::random_batch;
use crate::network::DENSE_AT_ZERO;
use crate::{AdamW, Network, Shape, Trainer};

const SHAPE: Shape =
    Shape { layout: Layout { sketch_depth: 2, sketch_width: 30, logarithms: false, languages: 3 }, hidden: 40 };

fn network() -> Network {
    Network::new(SHAPE, 4, PerReaction::default())
}

fn values(network: &Network, name: &str) -> Vec<f32> {
    network.tensor(name).unwrap().values
}

/// `weight · x(0) + bias` of a first layer.
fn at_zero(network: &Network, layer: &str) -> Vec<f64> {
    let weight = values(network, &format!("{layer}.weight"));
    let rows = weight.chunks_exact(SHAPE.layout.width()).zip(values(network, &format!("{layer}.bias")));
    let dense = |row: &[f32]| {
        row[SHAPE.layout.dense_range()]
            .iter()
            .zip(DENSE_AT_ZERO)
            .map(|(a, b)| f64::from(*a) * f64::from(b))
            .sum::<f64>()
    };
    rows.map(|(row, bias)| dense(row) + f64::from(bias)).collect()
}

#[test]
fn gradients_are_those_of_the_difference() {
    let batch = random_batch(SHAPE.layout, 50, 4);
    let plain = Trainer::new(network(), AdamW::default()).gradients(&batch).unwrap();
    let centred = Trainer::new(network(), AdamW::default()).centred().gradients(&batch).unwrap();
    for (name, gradient) in &plain {
        let found = &centred[name].values;
        let Some(layer) = ["l1", "projection"].into_iter().find(|layer| *name == format!("{layer}.weight")) else {
            assert_eq!(*found, gradient.values, "{name}");
            continue;
        };
        let sums = &plain[format!("{layer}.bias").as_str()].values;
        let (width, dense) = (SHAPE.layout.width(), SHAPE.layout.dense_range());
        for (index, (&found, &whole)) in found.iter().zip(&gradient.values).enumerate() {
            let (output, input) = (index / width, index % width);
            let zero = if dense.contains(&input) { DENSE_AT_ZERO[input - dense.start] } else { 0.0 };
            let expected = whole - sums[output] * zero;
            assert!((found - expected).abs() < 1e-6, "{name}[{index}]: {found}, not {expected}");
        }
    }
}

#[test]
fn a_step_moves_what_zeros_come_to_by_the_learning_rate() {
    let batch = random_batch(SHAPE.layout, 50, 4);
    let settings = AdamW { weight_decay: 0.0, ..AdamW::default() };
    let rate = 1e-3;
    for (centred, most) in [(true, 1.01), (false, f64::from(rate).recip())] {
        let trainer = Trainer::new(network(), settings);
        let mut trainer = if centred { trainer.centred() } else { trainer };
        trainer.step(&batch, rate).unwrap();
        for layer in ["l1", "projection"] {
            let moved = at_zero(trainer.network(), layer).into_iter().zip(at_zero(&network(), layer));
            let furthest = moved.map(|(now, before)| (now - before).abs()).fold(0.0, f64::max);
            assert!(furthest <= most * f64::from(rate), "{layer}: {furthest}");
            // Without it, hundreds of copies of the bias move as one.
            assert!(centred || furthest > 100.0 * f64::from(rate), "{layer}: {furthest}");
        }
    }
}

#[test]
fn a_centred_training_goes_on_exactly_from_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trainer.safetensors");
    let mut whole = Trainer::new(network(), AdamW::default()).centred();
    let step = |trainer: &mut Trainer, number| trainer.step(&random_batch(SHAPE.layout, 30, number), 1e-3).unwrap();
    step(&mut whole, 0);
    whole.save(&path).unwrap();
    let mut resumed = Trainer::load(&path, SHAPE, AdamW::default()).unwrap().centred();
    assert_eq!(step(&mut whole, 1), step(&mut resumed, 1));
    assert!(whole.network().values == resumed.network().values);
}
