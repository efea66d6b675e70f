//! Predicts the raw records of a file with a model folder, as lines of CSV on standard output
//! (`tweet_id,reader_id,reply,retweet,quote,like`):
//!
//! ```text
//! cargo run --release -p skimlog-model --example predict -- MODEL RECORDS.tsv
//! ```

use std::error::Error;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use skimlog_model::Precision;
use skimlog_model::bundle::Verify;
use skimlog_model::predict::{EngagementModel, PipeInput, StreamOptions, predict_stream};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [model, records] = arguments.as_slice() else {
        return Err("usage: predict MODEL RECORDS.tsv".into());
    };
    let model = Arc::new(EngagementModel::open(Path::new(model), Precision::F32, Verify::Prediction)?);
    let output = BufWriter::new(io::stdout().lock());
    let summary = predict_stream(&model, PipeInput::open(records)?, output, &StreamOptions::default(), |_| {})?;
    eprintln!("{} records in {:.2} s", summary.records, summary.seconds);
    Ok(())
}
