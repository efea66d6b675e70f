//! Times the search for similar authors on long-tailed follower sets drawn at random, or on those of converted parts:
//! `cargo run --release -p skimlog-bench --bin similar -- --follows 20000000 --authors 2000000 --readers 4000000`,
//! `cargo run --release -p skimlog-bench --bin similar -- working_dir/parts/part-*.skim`.
//!
//! Prints wall time and this process's CPU time so far, and a checksum of all lists: equal lists, equal checksum.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use skimlog::pipeline::memory::processor_time;
use skimlog_features::key::{Key, siphash};
use skimlog_features::similar::{Follows, SimilarAuthors, SimilaritySearch, SimilaritySettings};
use skimlog_formats::Id;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;

/// Times the search for similar authors on random long-tailed follower sets, or on those of converted parts.
#[derive(Parser)]
struct Arguments {
    /// Converted parts (.skim) to take the follower sets from; without any they are drawn.
    parts: Vec<PathBuf>,
    /// Number of authors.
    #[arg(long, default_value_t = 200_000)]
    authors: u64,
    /// Number of readers.
    #[arg(long, default_value_t = 400_000)]
    readers: u64,
    /// Number of (author, reader) pairs drawn, repeats included.
    #[arg(long, default_value_t = 2_000_000)]
    follows: u64,
    /// Exponent of the long tails.
    #[arg(long, default_value_t = 0.8)]
    exponent: f64,
    /// Least Jaccard similarity.
    #[arg(long, default_value_t = 0.1)]
    threshold: f64,
    /// Length of a list, the author itself included.
    #[arg(long, default_value_t = 100)]
    top: usize,
    /// Memory for sorting, in MiB.
    #[arg(long, default_value_t = 256)]
    memory: usize,
    /// Look-ups of single authors to time at the end, on one thread.
    #[arg(long, default_value_t = 0)]
    look_ups: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn id(kind: u64, number: u64) -> Id {
    let mixed = (kind << 32 | number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Id((u128::from(mixed) << 64 | u128::from(number)).to_be_bytes())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    let directory = tempfile::tempdir()?;
    let memory = arguments.memory << 20;

    let pairs = if arguments.parts.is_empty() { draw(&arguments)? } else { read(&arguments.parts)? };

    let start = Instant::now();
    let cpu_before = processor_time().as_secs_f64();
    let say = |what: &str, more: &str| -> Result<()> {
        let cpu = processor_time().as_secs_f64() - cpu_before;
        println!("{what:<10} {:8.2} s  {cpu:8.2} CPU s  {more}", start.elapsed().as_secs_f64());
        Ok(())
    };
    let mut follows = Follows::new(memory, directory.path());
    for pairs in pairs.chunks(1 << 16) {
        let authors: Vec<Id> = pairs.iter().map(|&(author, _)| author).collect();
        let readers: Vec<(u32, Key)> = (0..).zip(pairs).map(|(place, &(_, reader))| (place, reader)).collect();
        follows.add(&authors, &readers)?;
    }
    say("collected", "")?;
    let sets = follows.finish()?;
    let number = sets.authors().len() as u32;
    let distinct: u64 = (0..number).map(|author| u64::from(sets.size(author))).sum();
    say("sorted", &format!("{number} authors, {distinct} distinct follows"))?;
    let settings = SimilaritySettings { threshold: arguments.threshold, top: arguments.top };
    let search = SimilaritySearch::new(sets, settings, memory, directory.path())?;
    say("indexed", "")?;
    let (mut found, mut longest, mut checksum) = (0, 0, 0u64);
    let mut bytes = Vec::new();
    let mut lists = Vec::new();
    for first in (0..number).step_by(1 << 14) {
        let range = first..number.min(first + (1 << 14));
        search.search(range)?.for_each(|author, list| -> Result<()> {
            found += list.len();
            longest = longest.max(list.len());
            bytes.clear();
            bytes.extend(author.0);
            list.iter().for_each(|(id, score)| bytes.extend(id.0.into_iter().chain(score.to_le_bytes())));
            if arguments.look_ups > 0 && !list.is_empty() {
                lists.push((author, list[..1].to_vec()));
            }
            checksum = checksum.wrapping_add(siphash(&bytes));
            Ok(())
        })?;
    }
    say("searched", &format!("{found} similar authors, at most {longest} an author, checksum {checksum:016x}"))?;
    if arguments.look_ups > 0 {
        let similar = SimilarAuthors::from_lists(lists);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(2);
        let ids = search.authors();
        let keys: Vec<Key> = (0..arguments.look_ups).map(|_| Key::of(ids[random.random_range(0..ids.len())])).collect();
        let start = processor_time().as_secs_f64();
        let scores: f64 = keys.iter().flat_map(|&key| similar.get(key).1).sum();
        let nanoseconds = (processor_time().as_secs_f64() - start) * 1e9 / arguments.look_ups as f64;
        println!("looked up  {nanoseconds:8.1} ns each (CPU), scores sum up to {scores:.3}");
    }
    Ok(())
}

/// Popularity of authors and of readers: a Zipf law each, and half of an author's readers from its neighbourhood, so
/// that some authors are similar.
fn draw(arguments: &Arguments) -> Result<Vec<(Id, Key)>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let authors = Zipf::new(arguments.authors as f64, arguments.exponent)?;
    let readers = Zipf::new(arguments.readers as f64, arguments.exponent)?;
    let mut draw = || {
        let author = authors.sample(&mut random) as u64 - 1;
        let reader = if random.random_bool(0.5) {
            readers.sample(&mut random) as u64 - 1
        } else {
            (author / 4 * 40 + random.random_range(0..40)) % arguments.readers
        };
        (id(1, author), Key::of(id(2, reader)))
    };
    Ok((0..arguments.follows).map(|_| draw()).collect())
}

/// The (author, reader) pairs of the records whose field 19 is true.
fn read(parts: &[PathBuf]) -> Result<Vec<(Id, Key)>> {
    let columns = Columns::AUTHOR_ID.union(Columns::READER_ID).union(Columns::AUTHOR_FOLLOWS_READER);
    let mut pairs = Vec::new();
    for part in parts {
        let part = PartReader::open(part)?;
        for block in 0..part.blocks() {
            let batch = part.read(block, columns)?;
            let rows = (0..batch.rows).filter(|&row| batch.author_follows_reader[row]);
            pairs.extend(rows.map(|row| (batch.author.id[row], Key::of(batch.reader.id[row]))));
        }
    }
    Ok(pairs)
}
