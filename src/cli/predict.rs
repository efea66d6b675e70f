//! `skimmer predict`.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;
use skimmer::config::{self, Config};
use skimmer::net::Precision;
use skimmer::pipeline::bundle::Verify;
use skimmer::pipeline::memory;
use skimmer::pipeline::predict::{Model, OnError, PipeInput, PredictSummary, StreamOptions, predict_stream};

use super::Common;
use super::failure::tell;
use super::output::stdout;

/// Predict the records on standard input, with a model folder alone.
///
/// Writes a line `tweet_id,reader_id,reply,retweet,quote,like` (probabilities) for each record, in their order, while
/// the input is still coming in. Takes records of 20 fields, or of 24, whose reactions it does not look at.
#[derive(Args)]
#[command(after_help = "Example:\n  skimmer predict --model working_dir/model < test.tsv > predictions.csv")]
pub(super) struct Predict {
    /// The model folder, as `skimmer train` makes it.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Threads; each works on a batch of its own, one alone does everything.
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
    /// Most records in a batch [default: the configuration's predict.batch_size if there is one, else 256].
    #[arg(long, value_name = "N")]
    batch: Option<NonZeroUsize>,
    /// How exactly the network is computed: f32, bf16 or int8 [default: the configuration's predict.precision if there is
    /// one, else f32].
    #[arg(long, value_name = "PRECISION")]
    precision: Option<Precision>,
    /// Compare the checksums of all files of the model first.
    #[arg(long)]
    verify: bool,
    /// What to do with a malformed record.
    #[arg(long, value_enum, default_value_t = ErrorChoice::Stop)]
    on_error: ErrorChoice,
    /// Accept standard input without any record; else that is an error, for something before the pipe may have failed.
    #[arg(long)]
    allow_empty: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ErrorChoice {
    /// Stop with its line number, after everything before it was written.
    Stop,
    /// Report it on standard error and leave out its line.
    Skip,
}

/// What `--json` prints.
#[derive(Serialize)]
struct PredictReport {
    #[serde(flatten)]
    summary: PredictSummary,
    precision: Precision,
    /// From the start to the model's being open.
    ready_milliseconds: f64,
    /// From then on; that of the threads which are left at the end.
    processor_seconds: f64,
    /// In bytes.
    peak_memory: Option<u64>,
}

impl Predict {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let begun = Instant::now();
        let defaults = configured(common)?;
        let verify = if self.verify { Verify::Checksums } else { Verify::Sizes };
        let model = Arc::new(Model::open(&self.model, self.precision.unwrap_or(defaults.precision), verify)?);
        let ready = begun.elapsed();
        let options = StreamOptions {
            batch: self.batch.map_or(defaults.batch_size, NonZeroUsize::get),
            threads: self.threads,
            on_error: match self.on_error {
                ErrorChoice::Stop => OnError::Stop,
                ErrorChoice::Skip => OnError::Skip,
            },
            ..StreamOptions::default()
        };
        let before = memory::processor_time();
        let report = |error: &_| tell(&format!("standard input:{error}; left out"));
        let summary = predict_stream(&model, PipeInput::standard()?, stdout()?, &options, report)?;
        if summary.is_empty() {
            match self.allow_empty {
                true if common.quiet => {}
                true => tell("standard input is empty: nothing was predicted"),
                false => bail!("standard input is empty: nothing to predict (--allow-empty accepts that)"),
            }
        }
        if common.quiet {
            return Ok(());
        }
        if common.json {
            let processor = memory::processor_time() - before;
            let report = PredictReport {
                summary,
                precision: model.precision(),
                ready_milliseconds: 1000.0 * ready.as_secs_f64(),
                processor_seconds: processor.as_secs_f64(),
                peak_memory: memory::peak(),
            };
            // Standard output holds the predictions.
            let _ = writeln!(io::stderr(), "{}", serde_json::to_string(&report)?);
            return Ok(());
        }
        let milliseconds = |seconds: f64| 1000.0 * seconds / summary.records.max(1) as f64;
        let split = summary.split;
        // Where nobody is there to be told, nothing is.
        let _ = writeln!(
            io::stderr(),
            "predicted {} records in {} batches, left out {}; {:.2} s, {:.2} s of them waiting for input; {:.4} ms a record \
             without waiting (parse {:.4}, counts {:.4}, features {:.4}, network {:.4}, write {:.4})",
            summary.records,
            summary.batches,
            summary.skipped,
            summary.seconds,
            summary.waited,
            milliseconds((summary.seconds - summary.waited).max(0.0)),
            split.parse,
            split.counts,
            split.features,
            split.network,
            split.write,
        );
        let _ = writeln!(
            io::stderr(),
            "half of the records were answered within {:.2} ms, 99 % within {:.2} ms; ready after {:.0} ms; {}; peak memory {}",
            summary.median_milliseconds,
            summary.p99_milliseconds,
            1000.0 * ready.as_secs_f64(),
            model.precision(),
            memory::peak().map_or_else(|| "unknown".into(), |bytes| config::ByteSize(bytes).to_string()),
        );
        Ok(())
    }
}

/// The configuration's section. A model needs no configuration: without a file the defaults hold.
fn configured(common: &Common) -> anyhow::Result<config::Predict> {
    match common.config.exists() {
        true => Ok(common.load_config()?.predict),
        false => Ok(Config::default().predict),
    }
}
