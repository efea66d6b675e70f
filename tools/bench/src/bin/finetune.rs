//! Speed of a fine-tuning step of the text model on made-up records, all of full length.
//!
//! `cargo run --release -p skimlog-bench --bin finetune -- --threads 2`; `tools/bench/finetune.py` takes the same
//! step with PyTorch, in turns.

use std::error::Error;
use std::time::Instant;

use clap::Parser;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use skimlog_text::distilbert::{Architecture, Weights};
use skimlog_text::finetune::{CpuTrainer, MaskedBatch, TrainingOptions};

/// Measures a fine-tuning step; prints a line a step: seconds, seconds of processor time, loss.
#[derive(Parser)]
struct Arguments {
    /// Transformer layers.
    #[arg(long, default_value_t = 6)]
    layers: usize,
    /// Width of the hidden states.
    #[arg(long, default_value_t = 768)]
    width: usize,
    /// Token ids.
    #[arg(long, default_value_t = 119_547)]
    vocabulary: usize,
    /// Records in a step.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Tokens in a record.
    #[arg(long, default_value_t = 100)]
    length: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Steps measured, after one that is not.
    #[arg(long, default_value_t = 3)]
    steps: u64,
}

fn batch(arguments: &Arguments, random: &mut Xoshiro256PlusPlus) -> MaskedBatch {
    let (rows, length) = (arguments.batch, arguments.length);
    let mut token = || 1000 + random.next_u32() % (arguments.vocabulary as u32 - 1000);
    let mut batch = MaskedBatch { rows, length, attention: vec![true; rows * length], ..MaskedBatch::default() };
    for place in 0..rows * length {
        let (shown, drawn) = (token(), token());
        batch.ids.push(shown);
        if drawn % 100 < 15 {
            batch.positions.push(place as u32);
            batch.targets.push(shown);
            batch.ids[place] = 103;
        }
    }
    batch
}

/// Processor time of all threads so far, in seconds. Linux only.
fn processor_seconds() -> Option<f64> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let times = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += times.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 * 1e-9)
}

fn measure(arguments: &Arguments) {
    let Arguments { layers, width, vocabulary, .. } = *arguments;
    let architecture = Architecture::new(vocabulary, width, 4 * width, layers, width / 64);
    let mut trainer = CpuTrainer::new(Weights::random(architecture, 1), &Default::default());
    let options = TrainingOptions { warmup_steps: 0, ..TrainingOptions::default() };
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    for step in 0..=arguments.steps {
        let batch = batch(arguments, &mut random);
        let (began, processor) = (Instant::now(), processor_seconds());
        let loss = trainer.step(&batch, step, 1000, &options);
        let seconds = began.elapsed().as_secs_f64();
        let processor = processor_seconds().zip(processor).map_or(f64::NAN, |(after, before)| after - before);
        if step > 0 {
            println!("{seconds:.3} {processor:.3} {loss:.4}");
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| measure(&arguments));
    Ok(())
}
