//! The `.skim` part against Parquet (zstd 3, dictionary on, typed columns): size, encoding and scanning, on one thread.
//!
//! `cargo run --release -p skimlog-bench --bin columnar -- --rows 1000000` on generated records, or `--part FILE` on a
//! raw part.

mod made_up;
mod peer;
mod raw;

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use skimlog_formats::part::{self, PartReader, PartWriter};
use skimlog_formats::record::{Columns, RecordBatch};

#[derive(Parser)]
#[command(about = "The .skim part against Parquet: size, encoding and scanning on one thread")]
struct Arguments {
    /// Records to make up.
    #[arg(long, default_value_t = 1 << 20)]
    rows: usize,
    /// A raw part to take instead, of which `--rows` records at most.
    #[arg(long)]
    part: Option<PathBuf>,
    /// How many times each scan is run, after a first time that does not count.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Keep the `.skim` file under this name.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Also print every column's encodings and bytes a record.
    #[arg(long)]
    columns: bool,
}

/// What both formats scan: tokens, ids, labels and timestamps.
const SCAN: Columns = Columns::TOKENS
    .union(Columns::TWEET)
    .union(Columns::AUTHOR_ID)
    .union(Columns::READER_ID)
    .union(Columns::LANGUAGE)
    .union(Columns::TWEET_TIME)
    .union(Columns::REACTIONS);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let batches = match &arguments.part {
        Some(path) => raw::read(path, arguments.rows)?,
        None => made_up::batches(arguments.rows),
    };
    let rows: usize = batches.iter().map(|batch| batch.rows).sum();
    let tokens: usize = batches.iter().map(|batch| batch.tokens.values().len()).sum();
    println!("{rows} records, {tokens} tokens; processor time of one thread");
    let folder = tempfile::tempdir()?;
    let (skim, parquet) = (folder.path().join("part.skim"), folder.path().join("part.parquet"));

    let skim_encode = timed(|| write_skim(&skim, &batches))?;
    let parquet_encode = timed(|| peer::write(&parquet, &batches))?;
    let (skim_bytes, parquet_bytes) = (fs::metadata(&skim)?.len(), fs::metadata(&parquet)?.len());
    for (batch, block) in batches.iter().zip(0..) {
        let read = PartReader::open(&skim)?.read(block, Columns::ALL)?;
        ensure!(read == *batch, "block {block} is not read back as it was written");
    }
    // Timed together: the clock of `timed` moves in steps of some milliseconds.
    let mean = |scan: &dyn Fn() -> Result<u64>| -> Result<(f64, u64)> {
        let mut sum = scan()?;
        let seconds = timed(|| {
            for _ in 0..arguments.repeats {
                sum = scan()?;
            }
            Ok(())
        })?;
        Ok((seconds / arguments.repeats as f64, sum))
    };
    let (skim_scan, skim_sum) = mean(&|| scan_skim(&skim, SCAN))?;
    let (parquet_scan, parquet_sum) = mean(&|| peer::scan(&parquet, peer::SCAN))?;
    ensure!(skim_sum == parquet_sum, "the two formats give different values");
    let (skim_tokens, _) = mean(&|| scan_skim(&skim, Columns::TOKENS))?;
    let (parquet_tokens, _) = mean(&|| peer::scan(&parquet, &["tokens"]))?;
    let (skim_verify, _) = mean(&|| {
        let reader = PartReader::open(&skim)?;
        reader.reader().verify()?;
        Ok(reader.rows())
    })?;
    let (skim_all, _) = mean(&|| scan_skim(&skim, Columns::ALL))?;

    let rate = |seconds: f64| rows as f64 / seconds / 1e6;
    println!("{:34} {:>10} {:>10} {:>10}", "", ".skim", "Parquet", "ratio");
    let line = |what: &str, ours: f64, theirs: f64| {
        println!("{what:34} {ours:>10.3} {theirs:>10.3} {:>10.3}", ours / theirs);
    };
    line("size, MB", skim_bytes as f64 / 1e6, parquet_bytes as f64 / 1e6);
    line("bytes a record", skim_bytes as f64 / rows as f64, parquet_bytes as f64 / rows as f64);
    line("encode, M records/s", rate(skim_encode), rate(parquet_encode));
    line("scan, M records/s", rate(skim_scan), rate(parquet_scan));
    line("scan of tokens only, M records/s", rate(skim_tokens), rate(parquet_tokens));
    println!("{:34} {:>10.3}", "all columns, M records/s", rate(skim_all));
    println!("{:34} {:>10.3}", "checksums alone, M records/s", rate(skim_verify));
    if let Some(path) = &arguments.keep {
        fs::copy(&skim, path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if arguments.columns {
        print_columns(&skim, &parquet)?;
    }
    Ok(())
}

/// Seconds that the thread spent on the processor: what other programs do at the same time is not counted.
fn timed(action: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    let on_processor = processor_seconds();
    action()?;
    Ok(match (on_processor, processor_seconds()) {
        (Some(before), Some(after)) => after - before,
        _ => start.elapsed().as_secs_f64(),
    })
}

/// Processor time of this thread so far, where the system tells.
fn processor_seconds() -> Option<f64> {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = statistics.split(' ').next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

fn write_skim(path: &Path, batches: &[RecordBatch]) -> Result<()> {
    let has_reactions = batches.first().is_some_and(|batch| batch.reactions.is_some());
    let mut writer = PartWriter::new(BufWriter::new(File::create(path)?), has_reactions)?;
    for batch in batches {
        writer.append(part::encode(batch)?)?;
    }
    writer.finish()?;
    Ok(())
}

/// Reads the columns of all blocks and adds up some of the values, so that both formats are seen to read the same.
fn scan_skim(path: &Path, columns: Columns) -> Result<u64> {
    let reader = PartReader::open(path)?;
    let mut sum = 0u64;
    for block in 0..reader.blocks() {
        let batch = reader.read(block, columns)?;
        sum = sum.wrapping_add(peer::sum_u32(batch.tokens.values()));
        for ids in [&batch.tweet, &batch.author.id, &batch.reader.id] {
            sum = ids.iter().fold(sum, |sum, id| sum.wrapping_add(u64::from(id.0[15])));
        }
        sum = sum.wrapping_add(peer::sum_times(&batch.tweet_time));
        for (_, times) in batch.reactions.iter().flat_map(|times| times.iter()) {
            sum = sum.wrapping_add(peer::sum_times(times));
        }
    }
    Ok(sum)
}

fn print_columns(skim: &Path, parquet: &Path) -> Result<()> {
    let part = PartReader::open(skim)?;
    let (reader, rows) = (part.reader(), part.rows() as f64);
    let theirs = peer::column_bytes(parquet)?;
    println!("\n{:24} {:>10} {:>10}  encoding of the first block", "column", "B/record", "Parquet");
    for (field, about) in reader.schema().fields.iter().enumerate() {
        let mut bytes = 0;
        for block in 0..reader.blocks() {
            bytes += reader.chunk_info(block, field)?.bytes;
        }
        let their_bytes = *theirs.get(&about.name).context("a column is missing in the Parquet file")?;
        let encoding = reader.chunk_info(0, field)?.encoding;
        println!("{:24} {:>10.3} {:>10.3}  {encoding}", about.name, bytes as f64 / rows, their_bytes as f64 / rows);
    }
    Ok(())
}
