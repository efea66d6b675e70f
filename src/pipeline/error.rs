//! Why a stage could not be run.

use std::io;
use std::path::{Path, PathBuf};

use skimlog_features::similar::SimilarError;
use skimlog_features::sketch::{CodesFileError, SketchError};
use skimlog_formats::columnar::ColumnarError;
use skimlog_model::bundle::BundleError;
use skimlog_runtime::files::FileError;
use skimlog_runtime::stream::StreamError;
use skimlog_text::TextError;
use skimlog_text::finetune::FinetuneError;
use thiserror::Error;

use super::Stage;
use super::convert::ConvertError;
use super::embed::EmbedError;
use super::evaluate::EvaluateError;
use super::examples::ExamplesError;
use super::features::FeaturesError;
use super::freeze::FreezeError;
use super::sketch::SketchStageError;
use super::stages::NoTextModel;
use super::train::TrainError;
use crate::workspace::WorkspaceError;

/// Why a stage could not be run.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// Something an earlier stage makes is not there.
    #[error("{} is not there yet: run `skimmer {stage}` first, or `skimmer run`", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
        /// The stage that makes it.
        stage: Stage,
    },
    /// There is no text model to take token vectors from.
    #[error(transparent)]
    NoTextModel(#[from] NoTextModel),
    /// Nothing says how long to fine-tune.
    #[error(
        "the configuration has no fine-tuning: set distilbert.finetune.epochs or distilbert.finetune.max_steps, or give \
         --max-steps"
    )]
    NoFinetuning,
    /// There are no hold-out records to measure on.
    #[error("validation_part is not set in the configuration: there are no hold-out records to measure on")]
    NoValidationPart,
    /// A file cannot be written.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A summary cannot be written down.
    #[error("cannot write the summary: {0}")]
    Summary(#[from] serde_json::Error),
    /// A stage's summary does not hold what it should.
    #[error("the summary of {stage} cannot be read ({source}): this is a fault of skimmer, please report it")]
    ReadSummary {
        /// The stage.
        stage: Stage,
        /// What is missing or of another type.
        source: serde_json::Error,
    },
    /// The working directory is unusable.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The raw parts are unusable.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A part cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A `.skim` file cannot be read or written.
    #[error(transparent)]
    Columnar(#[from] ColumnarError),
    /// Similar authors cannot be found.
    #[error(transparent)]
    Similar(#[from] SimilarError),
    /// Counting failed.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// The text model cannot be fine-tuned.
    #[error(transparent)]
    Finetune(#[from] FinetuneError),
    /// Token vectors cannot be computed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The text model is unusable.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Tokens cannot be coded.
    #[error(transparent)]
    Sketch(#[from] SketchStageError),
    /// The sketch's size makes no sense.
    #[error(transparent)]
    SketchShape(#[from] SketchError),
    /// The token codes cannot be read.
    #[error(transparent)]
    Codes(#[from] CodesFileError),
    /// The records cannot be read for training.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
    /// Training failed.
    #[error(transparent)]
    Train(Box<TrainError>),
    /// The counts cannot be frozen for prediction.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// The model bundle cannot be read or written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The model cannot be measured.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

impl From<TrainError> for PipelineError {
    fn from(error: TrainError) -> Self {
        Self::Train(Box::new(error))
    }
}

impl PipelineError {
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

impl From<FileError> for PipelineError {
    fn from(error: FileError) -> Self {
        Self::Workspace(error.into())
    }
}
