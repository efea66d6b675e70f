//! `skimmer predict`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use clap::{Args, ValueEnum};
use skimlog::config;
use skimlog::log_predictions::LogPredictOptions;
use skimlog::pipeline::memory;
use skimlog_model::bundle::Verify;
use skimlog_model::predict::{EngagementModel, OnError, PipeInput, StreamOptions, predict_stream};
use skimlog_network::Precision;
use skimlog_runtime::files::AtomicFile;

use super::failure::tell;
use super::output::{StandardOutput, say};
use super::predict_log::LogArgs;
use super::predicted::PredictReport;
use super::{Common, values};

/// Predict the records on standard input, or the rows of a log of your own, with a model folder alone.
///
/// Writes a line `tweet_id,reader_id,reply,retweet,quote,like` (probabilities) for each record, in their order, while
/// the input is still coming in. Takes records of 20 fields, or of 24, whose reactions it does not look at.
///
/// A log of your own (Parquet, CSV, TSV, NDJSON, Arrow) is read by the mapping that it was imported with, which the
/// model keeps: predictions have the log's own ids, the columns that the mapping keeps, and its names of the reactions.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer predict --model model < test.tsv > predictions.csv
  skimmer predict --model model --precision bf16 \\
      --summary summary.json < test.tsv > predictions.csv
  skimmer predict --model model --header feed.parquet \\
      > predictions.csv
  tail -f impressions.ndjson | \\
      skimmer predict --model model -")]
pub(super) struct Predict {
    /// The model folder, as `skimmer train` makes it.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Threads; each works on a batch of its own, one alone does everything.
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::threads(), allow_negative_numbers = true)]
    threads: NonZeroUsize,
    /// Most records in a batch [default: the configuration's predict.batch_size if there is one, else 256].
    #[arg(long, value_name = "N", value_parser = values::positive(), allow_negative_numbers = true)]
    batch: Option<NonZeroUsize>,
    /// How exactly the network is computed [default: the configuration's predict.precision if there is one, else f32].
    #[arg(long, value_name = "PRECISION", value_parser = values::precision())]
    precision: Option<Precision>,
    /// Compare the checksums of all files of the model first [default: of those that are read, tables up to 1 GiB].
    #[arg(long)]
    verify: bool,
    /// What to do with a malformed record.
    #[arg(long, value_enum, default_value_t = ErrorChoice::Stop)]
    on_error: ErrorChoice,
    /// Write the summary to this file, as one JSON value: standard output holds the predictions.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Accept standard input without any record; else that is an error, for something before the pipe may have failed.
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ErrorChoice {
    /// Stop with its line number, after everything before it was written.
    Stop,
    /// Report it on standard error and leave out its line.
    Skip,
}

impl Predict {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let begun = Instant::now();
        let defaults = configured(common)?;
        let verify = if self.verify { Verify::Checksums } else { Verify::Prediction };
        let model = Arc::new(EngagementModel::open(&self.model, self.precision.unwrap_or(defaults.precision), verify)?);
        let job = self.log.job(&self.model)?;
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
        // Made before there is anything to lose.
        let summary_file = self.summary.as_deref().map(AtomicFile::create).transpose()?;
        let summary = match &job {
            Some(job) => {
                let StreamOptions { batch, threads, on_error, .. } = options;
                job.predict(&model, &LogPredictOptions { batch, threads, skip: on_error == OnError::Skip })?
            }
            None => {
                let skipped = |error: &_| say(format_args!("skimmer: standard input:{error}; left out"));
                predict_stream(&model, PipeInput::standard()?, StandardOutput::open()?, &options, skipped)?
            }
        };
        if summary.is_empty() {
            match self.allow_empty {
                true if common.quiet => {}
                true => tell("standard input is empty: nothing was predicted"),
                false => bail!("standard input is empty: nothing to predict (--allow-empty accepts that)"),
            }
        }
        let processor = memory::processor_time() - before;
        let report = PredictReport {
            summary,
            precision: model.precision(),
            ready_milliseconds: 1000.0 * ready.as_secs_f64(),
            processor_seconds: processor.as_secs_f64(),
            peak_memory: memory::peak(),
        };
        common.summarize_aside(&report, summary_file, Some(&report))
    }
}

/// The configuration's section. A model needs no configuration: without a file the defaults hold.
fn configured(common: &Common) -> anyhow::Result<config::Predict> {
    Ok(common.load_if_there()?.predict)
}
