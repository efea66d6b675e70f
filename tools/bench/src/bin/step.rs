//! Speed of the network's training step and inference.
//!
//! `cargo run --release -p skimlog-bench --bin step -- --hidden 1500 --batch 256 --threads 1`
//!
//! A record has about 35 tokens, 600 of 5,120 sketch columns that are not zero, and 65 counts of which 80 % are zero;
//! or, with `--records`, is one of a working directory. `tools/bench/step.py` takes the same steps with PyTorch, from
//! what `--save` writes.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use skimlog::pipeline::examples::{Examples, ExamplesError, Portion, StoredExamples, StoredPart};
use skimlog::pipeline::memory::processor_time;
use skimlog_bench::synthetic;
use skimlog_features::input::{Batch, InputBuilder, Layout};
use skimlog_features::sketch::TokenCodes;
use skimlog_formats::{PerReaction, Reaction};
use skimlog_network::{AdamW, Inference, Network, Shape, Trainer};

type BoxError = Box<dyn Error + Send + Sync>;

/// Measures the network's training step and inference.
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
    /// Different batches, which take turns [default: a new one for every step].
    #[arg(long)]
    batches: Option<usize>,
    /// Working directory, taken up to `sketch`, whose first training records are the batches [default: made-up ones].
    #[arg(long)]
    records: Option<PathBuf>,
    /// Folder for the weights at the start (weights.safetensors), the batches (dense-N.f32, ids-N.u32, labels-N.f32,
    /// little-endian) and the losses of all steps (losses.f32).
    #[arg(long)]
    save: Option<PathBuf>,
}

fn made_up_batches(rows: usize, count: usize) -> (Layout, Vec<Batch>) {
    let layout = Layout { sketch_depth: 20, sketch_width: 256, logarithms: false, languages: 65 };
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    (layout, (0..count).map(|_| synthetic(layout, rows, 0.8, &mut random)).collect())
}

/// `count` batches of the first training records of a working directory.
fn stored_batches(folder: &Path, rows: usize, count: usize) -> Result<(Layout, Vec<Batch>), BoxError> {
    let [part, features] = ["parts", "features"].map(|kind| folder.join(kind).join("part-00000.skim"));
    let examples = StoredExamples::open(vec![StoredPart { part, features }], None)?;
    let codes = TokenCodes::read(&folder.join("codes.skim"))?;
    let (shape, languages) = (codes.shape(), examples.languages().len());
    let (sketch_depth, sketch_width) = (shape.depth(), shape.width());
    let layout = Layout { sketch_depth, sketch_width, logarithms: false, languages };
    let builder = InputBuilder::new(codes, layout);
    let mut batches: Vec<Batch> = (0..count).map(|_| Batch::default()).collect();
    let mut records = 0;
    examples.visit(Portion::Training, |_, example| {
        if let Some(batch) = batches.get_mut(records / rows) {
            builder.push(example, batch);
        }
        records += 1;
        Ok::<(), ExamplesError>(())
    })?;
    match records < rows * count {
        true => Err(format!("{} has {records} records only, not {rows} x {count}", folder.display()).into()),
        false => Ok((layout, batches)),
    }
}

/// Writes a batch for [`Arguments::save`]: records of dense inputs, records of three ids, records of four labels in the
/// network's order.
fn save_batch(folder: &Path, number: usize, layout: Layout, batch: &Batch) -> std::io::Result<()> {
    let write = |name: &str, kind: &str, bytes: &[u8]| fs::write(folder.join(format!("{name}-{number}.{kind}")), bytes);
    let mut dense: Vec<f32> = Vec::new();
    for (row, rest) in batch.dense.chunks_exact(Layout::DENSE).enumerate() {
        let first = dense.len();
        dense.resize(first + layout.sparse(), 0.0);
        let (columns, values) = batch.sparse.row(row);
        columns.iter().zip(values).for_each(|(&column, &value)| dense[first + column as usize] = value);
        dense.extend_from_slice(rest);
    }
    write("dense", "f32", bytemuck::cast_slice(&dense))?;
    let ids: Vec<u32> = (0..batch.rows)
        .flat_map(|row| [batch.language[row], u32::from(batch.hour[row]), u32::from(batch.day[row])])
        .collect();
    write("ids", "u32", bytemuck::cast_slice(&ids))?;
    let labels: Vec<f32> = batch.labels.iter().flat_map(|labels| labels.in_order(Reaction::NETWORK_ORDER)).collect();
    write("labels", "f32", bytemuck::cast_slice(&labels))
}

fn per_step(time: Duration, steps: usize) -> f64 {
    time.as_secs_f64() * 1e3 / steps as f64
}

fn measure(arguments: &Arguments) -> Result<(), BoxError> {
    let steps = arguments.steps + 2;
    let count = arguments.batches.map_or(steps, |batches| batches.clamp(1, steps));
    let (layout, batches) = match &arguments.records {
        Some(folder) => stored_batches(folder, arguments.batch, count)?,
        None => made_up_batches(arguments.batch, count),
    };
    let shape = Shape { layout, hidden: arguments.hidden };
    let columns: usize = batches.iter().map(|batch| batch.sparse.columns.len()).sum();
    let mut trainer = Trainer::new(Network::new(shape, 1, PerReaction::default()), AdamW::default());
    println!(
        "hidden {}, batch {}, {} threads, {}, {:.0} sketch columns a record",
        arguments.hidden,
        arguments.batch,
        arguments.threads,
        trainer.instruction_set(),
        columns as f64 / (batches.len() * arguments.batch) as f64,
    );

    if let Some(folder) = &arguments.save {
        trainer.network().save(&folder.join("weights.safetensors"))?;
        for (number, batch) in batches.iter().enumerate() {
            save_batch(folder, number, layout, batch)?;
        }
    }
    let mut losses = Vec::new();
    let mut turns = batches.iter().cycle();
    for batch in turns.by_ref().take(2) {
        losses.push(trainer.step(batch, 1e-4)?);
    }
    let (before, processor_before, start) = (trainer.stage_times(), processor_time(), Instant::now());
    let mut fastest = f64::INFINITY;
    for batch in turns.take(arguments.steps) {
        let start = Instant::now();
        losses.push(trainer.step(batch, 1e-4)?);
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let (elapsed, processor, after) = (start.elapsed(), processor_time() - processor_before, trainer.stage_times());
    if let Some(folder) = &arguments.save {
        fs::write(folder.join("losses.f32"), bytemuck::cast_slice(&losses))?;
    }
    let (rows, loss) = (arguments.batch as f64, losses.last().copied().unwrap_or_default());
    println!(
        "training: {:.0} rows/s, {:.1} ms a step (fastest {:.1} ms, {:.0} rows/s), loss {loss:.4}",
        rows * arguments.steps as f64 / elapsed.as_secs_f64(),
        per_step(elapsed, arguments.steps),
        fastest * 1e3,
        rows / fastest,
    );
    let rate = rows * arguments.steps as f64 / processor.as_secs_f64();
    println!("  processor time {:.1} ms a step ({rate:.0} rows/s of it)", per_step(processor, arguments.steps));
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
    for batch in batches.iter().cycle().take(arguments.steps) {
        inference.logits(batch, &mut logits)?;
    }
    let time = start.elapsed();
    println!(
        "inference: {:.0} rows/s, {:.3} ms a row",
        rows * arguments.steps as f64 / time.as_secs_f64(),
        per_step(time, arguments.steps) / rows,
    );
    Ok(())
}

fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| measure(&arguments))
}
