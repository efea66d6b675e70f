//! `skimmer predict`.

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use skimmer::pipeline::predict::{OnError, Predictor, predict_stream};
use skimmer_formats::record::RecordOptions;

use super::{Common, set_threads};

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
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Most records in a batch.
    #[arg(long, value_name = "N", default_value_t = 256)]
    batch: usize,
    /// What to do with a malformed record.
    #[arg(long, value_enum, default_value_t = ErrorChoice::Stop)]
    on_error: ErrorChoice,
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
        set_threads(self.threads.max(1))?;
        let mut predictor = Predictor::open(&self.model)?;
        let on_error = match self.on_error {
            ErrorChoice::Stop => OnError::Stop,
            ErrorChoice::Skip => OnError::Skip,
        };
        let (input, output) = (io::stdin().lock(), io::stdout().lock());
        let options = RecordOptions::default();
        let report = |error: &_| eprintln!("skimmer: standard input:{error}; left out");
        let summary = predict_stream(&mut predictor, input, output, options, self.batch.max(1), on_error, report)?;
        if !common.quiet {
            eprintln!(
                "predicted {} records in {:.2} s ({:.3} ms a record; batches {:.1} ms in the median, {:.1} ms at the 99th \
                 percentile), left out {}",
                summary.records,
                summary.seconds,
                1000.0 * summary.seconds / summary.records.max(1) as f64,
                summary.median_batch_milliseconds,
                summary.p99_batch_milliseconds,
                summary.skipped,
            );
        }
        Ok(())
    }
}
