//! A graph as a model file.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use skimlog_runtime::files::{FileError, write_file};

use super::graph::{Declared, Node};
use super::protobuf::{Message, Streamed};
use super::{Attribute, Dimension, ElementType, Graph, Tensor};

/// The version of the operators: the first with `LayerNormalization`; ONNX Runtime and tract both run it.
pub const OPSET: i64 = 17;

/// The version of the file format that came with [`OPSET`].
const IR_VERSION: i64 = 8;

/// Protobuf reads no message of 2 GiB or more.
const LARGEST_FILE: u64 = (1 << 31) - 1;

/// External weights begin at multiples of this, so that they can be mapped.
const ALIGNMENT: u64 = 4096;

/// Weights smaller than this stay in the model file: engines look at them to fold constants.
const SMALLEST_EXTERNAL: u64 = 1024;

/// A model file: a graph and its metadata.
pub struct OnnxModel<'w> {
    graph: Graph<'w>,
    metadata: Vec<(String, String)>,
    largest_file: u64,
}

/// A weight in the file of external data.
struct ExternalWeight<'t> {
    values: &'t dyn Streamed,
    offset: u64,
}

impl<'w> OnnxModel<'w> {
    /// A model of this graph.
    pub fn new(graph: Graph<'w>) -> Self {
        Self { graph, metadata: Vec::new(), largest_file: LARGEST_FILE }
    }

    /// Adds a line of the model's metadata.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Bytes that the model file may have before its weights go into a second file; 2 GiB, protobuf's limit, if not
    /// given.
    pub fn largest_file(mut self, bytes: u64) -> Self {
        self.largest_file = bytes.min(LARGEST_FILE);
        self
    }

    /// Writes the model in one piece.
    ///
    /// # Errors
    /// What the output gives.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.message(None).write(out)
    }

    /// Writes the model file and, if it would become too large, the weights as external data in a file `NAME.data`
    /// beside it. The model file is written last, so that a model whose file exists is complete.
    ///
    /// # Errors
    /// [`FileError::Io`] if a file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let whole = self.message(None);
        let data = data_path(path);
        if whole.length() <= self.largest_file {
            return write_file(path, |out| whole.write(out));
        }
        // An older model file would refer to the new weights.
        remove(path)?;
        let mut weights = Vec::new();
        let name = data.file_name().unwrap_or_default().to_string_lossy();
        let model = self.message(Some((&name, &mut weights)));
        write_file(&data, |out| {
            let mut written = 0;
            for weight in &weights {
                io::copy(&mut io::Read::take(io::repeat(0), weight.offset - written), out)?;
                weight.values.write(out)?;
                written = weight.offset + weight.values.bytes();
            }
            Ok(())
        })?;
        write_file(path, |out| model.write(out))
    }

    /// `ModelProto`, with the weights in it or, where `external` names a file, with their offsets there.
    fn message<'t>(&'t self, external: Option<(&str, &mut Vec<ExternalWeight<'t>>)>) -> Message<'t> {
        let mut opset = Message::default();
        opset.string(1, "");
        opset.integer(2, OPSET);
        let mut model = Message::default();
        model.integer(1, IR_VERSION);
        model.string(2, "skimmer");
        model.string(3, env!("CARGO_PKG_VERSION"));
        model.message(7, graph(&self.graph, external));
        model.message(8, opset);
        for (key, value) in &self.metadata {
            model.message(14, pair(key, value));
        }
        model
    }
}

/// `NAME.data` for the model file `NAME`.
fn data_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".data");
    path.with_file_name(name)
}

fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("replace", path)(error)),
        _ => Ok(()),
    }
}

/// `GraphProto`.
fn graph<'t>(graph: &'t Graph<'_>, mut external: Option<(&str, &mut Vec<ExternalWeight<'t>>)>) -> Message<'t> {
    let mut message = Message::default();
    for made in &graph.nodes {
        message.message(1, node(graph, made));
    }
    message.string(2, &graph.name);
    for (value, tensor) in &graph.weights {
        let mut weight = header(tensor);
        weight.string(8, graph.name_of(*value));
        match &mut external {
            Some((file, weights)) if tensor.bytes() >= SMALLEST_EXTERNAL => {
                let end = weights.last().map_or(0, |weight| weight.offset + weight.values.bytes());
                let offset = end.next_multiple_of(ALIGNMENT);
                weight.message(13, pair("location", file));
                weight.message(13, pair("offset", &offset.to_string()));
                weight.message(13, pair("length", &tensor.bytes().to_string()));
                // `EXTERNAL`.
                weight.integer(14, 1);
                weights.push(ExternalWeight { values: tensor, offset });
            }
            _ => weight.streamed(9, tensor),
        }
        message.message(5, weight);
    }
    for input in &graph.inputs {
        message.message(11, declared(graph, input));
    }
    for output in &graph.outputs {
        message.message(12, declared(graph, output));
    }
    message
}

/// `NodeProto`.
fn node<'t>(graph: &Graph<'_>, node: &'t Node) -> Message<'t> {
    let mut message = Message::default();
    for &input in &node.inputs {
        message.string(1, graph.name_of(input));
    }
    for &output in &node.outputs {
        message.string(2, graph.name_of(output));
    }
    if let Some(&first) = node.outputs.first() {
        message.string(3, graph.name_of(first));
    }
    message.string(4, &node.operator);
    for (name, value) in &node.attributes {
        message.message(5, attribute(name, value));
    }
    message
}

/// `AttributeProto`.
fn attribute<'t>(name: &str, value: &'t Attribute) -> Message<'t> {
    let mut message = Message::default();
    message.string(1, name);
    let kind = match value {
        Attribute::Float(value) => {
            message.float(2, *value);
            1
        }
        Attribute::Integer(value) => {
            message.integer(3, *value);
            2
        }
        Attribute::Text(value) => {
            message.string(4, value);
            3
        }
        Attribute::Tensor(tensor) => {
            let mut inner = header(tensor);
            inner.streamed(9, tensor);
            message.message(5, inner);
            4
        }
        Attribute::Floats(values) => {
            values.iter().for_each(|&value| message.float(7, value));
            6
        }
        Attribute::Integers(values) => {
            values.iter().for_each(|&value| message.integer(8, value));
            7
        }
    };
    message.integer(20, kind);
    message
}

/// The shape and the element type of a `TensorProto`.
fn header<'t>(tensor: &Tensor<'_>) -> Message<'t> {
    let mut message = Message::default();
    tensor.shape().iter().for_each(|&size| message.integer(1, size as i64));
    message.integer(2, tensor.element_type().number());
    message
}

/// `ValueInfoProto`.
fn declared<'t>(graph: &Graph<'_>, declared: &Declared) -> Message<'t> {
    let mut message = Message::default();
    message.string(1, graph.name_of(declared.value));
    message.message(2, tensor_type(declared.element, &declared.shape));
    message
}

/// `TypeProto` of a tensor.
fn tensor_type<'t>(element: ElementType, sizes: &[Dimension]) -> Message<'t> {
    let mut shape = Message::default();
    for size in sizes {
        let mut dimension = Message::default();
        match size {
            Dimension::Fixed(size) => dimension.integer(1, *size as i64),
            Dimension::Named(name) => dimension.string(2, name),
        }
        shape.message(1, dimension);
    }
    let mut tensor = Message::default();
    tensor.integer(1, element.number());
    tensor.message(2, shape);
    let mut message = Message::default();
    message.message(1, tensor);
    message
}

/// `StringStringEntryProto`.
fn pair<'t>(key: &str, value: &str) -> Message<'t> {
    let mut message = Message::default();
    message.string(1, key);
    message.string(2, value);
    message
}
