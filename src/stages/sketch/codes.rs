//! From token vectors to token codes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use skimlog_features::sketch::{Projection, Quality, SketchError, SketchShape, TokenCodes, encode};
use skimlog_runtime::files::FileError;
use skimlog_runtime::machine::Workers;
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_text::{MappedVectors, TextError, VectorPaths};

/// What to code and how.
#[derive(Clone, Debug)]
pub struct SketchOptions {
    /// The token vectors.
    pub vectors: VectorPaths,
    /// Where the codes go.
    pub output: PathBuf,
    /// Size of the sketches.
    pub shape: SketchShape,
    /// Seed of the random projection.
    pub seed: u64,
    /// Workers. The result does not depend on it.
    pub threads: usize,
}

/// What was coded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SketchSummary {
    /// Tokens that have codes.
    pub tokens: usize,
    /// Numbers in a token vector.
    pub dimensions: usize,
    /// Size of the sketches.
    #[serde(flatten)]
    pub shape: SketchShape,
    /// How well the codes do their work.
    pub quality: Quality,
}

/// Why the stage failed.
#[derive(Debug, Error)]
pub enum SketchStageError {
    /// The vectors cannot be read.
    #[error(transparent)]
    Vectors(#[from] TextError),
    /// The vectors cannot be coded.
    #[error("{}: {source}", path.display())]
    Code {
        /// The vectors' file.
        path: PathBuf,
        /// What is wrong with them.
        source: SketchError,
    },
    /// The sketch's size makes no sense.
    #[error(transparent)]
    Shape(SketchError),
    /// The codes cannot be stored.
    #[error(transparent)]
    Store(#[from] FileError),
}

/// Codes the tokens and stores the codes; the same vectors, shape and seed give the same bytes for any number of
/// threads.
///
/// # Errors
/// [`SketchStageError`]; nothing is stored then.
pub fn sketch(options: &SketchOptions, progress: &dyn Progress) -> Result<SketchSummary, SketchStageError> {
    let mapped = MappedVectors::open(&options.vectors)?;
    let vectors = mapped.view()?;
    let (shape, seed) = (options.shape, options.seed);
    let code_error = |source| SketchStageError::Code { path: options.vectors.vectors.clone(), source };
    let workers = Workers::new(options.threads);
    progress.begin("sketch", Some(vectors.nrows() as u64), Unit::Items);
    let projection = Projection::gaussian(shape, vectors.ncols(), seed);
    let encoded = workers.install(|| encode(vectors, &projection, shape)).map_err(code_error);
    mapped.intact()?;
    let encoded = encoded?;
    let codes = TokenCodes::new(shape, seed, mapped.tokens(), &encoded.codes).map_err(code_error)?;
    let quality = workers.install(|| Quality::measure(vectors, &encoded, shape, seed));
    mapped.intact()?;
    progress.advance(vectors.nrows() as u64);
    progress.end();
    codes.save(&options.output)?;
    Ok(SketchSummary { tokens: vectors.nrows(), dimensions: vectors.ncols(), shape, quality })
}
