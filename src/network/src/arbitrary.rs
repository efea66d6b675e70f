//! Networks and batches of odd sizes, for property tests here and in other crates.

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use skimlog_features::input::{Batch, FOURIER_TERMS, Layout, NUMBERS, fourier_terms};
use skimlog_formats::PerReaction;

use crate::{Network, Shape};

/// Shapes of small networks.
pub fn shapes() -> impl Strategy<Value = Shape> {
    // A few of them without a sketch.
    let sketches = prop_oneof![1 => Just((0, 0)), 5 => (1usize..6, 1usize..60)];
    let layouts = (sketches, 0usize..5);
    (layouts, 1usize..75).prop_map(|(((sketch_depth, sketch_width), languages), hidden)| Shape {
        layout: Layout { sketch_depth, sketch_width, logarithms: languages % 2 == 1, languages },
        hidden,
    })
}

/// A network whose normalisations are not neutral, and embeddings as large as the other inputs.
pub fn network(shape: Shape, seed: u64) -> Network {
    let mut network = Network::new(shape, seed, PerReaction::from_fn(|reaction| reaction as u8 as f32 * 0.3 - 1.0));
    for name in network.tensor_names().collect::<Vec<_>>() {
        let mut values = network.tensor(name).expect("a tensor of this name").values;
        let wave = |index: usize| (index as f32 * 0.7 + seed as f32).sin();
        values.iter_mut().enumerate().for_each(|(index, value)| {
            match name.split_once('.').expect("a name and a kind") {
                ("language" | "hour" | "day", _) => *value *= 30.0,
                (_, "running_mean") => *value = 0.2 * wave(index),
                (_, "running_var") => *value = 1.0 + 0.5 * wave(index),
                (norm, "weight") if norm.starts_with("bn") => *value = 1.0 + 0.5 * wave(index),
                (norm, "bias") if norm.starts_with("bn") => *value = 0.3 * wave(index),
                _ => {}
            }
        });
        network.set_tensor(name, &values).expect("as many values");
    }
    network
}

/// Uniform in `[0, 1)`.
pub(crate) fn unit(random: &mut Xoshiro256PlusPlus) -> f32 {
    (random.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// A batch with sparse sketches, mostly zero numbers, and labels.
pub fn batch(layout: Layout, rows: usize, seed: u64) -> Batch {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut batch = Batch { rows, ..Batch::default() };
    for _ in 0..rows {
        for column in 0..layout.sparse() as u32 {
            if unit(&mut random) < 0.2 {
                batch.sparse.columns.push(column);
                batch.sparse.values.push(unit(&mut random) + 0.01);
            }
        }
        batch.sparse.offsets.push(batch.sparse.columns.len() as u32);
        for _ in 0..NUMBERS {
            let number = if unit(&mut random) < 0.6 { 0.0 } else { (unit(&mut random) * 40.0).floor() };
            batch.dense.extend(fourier_terms(f64::from(number)).map(|term| term as f32));
        }
        batch.dense.extend((NUMBERS * FOURIER_TERMS..Layout::DENSE).map(|_| unit(&mut random).round()));
        batch.language.push(random.next_u32() % (layout.languages as u32 + 1));
        batch.hour.push((random.next_u32() % 24) as u8);
        batch.day.push((random.next_u32() % 31) as u8);
        batch.labels.push(PerReaction::from_fn(|_| (unit(&mut random) < 0.3) as u8 as f32));
    }
    batch
}
