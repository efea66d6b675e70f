//! Times `similar` and `features` on synthetic parts, with their peak memory:
//! `cargo run --release -p skimlog-bench --bin features -- --rows 2000000 --validation 200000`.
//!
//! The parts are made once and kept in `--data`. Peaks are this process's own (VmHWM, reset before each stage).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use skimlog::stages::features::{FeatureInputs, FeatureOptions, FeatureOutputs, HoldOut, build};
use skimlog::stages::similar::similar;
use skimlog_features::counts::NoSimilar;
use skimlog_features::similar::{SimilarAuthors, SimilaritySettings};
use skimlog_formats::part::{BLOCK_ROWS, PartWriter, encode};
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
use skimlog_runtime::progress::{Progress, Silent, Unit};

/// Times the stages `similar` and `features`.
#[derive(Parser)]
struct Arguments {
    /// Training records.
    #[arg(long, default_value_t = 2_000_000)]
    rows: u64,
    /// Validation records.
    #[arg(long, default_value_t = 200_000)]
    validation: u64,
    /// Training records a part.
    #[arg(long, default_value_t = 500_000)]
    part: u64,
    /// Memory budget in MiB.
    #[arg(long, default_value_t = 512)]
    memory: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Directory for parts and results.
    #[arg(long, default_value = "target/bench-features")]
    data: PathBuf,
    /// Leave similar authors out.
    #[arg(long)]
    no_similar: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    let data = arguments.data.join(format!("{}-{}", arguments.rows, arguments.validation));
    let parts = data.join("parts");
    if !parts.exists() {
        make_parts(&arguments, &data)?;
    }
    let mut training: Vec<PathBuf> = fs::read_dir(&parts)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    training.sort();
    let validation = training.pop().context("no validation part")?;
    let records = arguments.rows + arguments.validation;
    let memory = arguments.memory << 20;

    reset_peak()?;
    let start = Instant::now();
    let similar = if arguments.no_similar { None } else { Some(find_similar(&training, memory as usize / 4, &data)?) };
    println!("similar   {:7.2} s   peak {:5} MB", start.elapsed().as_secs_f64(), peak()? / 1_000_000);
    reset_peak()?;
    let start = Instant::now();
    let options = FeatureOptions {
        memory_budget: memory,
        threads: arguments.threads,
        scratch: data.join("scratch"),
        hold_out: HoldOut::Random { percentage: 0.1, seed: 1 },
        chunks: 10,
    };
    let inputs = FeatureInputs {
        training: &training,
        validation: Some(&validation),
        similar: similar.as_ref().map_or(&NoSimilar, |similar| similar),
    };
    let outputs = FeatureOutputs { features: data.join("features"), counts: data.join("counts") };
    let summary = build(&inputs, &options, &outputs, &Steps(Mutex::default()))?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "features  {seconds:7.2} s   peak {:5} MB   {:.0} records/s",
        peak()? / 1_000_000,
        records as f64 / seconds
    );
    println!("{summary:?}");
    for directory in [&outputs.features, &outputs.counts] {
        let sizes = fs::read_dir(directory)?.map(|entry| Ok(entry?.metadata()?.len())).collect::<Result<Vec<_>>>()?;
        let bytes: u64 = sizes.iter().sum();
        println!("{}: {} MB", directory.display(), bytes / 1_000_000);
    }
    Ok(())
}

fn find_similar(training: &[PathBuf], memory: usize, data: &Path) -> Result<SimilarAuthors> {
    let path = data.join("similar.skim");
    let settings = SimilaritySettings { threshold: 0.1, top: 10 };
    similar(training, settings, memory, data, fs::File::create(&path)?, &Silent)?;
    Ok(SimilarAuthors::open(&path)?)
}

fn make_parts(arguments: &Arguments, data: &Path) -> Result<()> {
    let raw = data.join("raw");
    let options = skimlog_synth::SynthOptions {
        out: raw.clone(),
        parts: arguments.rows.div_ceil(arguments.part) as u32,
        rows: arguments.rows,
        valid_rows: arguments.validation,
        test_rows: 0,
        threads: arguments.threads,
        ..skimlog_synth::SynthOptions::default()
    };
    skimlog_synth::generate(&options, &|_| {})?;
    let unfinished = data.join("unfinished");
    fs::create_dir_all(&unfinished)?;
    for entry in fs::read_dir(raw.join("train"))? {
        let path = entry?.path();
        let name = path.file_name().context("a part has a name")?;
        convert(&path, &unfinished.join(name).with_extension("skim"))?;
    }
    convert(&raw.join("validation/part-00000"), &unfinished.join("validation.skim"))?;
    fs::remove_dir_all(raw)?;
    fs::rename(unfinished, data.join("parts"))?;
    Ok(())
}

fn convert(raw: &Path, part: &Path) -> Result<()> {
    let text = fs::read(raw)?;
    let mut scanner = RecordScanner::new(&text, RecordOptions::default());
    let mut writer = PartWriter::new(fs::File::create(part)?, true)?;
    let mut batch = RecordBatch::default();
    while let Some(outcome) = scanner.read(&mut batch) {
        outcome?;
        if batch.rows == BLOCK_ROWS {
            writer.append(encode(&batch)?)?;
            batch.clear();
        }
    }
    writer.append(encode(&batch)?)?;
    writer.finish()?;
    Ok(())
}

/// Prints how long each step took.
struct Steps(Mutex<Option<(String, Instant)>>);

impl Progress for Steps {
    fn begin(&self, task: &str, _total: Option<u64>, _unit: Unit) {
        if let Ok(mut step) = self.0.lock() {
            *step = Some((task.to_owned(), Instant::now()));
        }
    }
    fn advance(&self, _amount: u64) {}
    fn remark(&self, _text: &str) {}
    fn end(&self) {
        if let Ok(mut step) = self.0.lock()
            && let Some((task, start)) = step.take()
        {
            let resident = status("VmRSS:").map_or(0, |bytes| bytes / 1_000_000);
            println!("  {task:20} {:7.2} s   {resident:5} MB at its end", start.elapsed().as_secs_f64());
        }
    }
}

fn peak() -> Result<u64> {
    status("VmHWM:")
}

fn status(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

fn reset_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak of resident memory")
}
