//! Prediction from raw lines to CSV with a full-size network on one core, and PyTorch beside it:
//!
//! ```sh
//! cargo build --release && cargo run --release -p skimlog-bench --bin predict -- --python python3
//! ```
//!
//! Makes a model of hidden size 1,500, depth 20 and width 256 (count tables from synthetic records, weights
//! untrained: they cost what trained ones cost) once, then pipes test records through `skimmer predict --threads 1`
//! in every precision, all of them and then one line at a time; then runs the `network` benchmark and
//! `tools/bench/predict.py` in turn.

mod model;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::Value;
use skimlog_network::Precision;

/// Measures prediction on one core.
#[derive(Parser)]
struct Arguments {
    /// Test records piped through.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Training records that the count tables are made from.
    #[arg(long, default_value_t = 1_000_000)]
    train_rows: u64,
    /// Width of the hidden layers.
    #[arg(long, default_value_t = 1500)]
    hidden: usize,
    /// Lines sent one at a time.
    #[arg(long, default_value_t = 3000)]
    single: usize,
    /// Most records in a batch.
    #[arg(long, default_value_t = 256)]
    batch: usize,
    /// Precisions.
    #[arg(long, value_delimiter = ',', default_value = "f32,bf16,int8")]
    precision: Vec<Precision>,
    /// Where records and models are made, and kept.
    #[arg(long, default_value = "target/bench-predict")]
    out: PathBuf,
    /// The program; the one beside this benchmark if not given.
    #[arg(long)]
    skimmer: Option<PathBuf>,
    /// A Python with PyTorch, for the comparison of the network alone.
    #[arg(long)]
    python: Option<PathBuf>,
}

fn start(skimmer: &Path, model: &Path, precision: Precision, batch: usize) -> Result<Child> {
    let mut command = Command::new(skimmer);
    command.arg("predict").arg("--model").arg(model).args(["--threads", "1", "--json"]);
    command.args(["--precision", precision.name(), "--batch", &batch.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().with_context(|| skimmer.display().to_string())
}

/// The summary that a finished `predict` printed.
fn summary(mut child: Child) -> Result<Value> {
    let mut text = String::new();
    child.stderr.take().context("standard error")?.read_to_string(&mut text)?;
    ensure!(child.wait()?.success(), "{text}");
    serde_json::from_str(&text).context(text)
}

/// Pipes a whole file through.
fn batched(mut child: Child, test: &Path) -> Result<Value> {
    let (mut input, mut output) = (child.stdin.take().context("input")?, child.stdout.take().context("output")?);
    let mut file = File::open(test)?;
    let lines = std::thread::scope(|scope| {
        let feeder = scope.spawn(move || std::io::copy(&mut file, &mut input));
        let (mut lines, mut buffer) = (0, vec![0; 1 << 16]);
        loop {
            match output.read(&mut buffer)? {
                0 => break,
                read => lines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count(),
            }
        }
        feeder.join().expect("the feeder does not panic")?;
        Ok::<usize, std::io::Error>(lines)
    })?;
    let summary = summary(child)?;
    ensure!(summary["records"].as_u64() == Some(lines as u64), "{lines} lines for {summary}");
    Ok(summary)
}

/// Sends a line, waits for its answer, and so on; milliseconds from the one to the other.
fn one_at_a_time(mut child: Child, test: &Path, lines: usize) -> Result<(Vec<f64>, Value)> {
    let (mut input, output) = (child.stdin.take().context("input")?, child.stdout.take().context("output")?);
    let mut output = BufReader::new(output);
    let (mut latencies, mut answer) = (Vec::new(), String::new());
    for line in BufReader::new(File::open(test)?).split(b'\n').take(lines + 100) {
        let mut line = line?;
        line.push(b'\n');
        answer.clear();
        let begun = Instant::now();
        input.write_all(&line)?;
        output.read_line(&mut answer)?;
        latencies.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.ends_with('\n'), "no answer");
    }
    drop(input);
    // The first lines find nothing in the caches.
    latencies.drain(..100.min(latencies.len()));
    latencies.sort_by(f64::total_cmp);
    Ok((latencies, summary(child)?))
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let beside = std::env::current_exe()?;
    let skimmer = arguments.skimmer.clone().unwrap_or_else(|| beside.with_file_name("skimmer"));
    let made = model::make(&arguments.out, arguments.train_rows, arguments.rows, arguments.hidden)?;
    println!(
        "{} test records, hidden size {}, one thread, batches of {}",
        arguments.rows, arguments.hidden, arguments.batch
    );
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    for &precision in &arguments.precision {
        let child = || start(&skimmer, &made.model, precision, arguments.batch);
        let all = batched(child()?, &made.test)?;
        let records = number(&all["records"]);
        let wall = (number(&all["seconds"]) - number(&all["waited"])) * 1e3 / records;
        let processor = number(&all["processor_seconds"]) * 1e3 / records;
        let part = |name: &str| number(&all["split"][name]);
        println!(
            "{precision:<4} raw line to CSV: {wall:.4} ms a record, {processor:.4} of processor time (parse {:.4}, \
             counts {:.4}, features {:.4}, network {:.4}, write {:.4}); 15 M records: {:.1} minutes, extrapolated",
            part("parse"),
            part("counts"),
            part("features"),
            part("network"),
            part("write"),
            wall * 15e6 / 60e3,
        );
        println!(
            "     ready after {:.0} ms, peak memory {:.0} MB",
            number(&all["ready_milliseconds"]),
            number(&all["peak_memory"]) / 1e6
        );
        let (latencies, one) = one_at_a_time(child()?, &made.test, arguments.single)?;
        let quantile = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
        println!(
            "     one line at a time: p50 {:.3} ms, p99 {:.3} ms there and back; {:.3} and {:.3} ms by the program's \
             own count",
            quantile(0.5),
            quantile(0.99),
            number(&one["median_milliseconds"]),
            number(&one["p99_milliseconds"]),
        );
    }
    let hidden = arguments.hidden.to_string();
    println!("\nThe network alone, on ready-made inputs:");
    ensure!(Command::new(beside.with_file_name("network")).args(["--hidden", &hidden]).status()?.success(), "network");
    if let Some(python) = &arguments.python {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("predict.py");
        ensure!(Command::new(python).arg(script).args(["--hidden", &hidden]).status()?.success(), "PyTorch");
    }
    Ok(())
}
