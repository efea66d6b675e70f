//! The mean DistilBERT vector of each token over the records of some parts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skimlog_formats::columnar::ColumnarError;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;
use thiserror::Error;

use skimlog_runtime::files::FileError;
use skimlog_runtime::files::{remove_if_there, write_file};
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_text::{
    EncoderModel, EncoderOptions, EngineReport, MeanOptions, MeanSummary, MeanVectors, Snapshots, TextError,
    VectorPaths,
};

/// What to embed and how.
#[derive(Clone, Debug)]
pub struct EmbedOptions {
    /// The `.skim` parts, in their order.
    pub parts: Vec<PathBuf>,
    /// An ONNX file, or a directory as [`EncoderModel::file`] takes it.
    pub model: PathBuf,
    /// How to open it.
    pub open: EncoderOptions,
    /// How to compute with it.
    pub mean: MeanOptions,
    /// Where to keep what is computed so far, and to go on from.
    pub snapshots: Option<Snapshots>,
    /// Where the vectors go.
    pub output: VectorPaths,
}

/// What was embedded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedSummary {
    /// Records seen, sequences computed, records cut.
    #[serde(flatten)]
    pub mean: MeanSummary,
    /// Records that an earlier run, which did not come to its end, had computed.
    pub resumed_records: u64,
    /// Tokens that have a vector.
    pub tokens: usize,
    /// Numbers in a vector.
    pub width: usize,
    /// The engine that computed them.
    #[serde(flatten)]
    pub engine: EngineReport,
}

/// Why the stage failed.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// A part that cannot be read.
    #[error(transparent)]
    Part(#[from] ColumnarError),
    /// The model cannot be used.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The vectors cannot be stored.
    #[error(transparent)]
    Store(#[from] FileError),
}

/// Computes the vectors and stores them; the same parts and model give the same bytes for any number of threads.
///
/// # Errors
/// [`EmbedError`]; nothing is stored then.
pub fn embed(options: &EmbedOptions, progress: &dyn Progress) -> Result<EmbedSummary, EmbedError> {
    let rows = options.parts.iter().map(|part| Ok(PartReader::open(part)?.rows()));
    let rows = rows.sum::<Result<u64, ColumnarError>>()?;
    let model = EncoderModel::open(&options.model, &options.open)?;
    let mut mean = MeanVectors::new(&model, options.mean)?;
    if let Some(snapshots) = &options.snapshots {
        mean = mean.resumed(snapshots.clone());
    }
    let resumed_records = mean.resumed_records();
    progress.begin("embed", Some(rows.saturating_sub(resumed_records)), Unit::Records);
    progress.remark(&match resumed_records {
        0 => model.engine().to_string(),
        done => format!("{}, going on after {done} records", model.engine()),
    });
    let mut skip = mean.skip();
    for part in &options.parts {
        // Open, and thus mapped, only while it is read.
        let part = PartReader::open(part)?;
        for block in 0..part.blocks() {
            let rows = part.block_rows(block);
            let skipped = skip.min(rows.end - rows.start);
            skip -= skipped;
            if skipped < rows.end - rows.start {
                let records = part.read(block, Columns::TOKENS)?;
                mean.add(records.tokens.iter().skip(skipped as usize), progress)?;
            }
        }
    }
    let (vectors, summary) = mean.finish(progress)?;
    progress.end();
    // The vectors come last: where they are, the others are too.
    write_file(&options.output.tokens, |out| vectors.write_tokens(out))?;
    write_file(&options.output.counts, |out| vectors.write_counts(out))?;
    write_file(&options.output.vectors, |out| vectors.write_vectors(out))?;
    if let Some(snapshots) = &options.snapshots {
        remove_if_there(&snapshots.path)?;
    }
    let (tokens, width) = vectors.vectors.dim();
    Ok(EmbedSummary { mean: summary, resumed_records, tokens, width, engine: model.engine().clone() })
}
