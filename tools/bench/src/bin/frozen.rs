//! Builds a frozen count table and looks keys up: bytes a key, build time, look-ups a second on one core.

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Geometric};
use rand_xoshiro::Xoshiro256PlusPlus;
use skimlog_features::counts::ReactionCounts;
use skimlog_features::counts::frozen::{FrozenTable, FrozenTableWriter};
use skimlog_features::key::Key;
use skimlog_formats::Reaction;

/// Builds a frozen count table and asks it: bytes a key, build time, look-ups a second on one core.
#[derive(Parser)]
struct Arguments {
    /// Number of keys.
    #[arg(long, default_value_t = 100_000_000)]
    keys: u64,
    /// Keys a batch.
    #[arg(long, default_value_t = 4096)]
    batch: usize,
    /// Look-ups timed.
    #[arg(long, default_value_t = 20_000_000)]
    lookups: usize,
    /// Share of look-ups that find something.
    #[arg(long, default_value_t = 0.5)]
    found: f64,
}

/// Counts as pairs have them: rarely more than one record, each with the data set's shares of reactions.
fn counts(random: &mut impl Rng, more: &Geometric) -> ReactionCounts {
    let mut counts = ReactionCounts::default();
    for _ in 0..=more.sample(random) {
        let mut reacted = false;
        for (reaction, share) in Reaction::ALL.into_iter().zip([0.40, 0.026, 0.09, 0.007]) {
            let has = random.random_bool(share);
            counts.reactions[reaction] += u32::from(has);
            reacted |= has;
        }
        counts.unreacted += u32::from(!reacted);
    }
    counts
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("pair.frozen");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);

    // Ascending keys as hashes have them: exponential gaps.
    let gaps = Exp::new(arguments.keys as f64 * 1.0001 / u64::MAX as f64)?;
    let more = Geometric::new(0.8)?;
    let known = (arguments.lookups as f64 * arguments.found) as usize;
    let keep = (known as f64 / arguments.keys as f64).min(1.0);
    let mut keys = Vec::with_capacity(arguments.lookups);
    let mut writer = FrozenTableWriter::create(&path, arguments.keys, true)?;
    let mut key = 0u64;
    let mut writing = 0.0;
    let mut block = Vec::new();
    for first in (0..arguments.keys).step_by(1 << 20) {
        block.clear();
        for _ in first..arguments.keys.min(first + (1 << 20)) {
            let Some(next) = key.checked_add(gaps.sample(&mut random) as u64 + 1) else { break };
            key = next;
            block.push((Key(key), counts(&mut random, &more)));
            if random.random_bool(keep) {
                keys.push(Key(key));
            }
        }
        let start = Instant::now();
        for (key, counts) in &block {
            writer.push(*key, counts)?;
        }
        writing += start.elapsed().as_secs_f64();
    }
    let start = Instant::now();
    let rows = writer.finish()?;
    writing += start.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(&path)?.len();
    println!("built      {rows} keys in {writing:.1} s ({:.1} M/s)", rows as f64 / writing / 1e6);
    println!("size       {:.0} MB, {:.2} bytes a key", bytes as f64 / 1e6, bytes as f64 / rows as f64);

    let start = Instant::now();
    let table = FrozenTable::open(&path)?;
    println!("opened     in {:.0} µs", start.elapsed().as_secs_f64() * 1e6);
    let start = Instant::now();
    table.verify()?;
    println!("verified   in {:.2} s", start.elapsed().as_secs_f64());

    let present = keys.len();
    while keys.len() < arguments.lookups {
        keys.push(Key(random.random()));
    }
    for place in (1..keys.len()).rev() {
        keys.swap(place, random.random_range(0..=place));
    }
    let mut counts = vec![ReactionCounts::default(); arguments.batch];
    for pass in ["first pass", "warm"] {
        let start = Instant::now();
        let mut hits = 0;
        for keys in keys.chunks(arguments.batch) {
            table.get_batch(keys, &mut counts[..keys.len()])?;
            hits += counts[..keys.len()].iter().filter(|&&counts| counts != ReactionCounts::default()).count();
        }
        let seconds = start.elapsed().as_secs_f64();
        ensure!(hits >= present, "{hits} of {present} keys found");
        println!(
            "{pass:10} {:.2} M look-ups/s, batches of {}, {:.0} % found",
            keys.len() as f64 / seconds / 1e6,
            arguments.batch,
            100.0 * hits as f64 / keys.len() as f64
        );
    }
    let single = keys.len().min(2_000_000);
    let start = Instant::now();
    let mut hits = 0;
    for &key in &keys[..single] {
        hits += usize::from(table.get(key)? != ReactionCounts::default());
    }
    println!("one by one {:.2} M look-ups/s ({hits} found)", single as f64 / start.elapsed().as_secs_f64() / 1e6);
    Ok(())
}
