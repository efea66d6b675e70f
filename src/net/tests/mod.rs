//! The network against a plain definition in double precision and against PyTorch's numbers.

mod centred;
mod files;
mod golden;
mod random;
pub(super) mod reference;

use crate::features::{Batch, FOURIER_TERMS, Layout, NUMBERS, SparseRows, fourier_terms};
pub(super) use random::{network as random_network, shapes};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use skimlog_formats::PerReaction;

/// Uniform in `[0, 1)`.
pub(super) fn unit(random: &mut Xoshiro256PlusPlus) -> f32 {
    (random.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// A batch with sparse sketches, mostly zero numbers, and labels.
pub(super) fn random_batch(layout: Layout, rows: usize, seed: u64) -> Batch {
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

/// The records of a batch in this order.
pub(super) fn selected(batch: &Batch, records: impl Iterator<Item = usize>) -> Batch {
    let mut result = Batch { sparse: SparseRows::default(), ..Batch::default() };
    for record in records {
        let (columns, values) = batch.sparse.row(record);
        result.sparse.columns.extend(columns);
        result.sparse.values.extend(values);
        result.sparse.offsets.push(result.sparse.columns.len() as u32);
        result.dense.extend(&batch.dense[record * Layout::DENSE..(record + 1) * Layout::DENSE]);
        result.language.push(batch.language[record]);
        result.hour.push(batch.hour[record]);
        result.day.push(batch.day[record]);
        result.labels.push(batch.labels[record]);
        result.rows += 1;
    }
    result
}
