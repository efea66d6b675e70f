//! The embed stage: the mean DistilBERT vector of each token over the records of some parts.

use std::path::PathBuf;

use serde::Serialize;
use skimmer_formats::columnar::ColumnarError;
use skimmer_formats::part::PartReader;
use skimmer_formats::record::Columns;
use thiserror::Error;

use crate::progress::{Progress, Unit};
use crate::text::{EngineReport, MeanOptions, MeanSummary, MeanVectors, Model, ModelOptions, TextError, VectorPaths};
use crate::workspace::{WorkspaceError, write_file};

/// What to embed and how.
#[derive(Clone, Debug)]
pub struct EmbedOptions {
    /// The `.skim` parts, in their order.
    pub parts: Vec<PathBuf>,
    /// An ONNX file, or a directory with a `model.onnx`.
    pub model: PathBuf,
    /// How to open it.
    pub open: ModelOptions,
    /// How to compute with it.
    pub mean: MeanOptions,
    /// Where the vectors go.
    pub output: VectorPaths,
}

/// What was embedded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbedSummary {
    /// Records seen, sequences computed, records cut.
    #[serde(flatten)]
    pub mean: MeanSummary,
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
    Store(#[from] WorkspaceError),
}

/// Computes the vectors and stores them; the same parts and model give the same bytes for any number of threads.
///
/// # Errors
/// [`EmbedError`]; nothing is stored then.
pub fn embed(options: &EmbedOptions, progress: &dyn Progress) -> Result<EmbedSummary, EmbedError> {
    let rows = options.parts.iter().map(|part| Ok(PartReader::open(part)?.rows()));
    let rows = rows.sum::<Result<u64, ColumnarError>>()?;
    let model = Model::open(&options.model, &options.open)?;
    let mut mean = MeanVectors::new(&model, options.mean)?;
    progress.begin("embed", Some(rows), Unit::Records);
    for part in &options.parts {
        // Open, and thus mapped, only while it is read.
        let part = PartReader::open(part)?;
        for block in 0..part.blocks() {
            mean.add(&part.read(block, Columns::TOKENS)?.tokens, progress)?;
        }
    }
    let (vectors, summary) = mean.finish(progress)?;
    progress.end();
    // The vectors come last: where they are, the others are too.
    write_file(&options.output.tokens, |out| vectors.write_tokens(out))?;
    write_file(&options.output.counts, |out| vectors.write_counts(out))?;
    write_file(&options.output.vectors, |out| vectors.write_vectors(out))?;
    let (tokens, width) = vectors.vectors.dim();
    Ok(EmbedSummary { mean: summary, tokens, width, engine: model.engine().clone() })
}
