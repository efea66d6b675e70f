//! A model file, its limits and the engine that runs it.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array3;
use serde::Deserialize;

use crate::distilbert::{CONFIG_FILE, Weights, check_folder, refuse_weights};
use crate::engine::{self, EngineChoice, EngineDevice, EngineReport, LoadedModel};
use crate::{Encoder, TextError, TokenBatch};

/// Name of the model in a folder.
const ONNX_FILE: &str = "model.onnx";

/// Longest sequence of a model that does not say its own.
const DEFAULT_MAX_LENGTH: usize = 512;

/// How a model is opened.
#[derive(Clone, Debug, Default)]
pub struct EncoderOptions {
    /// The engine.
    pub engine: EngineChoice,
    /// The ONNX Runtime library; looked for if not given.
    pub library: Option<PathBuf>,
    /// Longest sequence, `[CLS]` and `[SEP]` included; the model's own maximum (512 if it does not say) if not given.
    pub max_length: Option<usize>,
}

/// A BERT-like model of an ONNX file, opened by an engine.
pub struct EncoderModel {
    path: PathBuf,
    max_length: usize,
    loaded: Box<dyn LoadedModel>,
}

/// The part of a Hugging Face `config.json` that matters here.
#[derive(Default, Deserialize)]
struct HuggingFaceConfig {
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
}

impl EncoderModel {
    /// The ONNX file of a model: the path itself, or the `model.onnx` of a directory. If a directory has none, it is
    /// made from the directory's weights, which must be a DistilBERT's as Hugging Face stores it.
    ///
    /// # Errors
    /// As [`EncoderModel::check`]; [`TextError::Weights`] for weights that are no DistilBERT's, [`TextError::Write`].
    pub fn file(path: &Path) -> Result<PathBuf, TextError> {
        Self::check(path)?;
        if !path.is_dir() {
            return Ok(path.to_owned());
        }
        let file = path.join(ONNX_FILE);
        if !file.exists() {
            Weights::read(path)?.onnx().save(&file).map_err(TextError::Write)?;
        }
        Ok(file)
    }

    /// Whether a path can be a model's, by the names of the files there: finds the errors of [`EncoderModel::file`]
    /// that can be found without reading weights.
    ///
    /// # Errors
    /// [`TextError::Weights`] with what is missing in a folder, or why the file is no ONNX file; [`TextError::File`] if
    /// nothing exists there.
    pub fn check(path: &Path) -> Result<(), TextError> {
        let metadata = fs::metadata(path).map_err(TextError::file(path))?;
        if metadata.is_dir() {
            let has_onnx = path.join(ONNX_FILE).exists();
            return if has_onnx { Ok(()) } else { Ok(check_folder(path)?) };
        }
        Ok(refuse_weights(path)?)
    }

    /// Opens an ONNX file, or a directory as [`EncoderModel::file`] does. A `config.json` beside the file gives the
    /// size of the vocabulary and the longest sequence.
    ///
    /// # Errors
    /// [`TextError::File`], [`TextError::Config`], [`TextError::Load`], [`TextError::Signature`] for what is no usable
    /// model; [`TextError::NoOnnxRuntime`] where that engine is forced and has no library; [`TextError::NotBuilt`] and
    /// [`TextError::NoEngine`] where this build lacks the engine;
    /// [`TextError::UnknownVocabulary`] where tract, which does not check token ids, would run unchecked.
    pub fn open(path: &Path, options: &EncoderOptions) -> Result<Self, TextError> {
        let path = Self::file(path)?;
        fs::File::open(&path).map_err(TextError::file(&path))?;
        let config = read_config(&path.with_file_name(CONFIG_FILE))?;
        let loaded = engine::load(&path, options.engine, options.library.as_deref(), config.vocab_size)?;
        let own = config.max_position_embeddings.unwrap_or(DEFAULT_MAX_LENGTH);
        let max_length = options.max_length.map_or(own, |asked| match config.max_position_embeddings {
            Some(own) => own.min(asked),
            None => asked,
        });
        Ok(Self { path, max_length: max_length.max(1), loaded })
    }

    /// The model file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The longest sequence it takes; longer ones have to be truncated.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Batches run fastest when their length is a multiple of this.
    pub fn length_step(&self) -> usize {
        self.loaded.length_step()
    }

    /// How many encoders to use at a time on a machine of so many threads: a graphics card takes one batch after the
    /// other.
    pub fn workers(&self, threads: usize) -> usize {
        match self.engine().device {
            EngineDevice::Cpu => threads,
            EngineDevice::Cuda => 1,
        }
    }

    /// Tokens of a batch, padding included, that are computed fastest: their activations stay in the processor's
    /// caches, while a graphics card wants many at a time.
    pub fn batch_tokens(&self) -> usize {
        match self.engine().device {
            EngineDevice::Cpu => 512,
            EngineDevice::Cuda => 16_384,
        }
    }

    /// The engine in use.
    pub fn engine(&self) -> &EngineReport {
        self.loaded.report()
    }

    /// An encoder for one worker. Each of ONNX Runtime's holds the model's weights, tract's share them.
    ///
    /// # Errors
    /// [`TextError::Load`] or [`TextError::Signature`] where ONNX Runtime cannot use the model.
    pub fn encoder(&self) -> Result<Box<dyn Encoder + '_>, TextError> {
        Ok(Box::new(Checked { encoder: self.loaded.encoder()?, model: self }))
    }
}

/// Checks the token ids before they go to the engine.
struct Checked<'m> {
    encoder: Box<dyn Encoder + 'm>,
    model: &'m EncoderModel,
}

impl Encoder for Checked<'_> {
    fn encode(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, TextError> {
        if let Some(vocabulary) = self.model.loaded.vocabulary()
            && let Some(&token) = batch.ids().iter().find(|&&token| token >= vocabulary as i64)
        {
            return Err(TextError::Token { token, path: self.model.path.clone(), vocabulary });
        }
        self.encoder.encode(batch)
    }
}

fn read_config(path: &Path) -> Result<HuggingFaceConfig, TextError> {
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|reason| TextError::Config { path: path.to_owned(), reason }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HuggingFaceConfig::default()),
        Err(error) => Err(TextError::file(path)(error)),
    }
}
