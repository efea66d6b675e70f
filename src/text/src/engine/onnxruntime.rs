//! The ONNX Runtime engine.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ndarray::Array3;
use ort::{
    ep::{CUDA, ExecutionProvider},
    logging::LogLevel,
    session::{HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue, builder::SessionBuilder},
    value::{TensorElementType, TensorRef, ValueType},
};

use super::library::{self, Library, one_line};
use super::signature::check_signature;
use super::{EngineDevice, EngineReport, LoadedModel};
use crate::{Encoder, TextError, TokenBatch};

const ENGINE: &str = "ONNX Runtime";

/// The library in this file, or the one that is found.
///
/// # Errors
/// [`TextError::NoOnnxRuntime`].
pub(super) fn library(explicit: Option<&Path>) -> Result<Library, TextError> {
    library::load(explicit).map_err(|reason| TextError::NoOnnxRuntime { reason })
}

/// Loads a model with this library, for a graphics card where that is possible.
///
/// # Errors
/// [`TextError::Load`] and [`TextError::Signature`].
pub(super) fn load(
    path: &Path,
    library: Library,
    vocabulary: Option<usize>,
) -> Result<Box<dyn LoadedModel>, TextError> {
    let (first, device, fallback) = OnnxRuntimeEncoder::open_anywhere(path, &library)?;
    let (version, file) = (Some(library.version.clone()), Some(library.path.clone()));
    let report = EngineReport { engine: ENGINE.into(), version, library: file, device, fallback };
    Ok(Box::new(OnnxRuntimeModel {
        path: path.to_owned(),
        library,
        vocabulary,
        first: Mutex::new(Some(first)),
        report,
    }))
}

struct OnnxRuntimeModel {
    path: PathBuf,
    library: Library,
    vocabulary: Option<usize>,
    /// The session with which the model was tried out, until the first worker takes it.
    first: Mutex<Option<OnnxRuntimeEncoder>>,
    report: EngineReport,
}

impl LoadedModel for OnnxRuntimeModel {
    fn encoder(&self) -> Result<Box<dyn Encoder + '_>, TextError> {
        let first = self.first.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let another = || OnnxRuntimeEncoder::open(&self.path, &self.library, self.report.device);
        Ok(Box::new(first.map_or_else(another, Ok)?))
    }

    fn vocabulary(&self) -> Option<usize> {
        self.vocabulary
    }

    fn length_step(&self) -> usize {
        1
    }

    fn report(&self) -> &EngineReport {
        &self.report
    }
}

/// A session of its own for one worker: ONNX Runtime's `Run` is not safe to call from several threads, and one thread
/// a session keeps the results independent of the number of threads.
struct OnnxRuntimeEncoder {
    session: Session,
    /// Whether the model takes `token_type_ids`.
    takes_token_types: bool,
    /// Name of the output with the hidden states.
    output: String,
    selected: RunOptions<HasSelectedOutputs>,
    path: PathBuf,
    /// All zero, as long as the longest batch so far.
    token_types: Vec<i64>,
}

impl OnnxRuntimeEncoder {
    /// A session on a graphics card where that is possible, else on the processor, with the reason if the library was
    /// built for CUDA and cannot use it.
    fn open_anywhere(path: &Path, library: &Library) -> Result<(Self, EngineDevice, Option<String>), TextError> {
        let mut fallback = None;
        if CUDA::is_available().unwrap_or(false) {
            match Self::open(path, library, EngineDevice::Cuda) {
                Ok(encoder) => return Ok((encoder, EngineDevice::Cuda, None)),
                // Perhaps the file is no model, which the attempt on the processor will show.
                Err(TextError::Load { reason, .. }) => fallback = Some(one_line(&reason)),
                Err(error) => return Err(error),
            }
        }
        Ok((Self::open(path, library, EngineDevice::Cpu)?, EngineDevice::Cpu, fallback))
    }

    fn open(path: &Path, library: &Library, device: EngineDevice) -> Result<Self, TextError> {
        let load_error = |reason: String| TextError::Load { path: path.to_owned(), engine: ENGINE, reason };
        let session = configure(library, device)
            .map_err(load_error)?
            .commit_from_file(path)
            .map_err(|error| load_error(error.to_string()))?;
        let tensor = |dtype: &ValueType| match dtype {
            ValueType::Tensor { ty, shape, .. } => Some((*ty, shape.len())),
            _ => None,
        };
        let takes_token_types = session.inputs().iter().any(|input| input.name() == "token_type_ids");
        let inputs = session.inputs().iter();
        let inputs = inputs.map(|input| (input.name(), tensor(input.dtype()) == Some((TensorElementType::Int64, 2))));
        let outputs = session.outputs().iter();
        let outputs =
            outputs.map(|output| (output.name(), tensor(output.dtype()) == Some((TensorElementType::Float32, 3))));
        let output = check_signature(path, inputs, outputs)?;
        // Other outputs, a language model's logits above all, are not computed.
        let selector = OutputSelector::no_default().with(&*output);
        let selected = RunOptions::new().map_err(|error| load_error(error.to_string()))?.with_outputs(selector);
        Ok(Self { session, takes_token_types, output, selected, path: path.to_owned(), token_types: Vec::new() })
    }

    fn run(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, ort::Error> {
        let shape = batch.shape();
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = vec![
            ("input_ids", TensorRef::from_array_view((shape, batch.ids()))?.into()),
            ("attention_mask", TensorRef::from_array_view((shape, batch.mask()))?.into()),
        ];
        if self.takes_token_types {
            self.token_types.resize(batch.ids().len(), 0);
            inputs.push(("token_type_ids", TensorRef::from_array_view((shape, &*self.token_types))?.into()));
        }
        let outputs = self.session.run_with_options(inputs, &self.selected)?;
        let (shape, values) = outputs[&*self.output].try_extract_tensor::<f32>()?;
        let given: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
        match *given {
            [sequences, length, width] if [sequences, length] == batch.shape() => {
                let hidden = Array3::from_shape_vec((sequences, length, width), values.to_vec());
                hidden.map_err(|error| ort::Error::new(error.to_string()))
            }
            _ => Err(ort::Error::new(format!("its output has shape {given:?}, not [sequences, length, width]"))),
        }
    }
}

fn configure(library: &Library, device: EngineDevice) -> Result<SessionBuilder, String> {
    let builder = Session::builder(&library.environment).map_err(|error| error.to_string())?;
    let builder = builder.with_intra_threads(1).map_err(|error| error.to_string())?;
    let builder = builder.with_inter_threads(1).map_err(|error| error.to_string())?;
    let builder = builder.with_log_level(LogLevel::Warning).map_err(|error| error.to_string())?;
    match device {
        EngineDevice::Cpu => Ok(builder),
        EngineDevice::Cuda => {
            // Without TF32, which keeps 10 bits of a product's factors.
            let cuda = CUDA::default().with_tf32(false).build().error_on_failure();
            builder.with_execution_providers([cuda]).map_err(|error| error.to_string())
        }
    }
}

impl Encoder for OnnxRuntimeEncoder {
    fn encode(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, TextError> {
        self.run(batch).map_err(|error| TextError::Run {
            path: self.path.clone(),
            engine: ENGINE,
            sequences: batch.sequences(),
            length: batch.length(),
            reason: error.to_string(),
        })
    }
}
