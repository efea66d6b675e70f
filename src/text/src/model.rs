//! A model file, its limits and the engine that runs it.

use std::{
    borrow::Cow,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use ndarray::Array3;
use serde::{Deserialize, Serialize};

use super::{
    Encoder, TextError, TokenBatch,
    distilbert::{Weights, check_folder, refuse_weights},
    library::{self, Library},
    onnxruntime::{self, OnnxRuntimeEncoder},
    tract::{self, TractEncoder, TractModel},
};

/// Name of the model in a folder.
const ONNX_FILE: &str = "model.onnx";

/// Longest sequence of a model that does not say its own.
const DEFAULT_MAX_LENGTH: usize = 512;

/// Which engine runs the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// ONNX Runtime where a library is found, else tract.
    #[default]
    Auto,
    /// ONNX Runtime, or an error.
    OnnxRuntime,
    /// tract.
    Tract,
}

/// How a model is opened.
#[derive(Clone, Debug, Default)]
pub struct ModelOptions {
    /// The engine.
    pub engine: EngineChoice,
    /// The ONNX Runtime library; looked for if not given.
    pub library: Option<PathBuf>,
    /// Longest sequence, `[CLS]` and `[SEP]` included; the model's own maximum (512 if it does not say) if not given.
    pub max_length: Option<usize>,
}

/// The engine in use and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineReport {
    /// `ONNX Runtime` or `tract`.
    pub engine: Cow<'static, str>,
    /// Version of the library, if it is one.
    pub version: Option<String>,
    /// File of the library, if it is one.
    pub library: Option<PathBuf>,
    /// What it computes on.
    pub device: Device,
    /// Why a preferred engine or device is not in use.
    pub fallback: Option<String>,
}

/// What a model is computed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The processor.
    #[serde(rename = "CPU")]
    Cpu,
    /// A graphics card, where ONNX Runtime's library was built for CUDA and finds one.
    #[serde(rename = "CUDA")]
    Cuda,
}

impl fmt::Display for EngineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.engine)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        match self.device {
            Device::Cpu => f.write_str(" on CPU"),
            Device::Cuda => f.write_str(" on CUDA"),
        }
    }
}

/// An opened model.
pub struct Model {
    path: PathBuf,
    vocabulary: Option<usize>,
    max_length: usize,
    engine: Engine,
    report: EngineReport,
}

enum Engine {
    OnnxRuntime {
        library: Library,
        /// The session with which the model was tried out, until the first worker takes it.
        first: Mutex<Option<OnnxRuntimeEncoder>>,
    },
    Tract(Arc<TractModel>),
}

/// The part of a Hugging Face `config.json` that matters here.
#[derive(Default, Deserialize)]
struct HuggingFaceConfig {
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
}

impl Model {
    /// The ONNX file of a model: the path itself, or the `model.onnx` of a directory. Where that is not there yet, it
    /// is made from the directory's weights, if they are a DistilBERT's as Hugging Face stores it.
    ///
    /// # Errors
    /// As [`Model::check`]; [`TextError::Weights`] for weights that are no DistilBERT's, [`TextError::Write`].
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

    /// Whether a path can be a model's, from the names of the files there: what [`Model::file`] would say sooner or
    /// later, without reading any weights.
    ///
    /// # Errors
    /// [`TextError::Weights`] with what is missing in a folder, or why the file is none of ONNX; [`TextError::File`] if there
    /// is nothing.
    pub fn check(path: &Path) -> Result<(), TextError> {
        let metadata = fs::metadata(path).map_err(TextError::file(path))?;
        if metadata.is_dir() {
            let has_onnx = path.join(ONNX_FILE).exists();
            return if has_onnx { Ok(()) } else { Ok(check_folder(path)?) };
        }
        Ok(refuse_weights(path)?)
    }

    /// Opens an ONNX file, or that of a directory as [`Model::file`] has it. A `config.json` beside it gives the size
    /// of the vocabulary and the longest sequence.
    ///
    /// # Errors
    /// [`TextError::File`], [`TextError::Config`], [`TextError::Load`], [`TextError::Signature`] for what is no usable
    /// model; [`TextError::NoOnnxRuntime`] where that engine is forced and has no library;
    /// [`TextError::UnknownVocabulary`] where tract, which does not check token ids, would run unchecked.
    pub fn open(path: &Path, options: &ModelOptions) -> Result<Self, TextError> {
        let path = Self::file(path)?;
        fs::File::open(&path).map_err(TextError::file(&path))?;
        let config = read_config(&path.with_file_name("config.json"))?;
        let library = match options.engine {
            EngineChoice::Tract => Err(None),
            EngineChoice::Auto => library::load(options.library.as_deref()).map_err(Some),
            EngineChoice::OnnxRuntime => {
                let library = library::load(options.library.as_deref());
                Ok(library.map_err(|reason| TextError::NoOnnxRuntime { reason })?)
            }
        };
        let mut vocabulary = config.vocab_size;
        let (engine, report) = match library {
            Ok(library) => {
                let (version, file) = (Some(library.version.clone()), Some(library.path.clone()));
                let (first, device, fallback) = OnnxRuntimeEncoder::open_anywhere(&path, &library)?;
                let report =
                    EngineReport { engine: onnxruntime::ENGINE.into(), version, library: file, device, fallback };
                (Engine::OnnxRuntime { library, first: Mutex::new(Some(first)) }, report)
            }
            Err(fallback) => {
                let model = TractModel::open(&path)?;
                // The table decides: whatever `config.json` says, tract looks up any token that it is given.
                vocabulary = model.vocabulary().into_iter().chain(vocabulary).min();
                if vocabulary.is_none() {
                    return Err(TextError::UnknownVocabulary { path });
                }
                let device = Device::Cpu;
                let engine = tract::ENGINE.into();
                let report = EngineReport { engine, version: None, library: None, device, fallback };
                (Engine::Tract(Arc::new(model)), report)
            }
        };
        let own = config.max_position_embeddings.unwrap_or(DEFAULT_MAX_LENGTH);
        let max_length = options.max_length.map_or(own, |asked| match config.max_position_embeddings {
            Some(own) => own.min(asked),
            None => asked,
        });
        Ok(Self { path, vocabulary, max_length: max_length.max(1), engine, report })
    }

    /// The model file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The longest sequence it takes; longer ones are to be cut.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Batches run fastest when their length is a multiple of this.
    pub fn length_step(&self) -> usize {
        match self.engine {
            Engine::OnnxRuntime { .. } => 1,
            Engine::Tract(_) => tract::LENGTH_STEP,
        }
    }

    /// How many encoders to use at a time on a machine of so many threads: a graphics card takes one batch after the
    /// other.
    pub fn workers(&self, threads: usize) -> usize {
        match self.report.device {
            Device::Cpu => threads,
            Device::Cuda => 1,
        }
    }

    /// Tokens of a batch, padding included, that are computed fastest: their activations stay in the processor's
    /// caches, while a graphics card wants many at a time.
    pub fn batch_tokens(&self) -> usize {
        match self.report.device {
            Device::Cpu => 512,
            Device::Cuda => 16_384,
        }
    }

    /// The engine in use.
    pub fn engine(&self) -> &EngineReport {
        &self.report
    }

    /// An encoder for one worker. Each of ONNX Runtime's holds the model's weights, tract's share them.
    ///
    /// # Errors
    /// [`TextError::Load`] or [`TextError::Signature`] where ONNX Runtime cannot use the model.
    pub fn encoder(&self) -> Result<Box<dyn Encoder + '_>, TextError> {
        let encoder: Box<dyn Encoder> = match &self.engine {
            Engine::OnnxRuntime { library, first } => {
                let first = first.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
                let another = || OnnxRuntimeEncoder::open(&self.path, library, self.report.device);
                Box::new(first.map_or_else(another, Ok)?)
            }
            Engine::Tract(model) => Box::new(TractEncoder::new(Arc::clone(model), &self.path)),
        };
        Ok(Box::new(Checked { encoder, model: self }))
    }
}

/// Looks at the token ids before the engine does.
struct Checked<'m> {
    encoder: Box<dyn Encoder>,
    model: &'m Model,
}

impl Encoder for Checked<'_> {
    fn encode(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, TextError> {
        if let Some(vocabulary) = self.model.vocabulary
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

/// The inputs and the output of a BERT-like encoder.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// Whether the model takes `token_type_ids`.
    pub(super) token_types: bool,
    /// Name of the output with the hidden states.
    pub(super) output: String,
}

impl Signature {
    /// Checks a model's inputs and outputs, each with whether its type and rank are right.
    pub(super) fn check<'a>(
        path: &Path,
        inputs: impl Iterator<Item = (&'a str, bool)>,
        outputs: impl Iterator<Item = (&'a str, bool)>,
    ) -> Result<Self, TextError> {
        let problem = |problem: String| TextError::Signature { path: path.to_owned(), problem };
        let inputs: Vec<(&str, bool)> = inputs.collect();
        for name in ["input_ids", "attention_mask"] {
            if !inputs.iter().any(|input| input.0 == name) {
                return Err(problem(format!("it has no input {name}")));
            }
        }
        for &(name, fits) in &inputs {
            if !["input_ids", "attention_mask", "token_type_ids"].contains(&name) {
                return Err(problem(format!("it wants an input {name}")));
            }
            if !fits {
                return Err(problem(format!("its input {name} is of another type or rank")));
            }
        }
        let outputs: Vec<(&str, bool)> = outputs.collect();
        let named = outputs.iter().find(|output| output.0 == "last_hidden_state");
        let Some(&(output, fits)) = named.or(outputs.first()) else {
            return Err(problem("it has no output".to_owned()));
        };
        if !fits {
            return Err(problem(format!("its output {output} is of another type or rank")));
        }
        let token_types = inputs.iter().any(|input| input.0 == "token_type_ids");
        Ok(Self { token_types, output: output.to_owned() })
    }
}
