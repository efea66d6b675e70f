//! Speed of the network's training step and inference on synthetic batches.
//!
//! `cargo run --release -p skimmer-bench --bin step -- --hidden 1500 --batch 256 --threads 1`
//!
//! A record has about 35 tokens, 600 of 5,120 sketch columns that are not zero, and 65 counts of which 80 % are zero.
//! `tools/bench_step.py` takes the same step with PyTorch.

use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use skimmer::features::{Batch, FOURIER_TERMS, Layout, NUMBERS};
use skimmer::net::{AdamW, Inference, Network, Shape, Trainer};
use skimmer_formats::PerReaction;

/// Measures the network's training step and inference on synthetic batches.
#[derive(Parser)]
struct Arguments {
    /// Width of the hidden layers.
    #[arg(long, default_value_t = 1500)]
    hidden: usize,
    /// Records in a batch.
    #[arg(long, default_value_t = 256)]
    batch: usize,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Steps measured, after two that are not.
    #[arg(long, default_value_t = 20)]
    steps: usize,
}

/// Numbers that are counts; the others (followers, ages, …) are never zero here.
const COUNTS: usize = 65;

fn unit(random: &mut Xoshiro256PlusPlus) -> f64 {
    random.next_u32() as f64 / 2f64.powi(32)
}

fn synthetic(layout: Layout, rows: usize, random: &mut Xoshiro256PlusPlus) -> Batch {
    let mut batch = Batch { rows, ..Batch::default() };
    for _ in 0..rows {
        let tokens = 10 + random.next_u32() % 50;
        for depth in 0..layout.sketch_depth {
            let mut counts = vec![0u32; layout.sketch_width];
            (0..tokens).for_each(|_| counts[random.next_u32() as usize % layout.sketch_width] += 1);
            let norm = counts.iter().map(|&count| f64::from(count * count)).sum::<f64>().sqrt();
            for (code, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                batch.sketch.columns.push((depth * layout.sketch_width + code) as u32);
                batch.sketch.values.push((f64::from(count) / norm) as f32);
            }
        }
        batch.sketch.offsets.push(batch.sketch.columns.len() as u32);
        for number in 0..NUMBERS {
            let value = if number >= COUNTS {
                (unit(random) * 1000.0).floor()
            } else if unit(random) < 0.8 {
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

fn per_step(time: Duration, steps: usize) -> f64 {
    time.as_secs_f64() * 1e3 / steps as f64
}

/// Processor time of all threads so far: on a machine that others use too, it tells more than the clock. Linux only.
fn processor_time() -> Option<Duration> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let times = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += times.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

fn measure(arguments: &Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    let layout = Layout { sketch_depth: 20, sketch_width: 256, languages: 65 };
    let shape = Shape { layout, hidden: arguments.hidden };
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let batches: Vec<Batch> = (0..8).map(|_| synthetic(layout, arguments.batch, &mut random)).collect();
    let columns: usize = batches.iter().map(|batch| batch.sketch.columns.len()).sum();
    let mut trainer = Trainer::new(Network::new(shape, 1, PerReaction::default()), AdamW::default());
    println!(
        "hidden {}, batch {}, {} threads, {}, {:.0} sketch columns a record",
        arguments.hidden,
        arguments.batch,
        arguments.threads,
        trainer.instruction_set(),
        columns as f64 / (8 * arguments.batch) as f64,
    );

    for batch in batches.iter().take(2) {
        trainer.step(batch, 1e-4)?;
    }
    let (before, processor_before, start) = (trainer.stage_times(), processor_time(), Instant::now());
    let mut fastest = f64::INFINITY;
    let mut loss = 0.0;
    for number in 0..arguments.steps {
        let start = Instant::now();
        loss = trainer.step(&batches[number % batches.len()], 1e-4)?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let (elapsed, processor_after, after) = (start.elapsed(), processor_time(), trainer.stage_times());
    let rows = arguments.batch as f64;
    println!(
        "training: {:.0} rows/s, {:.1} ms a step (fastest {:.1} ms, {:.0} rows/s), loss {loss:.4}",
        rows * arguments.steps as f64 / elapsed.as_secs_f64(),
        per_step(elapsed, arguments.steps),
        fastest * 1e3,
        rows / fastest,
    );
    if let (Some(before), Some(after)) = (processor_before, processor_after) {
        let time = after - before;
        let rate = rows * arguments.steps as f64 / time.as_secs_f64();
        println!("  processor time {:.1} ms a step ({rate:.0} rows/s of it)", per_step(time, arguments.steps));
    }
    for (stage, time) in [
        ("inputs listed", after.inputs - before.inputs),
        ("first layer forward", after.first_forward - before.first_forward),
        ("hidden layers forward, loss", after.hidden_forward - before.hidden_forward),
        ("hidden layers backward, AdamW", after.hidden_backward - before.hidden_backward),
        ("first layer backward, AdamW", after.first_backward - before.first_backward),
    ] {
        println!("  {stage:<30} {:7.2} ms", per_step(time, arguments.steps));
    }

    let mut inference = Inference::new(trainer.network());
    let mut logits = Vec::new();
    inference.logits(&batches[0], &mut logits)?;
    let start = Instant::now();
    for number in 0..arguments.steps {
        inference.logits(&batches[number % batches.len()], &mut logits)?;
    }
    let time = start.elapsed();
    println!(
        "inference: {:.0} rows/s, {:.3} ms a row",
        rows * arguments.steps as f64 / time.as_secs_f64(),
        per_step(time, arguments.steps) / rows,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments = Arguments::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| measure(&arguments))
}
