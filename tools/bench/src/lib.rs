//! Inputs that several benchmarks use.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;
use skimlog_features::input::{Batch, FOURIER_TERMS, Layout, NUMBERS};
use skimlog_formats::PerReaction;

/// Numbers that are counts; the others (followers, ages, …) are never zero here.
const COUNTS: usize = 65;

fn unit(random: &mut Xoshiro256PlusPlus) -> f64 {
    random.next_u32() as f64 / 2f64.powi(32)
}

/// Records of about 35 tokens, with labels; a share of `zeros` of their counts is zero.
pub fn synthetic(layout: Layout, rows: usize, zeros: f64, random: &mut Xoshiro256PlusPlus) -> Batch {
    let mut batch = Batch { rows, ..Batch::default() };
    for _ in 0..rows {
        let tokens = 10 + random.next_u32() % 50;
        for depth in 0..layout.sketch_depth {
            let mut counts = vec![0u32; layout.sketch_width];
            (0..tokens).for_each(|_| counts[random.next_u32() as usize % layout.sketch_width] += 1);
            let norm = counts.iter().map(|&count| f64::from(count * count)).sum::<f64>().sqrt();
            for (code, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                batch.sparse.columns.push((depth * layout.sketch_width + code) as u32);
                batch.sparse.values.push((f64::from(count) / norm) as f32);
            }
        }
        batch.sparse.offsets.push(batch.sparse.columns.len() as u32);
        for number in 0..NUMBERS {
            let value = if number >= COUNTS {
                (unit(random) * 1000.0).floor()
            } else if unit(random) < zeros {
                0.0
            } else {
                1.0 + (unit(random) * 50.0).floor()
            };
            for term in 0..FOURIER_TERMS {
                let angle = value / 2f64.powi((term % 8) as i32 - 1);
                batch.dense.push(if term < 8 { angle.sin() } else { angle.cos() } as f32);
            }
        }
        batch.dense.extend((NUMBERS * FOURIER_TERMS..Layout::DENSE).map(|_| unit(random).round() as f32));
        batch.language.push(random.next_u32() % (layout.languages as u32 + 1));
        batch.hour.push((random.next_u32() % 24) as u8);
        batch.day.push((random.next_u32() % 28) as u8);
        batch.labels.push(PerReaction::from_fn(|_| (unit(random) < 0.15) as u8 as f32));
    }
    batch
}
