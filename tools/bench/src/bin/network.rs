//! Speed of inference on ready-made inputs, every precision, batched and one record at a time.
//!
//! `cargo run --release -p skimlog-bench --bin network -- --hidden 1500`

use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use skimlog::pipeline::memory::processor_time;
use skimlog_bench::synthetic;
use skimlog_features::input::{Batch, Layout};
use skimlog_formats::PerReaction;
use skimlog_network::{Calibration, Inference, Network, Precision, Shape};

/// Measures inference on ready-made inputs.
#[derive(Parser)]
struct Arguments {
    /// Width of the hidden layers.
    #[arg(long, default_value_t = 1500)]
    hidden: usize,
    /// Sizes of batches.
    #[arg(long, value_delimiter = ',', default_value = "256,1")]
    batch: Vec<usize>,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Seconds measured for each.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Precisions.
    #[arg(long, value_delimiter = ',', default_value = "f32,bf16,int8")]
    precision: Vec<Precision>,
    /// Share of the counts that are zero (of synthetic records' some 77 %, and two thirds of the others are at most 8).
    #[arg(long, default_value_t = 0.8)]
    zeros: f64,
}

fn measure(arguments: &Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    let layout = Layout { sketch_depth: 20, sketch_width: 256, logarithms: false, languages: 65 };
    let shape = Shape { layout, hidden: arguments.hidden };
    let network = Network::new(shape, 1, PerReaction::default());
    let mut calibration = Calibration::default();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    (0..8).for_each(|_| calibration.push(synthetic(layout, Calibration::BATCH, arguments.zeros, &mut random)));
    let mut engines = Vec::new();
    for &precision in &arguments.precision {
        engines.push(Inference::with_precision(&network, precision, Some(&calibration))?);
    }
    println!("hidden {}, {} threads, {}", arguments.hidden, arguments.threads, engines[0].instruction_set());
    for &size in &arguments.batch {
        let count = (1024 / size).max(4);
        let batches: Vec<Batch> = (0..count).map(|_| synthetic(layout, size, arguments.zeros, &mut random)).collect();
        let columns: usize = batches.iter().map(|batch| batch.sparse.columns.len()).sum();
        println!("batch {size}, {:.0} sketch columns a record", columns as f64 / (count * size) as f64);
        for inference in &mut engines {
            let mut logits = Vec::new();
            batches.iter().take(8).try_for_each(|batch| inference.logits(batch, &mut logits))?;
            let (before, processor, start) = (inference.times(), processor_time(), Instant::now());
            let mut latencies = Vec::new();
            while start.elapsed().as_secs_f64() < arguments.seconds {
                for batch in &batches {
                    let begun = Instant::now();
                    inference.logits(batch, &mut logits)?;
                    latencies.push(begun.elapsed().as_secs_f64() * 1e3);
                }
            }
            let (wall, processor, after) = (start.elapsed(), processor_time() - processor, inference.times());
            let records = (latencies.len() * size) as f64;
            let milliseconds = |time: Duration| time.as_secs_f64() * 1e3 / records;
            latencies.sort_by(f64::total_cmp);
            let quantile = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
            println!(
                "  {:<4} {:.4} ms a record ({:.4} of processor time): lists {:.4}, first layer {:.4}, hidden layers \
                 {:.4}; a batch: fastest {:.3} ms, median {:.3}, 99 % within {:.3}",
                inference.precision(),
                milliseconds(wall),
                milliseconds(processor),
                milliseconds(after.lists - before.lists),
                milliseconds(after.first - before.first),
                milliseconds(after.hidden - before.hidden),
                latencies[0],
                quantile(0.5),
                quantile(0.99),
            );
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    measure(&arguments)
}
