//! Writes ONNX models: a graph is built node by node, then streamed to a file that any ONNX engine reads.
//!
//! * [`Graph`] — values, weights and nodes; every method that makes a value gives its handle for later nodes to use;
//! * [`Tensor`] — borrowed weights in any memory order, so that a transposed view needs no copy;
//! * [`OnnxModel`] — a graph and its metadata; [`OnnxModel::save`] writes the file. Weights that
//!   would make the file larger than protobuf allows go into a second one beside it.
//!
//! Only the part of the format that our networks need is here: the default operators of [`OPSET`], no subgraphs, no
//! training. The format is that of `onnx.proto`, <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
//!
//! ```
//! use ndarray::array;
//! use skimlog_text::onnx::{ElementType, Graph, OnnxModel};
//!
//! let weights = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
//! let mut graph = Graph::new("linear");
//! let x = graph.input("x", ElementType::F32, &["batch".into(), 3.into()]);
//! let transposed = graph.weight("weights", weights.t());
//! let y = graph.node("MatMul", &[x, transposed]);
//! let y = graph.node_with("Softmax", &[y], &[("axis", 1.into())]);
//! graph.output("y", y, ElementType::F32, &["batch".into(), 2.into()]);
//!
//! let folder = tempfile::tempdir()?;
//! OnnxModel::new(graph).metadata("made by", "an example").save(&folder.path().join("model.onnx"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod graph;
mod model;
mod protobuf;
mod tensor;
#[cfg(feature = "tract")]
#[cfg(test)]
mod tests;

pub use graph::{Attribute, Dimension, Graph, Value};
pub use model::{OPSET, OnnxModel};
pub use tensor::{ElementType, Tensor};
