//! From token vectors, or from token ids alone, to token codes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use skimlog_features::sketch::{Projection, Quality, SketchError, SketchShape, TokenCodes, encode};
use skimlog_runtime::files::FileError;
use skimlog_runtime::machine::Workers;
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_text::{MappedVectors, TextError, VectorPaths};

/// What token codes are made from.
#[derive(Clone, Debug)]
pub enum CodeSource {
    /// Token vectors: EMDE.
    Vectors(VectorPaths),
    /// The token ids below this number: a hash of them.
    TokenIds(u32),
}

/// What to code and how.
#[derive(Clone, Debug)]
pub struct SketchOptions {
    /// What the codes are made from.
    pub source: CodeSource,
    /// Where the codes go.
    pub output: PathBuf,
    /// Size of the sketches.
    pub shape: SketchShape,
    /// Seed of the random projection, or of the hash.
    pub seed: u64,
    /// Workers. The result does not depend on it.
    pub threads: usize,
}

/// What was coded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SketchSummary {
    /// Tokens that have codes.
    pub tokens: usize,
    /// Numbers in a token vector; `None` where the codes come from token ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<usize>,
    /// Size of the sketches.
    #[serde(flatten)]
    pub shape: SketchShape,
    /// How well the codes do their work; `None` where they come from token ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
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
    /// There are more token ids than codes are kept for.
    #[error("vocabulary_size: {0}; set it to the number of token ids that there really are, or set text to none")]
    Vocabulary(SketchError),
    /// The network sees nothing of the text.
    #[error("with text: none there are no token codes to make: set text to hashed or distilbert")]
    NoText,
    /// The codes cannot be stored.
    #[error(transparent)]
    Store(#[from] FileError),
}

/// Codes the tokens and stores the codes; the same source, shape and seed give the same bytes for any number of
/// threads.
///
/// # Errors
/// [`SketchStageError`]; nothing is stored then.
pub fn sketch(options: &SketchOptions, progress: &dyn Progress) -> Result<SketchSummary, SketchStageError> {
    match &options.source {
        CodeSource::Vectors(vectors) => code_vectors(vectors, options, progress),
        CodeSource::TokenIds(vocabulary) => hash_ids(*vocabulary, options, progress),
    }
}

fn hash_ids(
    vocabulary: u32,
    options: &SketchOptions,
    progress: &dyn Progress,
) -> Result<SketchSummary, SketchStageError> {
    let (shape, seed) = (options.shape, options.seed);
    progress.begin("sketch", Some(vocabulary.into()), Unit::Items);
    let codes = TokenCodes::hashed(shape, seed, vocabulary).map_err(SketchStageError::Vocabulary)?;
    progress.advance(vocabulary.into());
    progress.end();
    codes.save(&options.output)?;
    Ok(SketchSummary { tokens: codes.len(), dimensions: None, shape, quality: None })
}

fn code_vectors(
    paths: &VectorPaths,
    options: &SketchOptions,
    progress: &dyn Progress,
) -> Result<SketchSummary, SketchStageError> {
    let mapped = MappedVectors::open(paths)?;
    let vectors = mapped.view()?;
    let (shape, seed) = (options.shape, options.seed);
    let code_error = |source| SketchStageError::Code { path: paths.vectors.clone(), source };
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
    Ok(SketchSummary { tokens: vectors.nrows(), dimensions: Some(vectors.ncols()), shape, quality: Some(quality) })
}
