//! Time and memory of the sketch stage on as many token vectors as a full vocabulary has.
//!
//! `cargo run --release -p skimlog-bench --bin sketch`

use std::fs::File;
use std::io::BufWriter;
use std::time::Instant;

use clap::Parser;
use ndarray::Array2;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use skimlog::pipeline::memory;
use skimlog::stages::sketch::{CodeSource, SketchOptions, sketch};
use skimlog_features::sketch::SketchShape;
use skimlog_runtime::progress::Silent;
use skimlog_text::{TokenVectors, VectorPaths};

/// Measures the sketch stage, from token_embeddings.npy to codes.skim, its measures of quality included.
#[derive(Parser)]
struct Arguments {
    /// Token vectors.
    #[arg(long, default_value_t = 119_547)]
    tokens: usize,
    /// Numbers in a vector.
    #[arg(long, default_value_t = 768)]
    width: usize,
    /// Codes of a token.
    #[arg(long, default_value_t = 20)]
    depth: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// Normal vectors about one of 1,000 centres, so that some tokens are alike.
fn vectors(tokens: usize, width: usize) -> TokenVectors {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut normal = |_| -> f32 { StandardNormal.sample(&mut random) };
    let mut vectors: Vec<f32> = (0..tokens * width).map(&mut normal).collect();
    let centres: Vec<f32> = (0..1000 * width).map(normal).collect();
    let about = centres.chunks_exact(width).cycle();
    for (vector, centre) in vectors.chunks_exact_mut(width).zip(about) {
        vector.iter_mut().zip(centre).for_each(|(value, centre)| *value += centre);
    }
    let vectors = Array2::from_shape_vec((tokens, width), vectors).expect("there are as many numbers");
    TokenVectors { tokens: (0..tokens as u32).collect(), counts: vec![1; tokens], vectors }
}

fn main() -> anyhow::Result<()> {
    let Arguments { tokens, width, depth, threads } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let paths = VectorPaths::in_directory(folder.path());
    let made = vectors(tokens, width);
    made.write_tokens(BufWriter::new(File::create(&paths.tokens)?))?;
    made.write_vectors(BufWriter::new(File::create(&paths.vectors)?))?;
    drop(made);

    let options = SketchOptions {
        source: CodeSource::Vectors(paths),
        output: folder.path().join("codes.skim"),
        shape: SketchShape::new(depth, 256)?,
        seed: 1,
        threads,
    };
    memory::reset_peak();
    let begun = Instant::now();
    let summary = sketch(&options, &Silent)?;
    let (seconds, peak) = (begun.elapsed().as_secs_f64(), memory::peak().unwrap_or(0));
    println!(
        "{tokens} x {width} to {depth} codes each, {threads} threads: {seconds:.2} s, peak {} MB",
        peak / 1_000_000
    );
    summary.quality.iter().for_each(|quality| println!("{quality}"));
    Ok(())
}
