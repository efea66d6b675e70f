//! Times the search for similar authors on synthetic, long-tailed follower sets.

use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use skimmer::key::Key;
use skimmer::similar::{Follows, SimilaritySearch, SimilaritySettings};
use skimmer_formats::Id;

/// Times the search for similar authors on synthetic, long-tailed follower sets.
#[derive(Parser)]
struct Arguments {
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

    // Popularity of authors and of readers: a Zipf law each, and half of an author's readers from its neighbourhood,
    // so that some authors are similar.
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
        (author, reader)
    };
    let pairs: Vec<(u64, u64)> = (0..arguments.follows).map(|_| draw()).collect();

    let start = Instant::now();
    let mut follows = Follows::new(memory, directory.path());
    for (author, reader) in pairs {
        follows.add(id(1, author), Key::of(id(2, reader)))?;
    }
    println!("collected  {:8.2} s", start.elapsed().as_secs_f64());
    let sets = follows.finish()?;
    let number = sets.authors().len() as u32;
    let distinct: u64 = (0..number).map(|author| u64::from(sets.size(author))).sum();
    println!("sorted     {:8.2} s  {number} authors, {distinct} distinct follows", start.elapsed().as_secs_f64());
    let settings = SimilaritySettings { threshold: arguments.threshold, top: arguments.top };
    let search = SimilaritySearch::new(sets, settings, memory, directory.path())?;
    println!("indexed    {:8.2} s", start.elapsed().as_secs_f64());
    let (mut found, mut longest) = (0, 0);
    for first in (0..number).step_by(1 << 14) {
        let range = first..number.min(first + (1 << 14));
        search.for_each(range, |_, list| -> Result<()> {
            found += list.len();
            longest = longest.max(list.len());
            Ok(())
        })?;
    }
    println!(
        "searched   {:8.2} s  {found} similar authors, at most {longest} an author",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
