//! The tract engine, in pure Rust.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ndarray::Array3;
use skimlog_runtime::machine::caught;
use tract_onnx::{pb, prelude::*};

use super::signature::check_signature;
use super::{EngineDevice, EngineReport, LoadedModel, graph_check};
use crate::{Encoder, TextError, TokenBatch};

const ENGINE: &str = "tract";

/// Maximum number of plans in the cache. Each holds the weights in the layout of its matrix products; batches come
/// sorted by length, so that a few are enough.
const PLANS: usize = 3;

/// Lengths are padded to a multiple of this, so that more batches share a plan.
const LENGTH_STEP: usize = 4;

/// Loads a model. `vocabulary` is what its `config.json` says; `fallback` is the reason for which a preferred engine is
/// not in use.
///
/// # Errors
/// [`TextError::Load`], [`TextError::Signature`]; [`TextError::UnknownVocabulary`] where neither the graph nor
/// `config.json` gives the number of token ids, for tract does not check them.
pub(super) fn load(
    path: &Path,
    vocabulary: Option<usize>,
    fallback: Option<String>,
) -> Result<Box<dyn LoadedModel>, TextError> {
    let model = TractModel::open(path, vocabulary, fallback)?;
    if model.vocabulary.is_none() {
        return Err(TextError::UnknownVocabulary { path: path.to_owned() });
    }
    Ok(Box::new(model))
}

/// A model and its plans for batches of one shape each; shared by all workers.
///
/// One plan for all shapes would do too, but tract's matrix products are slower where it does not know the sizes.
struct TractModel {
    path: PathBuf,
    model: TypedModel,
    symbols: [Symbol; 2],
    /// The model's inputs in its own order.
    inputs: Vec<Input>,
    vocabulary: Option<usize>,
    /// The most recently used last.
    plans: Mutex<Vec<([usize; 2], Arc<TypedSimplePlan>)>>,
    report: EngineReport,
}

#[derive(Clone, Copy)]
enum Input {
    Ids,
    Mask,
    TokenTypes,
}

impl TractModel {
    fn open(path: &Path, vocabulary: Option<usize>, fallback: Option<String>) -> Result<Self, TextError> {
        let load_error =
            |error: TractError| TextError::Load { path: path.to_owned(), engine: ENGINE, reason: format!("{error:#}") };
        let onnx = tract_onnx::onnx();
        let proto = guarded(|| onnx.proto_model_for_path(path)).map_err(load_error)?;
        let graph = proto.graph.as_ref().ok_or_else(|| TextError::Load {
            path: path.to_owned(),
            engine: ENGINE,
            reason: "the file holds no graph".to_owned(),
        })?;
        graph_check::check(graph).map_err(|problem| load_error(TractError::msg(problem)))?;
        let weights: Vec<&str> = graph.initializer.iter().map(|weight| &*weight.name).collect();
        let inputs: Vec<&pb::ValueInfoProto> =
            graph.input.iter().filter(|input| !weights.contains(&&*input.name)).collect();
        let output = check_signature(
            path,
            inputs.iter().map(|input| (&*input.name, fits(input, pb::tensor_proto::DataType::Int64, 2))),
            graph.output.iter().map(|output| (&*output.name, fits(output, pb::tensor_proto::DataType::Float, 3))),
        )?;
        // The embedding table counts, whatever `config.json` says: tract looks up any token id without a check.
        let vocabulary = table_rows(graph).into_iter().chain(vocabulary).min();
        let inputs = inputs
            .iter()
            .map(|input| match &*input.name {
                "input_ids" => Input::Ids,
                "attention_mask" => Input::Mask,
                _ => Input::TokenTypes,
            })
            .collect();
        let (model, symbols) = guarded(|| typed(&onnx, &proto, path, &output)).map_err(load_error)?;
        let device = EngineDevice::Cpu;
        let report = EngineReport { engine: ENGINE.into(), version: None, library: None, device, fallback };
        Ok(Self { path: path.to_owned(), model, symbols, inputs, vocabulary, plans: Mutex::default(), report })
    }

    /// The plan for batches `[sequences, length]`.
    fn plan(&self, shape: [usize; 2]) -> TractResult<Arc<TypedSimplePlan>> {
        let mut plans = self.plans.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let plan = match plans.iter().position(|(other, _)| *other == shape) {
            Some(known) => plans.remove(known).1,
            None => {
                let sizes = self.symbols.iter().cloned().zip(shape.map(|size| size.to_dim())).collect();
                let fixed = self.model.set_symbols(&sizes)?.into_decluttered()?;
                fixed.into_optimized()?.into_runnable()?
            }
        };
        if plans.len() == PLANS {
            plans.remove(0);
        }
        plans.push((shape, Arc::clone(&plan)));
        Ok(plan)
    }
}

/// The model for batches of any shape, and the symbols of their number of sequences and their length.
fn typed(
    onnx: &tract_onnx::Onnx,
    proto: &pb::ModelProto,
    path: &Path,
    output: &str,
) -> TractResult<(TypedModel, [Symbol; 2])> {
    let folder = path.parent().map(|folder| folder.to_string_lossy());
    let mut model = onnx.parse(proto, folder.as_deref())?.model;
    let symbols = ["skimmer_sequences", "skimmer_length"].map(|name| model.sym(name));
    for input in 0..model.input_outlets()?.len() {
        let shape: TVec<TDim> = symbols.iter().map(|symbol| symbol.to_dim()).collect();
        model.set_input_fact(input, InferenceFact::dt_shape(i64::datum_type(), shape))?;
    }
    let output = model
        .find_outlet_label(output)
        .ok_or_else(|| TractError::msg(format!("the graph does not compute {output}")))?;
    model.select_output_outlets(&[output])?;
    Ok((model.into_typed()?.into_decluttered()?, symbols))
}

/// Turns a panic into an error: tract does not check everything in a model, and a damaged file must not end the
/// program.
fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    caught(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(TractError::msg(format!("the engine panicked: {}", text.unwrap_or("without a message"))))
    })
}

/// Whether a value is declared as a tensor of this type and rank.
fn fits(value: &pb::ValueInfoProto, data_type: pb::tensor_proto::DataType, rank: usize) -> bool {
    match value.r#type.as_ref().and_then(|declared| declared.value.as_ref()) {
        Some(pb::type_proto::Value::TensorType(tensor)) => {
            tensor.elem_type == data_type as i32 && tensor.shape.as_ref().is_none_or(|shape| shape.dim.len() == rank)
        }
        None => false,
    }
}

/// Rows of the embedding table that `input_ids` looks up, where the graph shows it plainly.
fn table_rows(graph: &pb::GraphProto) -> Option<usize> {
    let looks_up =
        |node: &&pb::NodeProto| node.op_type == "Gather" && node.input.get(1).is_some_and(|i| i == "input_ids");
    let table = graph.node.iter().find(looks_up)?.input.first()?;
    let table = graph.initializer.iter().find(|weight| weight.name == *table)?;
    table.dims.first().and_then(|&rows| usize::try_from(rows).ok())
}

impl LoadedModel for TractModel {
    fn encoder(&self) -> Result<Box<dyn Encoder + '_>, TextError> {
        Ok(Box::new(TractEncoder(self)))
    }

    fn vocabulary(&self) -> Option<usize> {
        self.vocabulary
    }

    fn length_step(&self) -> usize {
        LENGTH_STEP
    }

    fn report(&self) -> &EngineReport {
        &self.report
    }
}

/// Runs the shared model's plans.
struct TractEncoder<'m>(&'m TractModel);

impl TractEncoder<'_> {
    fn run(&self, batch: &TokenBatch) -> TractResult<Array3<f32>> {
        let mut inputs = TVec::new();
        for input in &self.0.inputs {
            let tensor = match input {
                Input::Ids => Tensor::from_shape(&batch.shape(), batch.ids())?,
                Input::Mask => Tensor::from_shape(&batch.shape(), batch.mask())?,
                Input::TokenTypes => Tensor::zero::<i64>(&batch.shape())?,
            };
            inputs.push(tensor.into_tvalue());
        }
        let outputs = self.0.plan(batch.shape())?.run(inputs)?;
        let hidden = outputs[0].to_plain_array_view::<f32>()?;
        match *hidden.shape() {
            [sequences, length, width] if [sequences, length] == batch.shape() => {
                Ok(Array3::from_shape_vec((sequences, length, width), hidden.iter().copied().collect())?)
            }
            ref given => {
                Err(TractError::msg(format!("its output has shape {given:?}, not [sequences, length, width]")))
            }
        }
    }
}

impl Encoder for TractEncoder<'_> {
    fn encode(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, TextError> {
        guarded(|| self.run(batch)).map_err(|error| TextError::Run {
            path: self.0.path.clone(),
            engine: ENGINE,
            sequences: batch.sequences(),
            length: batch.length(),
            reason: format!("{error:#}"),
        })
    }
}
