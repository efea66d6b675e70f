//! A graph under construction.

use std::collections::HashSet;

use super::{ElementType, Tensor};

/// A value of a graph: an input, a weight, or what a node computes. It belongs to the graph that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(usize);

impl Value {
    /// Stands for an optional input of a node that is not given.
    pub const NONE: Self = Self(0);
}

/// The size of an axis: known, or named because it differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Always this.
    Fixed(usize),
    /// Whatever a run brings; the same for all axes of this name.
    Named(String),
}

impl From<usize> for Dimension {
    fn from(size: usize) -> Self {
        Self::Fixed(size)
    }
}

impl From<&str> for Dimension {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// A setting of a node.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// An integer.
    Integer(i64),
    /// A list of integers.
    Integers(Vec<i64>),
    /// A number.
    Float(f32),
    /// A list of numbers.
    Floats(Vec<f32>),
    /// A text.
    Text(String),
    /// A tensor.
    Tensor(Tensor<'static>),
}

impl From<i64> for Attribute {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&[i64]> for Attribute {
    fn from(values: &[i64]) -> Self {
        Self::Integers(values.to_vec())
    }
}

impl<const N: usize> From<[i64; N]> for Attribute {
    fn from(values: [i64; N]) -> Self {
        Self::Integers(values.to_vec())
    }
}

impl From<f32> for Attribute {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<&[f32]> for Attribute {
    fn from(values: &[f32]) -> Self {
        Self::Floats(values.to_vec())
    }
}

impl From<&str> for Attribute {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Tensor<'static>> for Attribute {
    fn from(value: Tensor<'static>) -> Self {
        Self::Tensor(value)
    }
}

/// An input or an output, as declared.
pub(super) struct Declared {
    pub(super) value: Value,
    pub(super) element: ElementType,
    pub(super) shape: Vec<Dimension>,
}

pub(super) struct Node {
    pub(super) operator: String,
    pub(super) inputs: Vec<Value>,
    pub(super) outputs: Vec<Value>,
    pub(super) attributes: Vec<(String, Attribute)>,
}

/// A computation: inputs, weights and nodes, in the order in which they are added, which is that of the file.
///
/// Weights are borrowed for as long as the graph lives.
pub struct Graph<'w> {
    pub(super) name: String,
    /// By value; the first is [`Value::NONE`]'s.
    names: Vec<String>,
    taken: HashSet<String>,
    pub(super) inputs: Vec<Declared>,
    pub(super) outputs: Vec<Declared>,
    pub(super) weights: Vec<(Value, Tensor<'w>)>,
    pub(super) nodes: Vec<Node>,
}

impl<'w> Graph<'w> {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            names: vec![String::new()],
            taken: HashSet::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            weights: Vec::new(),
            nodes: Vec::new(),
        }
    }

    /// Declares an input.
    ///
    /// # Panics
    /// If another value has this name.
    pub fn input(&mut self, name: &str, element: ElementType, shape: &[Dimension]) -> Value {
        let value = self.value(name.to_owned());
        self.inputs.push(Declared { value, element, shape: shape.to_vec() });
        value
    }

    /// Adds a weight.
    ///
    /// # Panics
    /// If another value has this name.
    pub fn weight(&mut self, name: &str, tensor: impl Into<Tensor<'w>>) -> Value {
        let value = self.value(name.to_owned());
        self.weights.push((value, tensor.into()));
        value
    }

    /// Adds a tensor for which a name of its own would say nothing.
    pub fn constant(&mut self, tensor: impl Into<Tensor<'w>>) -> Value {
        self.weight(&format!("constant_{}", self.weights.len()), tensor)
    }

    /// A constant list of integers, as shapes, axes and bounds are.
    pub fn integers(&mut self, values: &[i64]) -> Value {
        self.constant(ndarray::Array1::from_vec(values.to_vec()))
    }

    /// Adds a node with one output and no attributes.
    pub fn node(&mut self, operator: &str, inputs: &[Value]) -> Value {
        self.node_with(operator, inputs, &[])
    }

    /// Adds a node with one output.
    pub fn node_with(&mut self, operator: &str, inputs: &[Value], attributes: &[(&str, Attribute)]) -> Value {
        let [output] = self.node_of(operator, inputs, attributes);
        output
    }

    /// Adds a node with `N` outputs.
    pub fn node_of<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[Value],
        attributes: &[(&str, Attribute)],
    ) -> [Value; N] {
        let number = self.nodes.len();
        let outputs: [Value; N] = std::array::from_fn(|output| {
            let suffix = if N == 1 { String::new() } else { format!("_{output}") };
            self.value(format!("{}_{number}{suffix}", operator.to_lowercase()))
        });
        self.nodes.push(Node {
            operator: operator.to_owned(),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        });
        outputs
    }

    /// Declares a value that a node computes as an output, and gives it this name.
    ///
    /// # Panics
    /// If another value has this name.
    pub fn output(&mut self, name: &str, value: Value, element: ElementType, shape: &[Dimension]) {
        assert!(self.taken.insert(name.to_owned()), "two values of graph {} have the name {name}", self.name);
        self.names[value.0] = name.to_owned();
        self.outputs.push(Declared { value, element, shape: shape.to_vec() });
    }

    /// The name of a value.
    pub fn name_of(&self, value: Value) -> &str {
        &self.names[value.0]
    }

    fn value(&mut self, name: String) -> Value {
        assert!(self.taken.insert(name.clone()), "two values of graph {} have the name {name}", self.name);
        self.names.push(name);
        Value(self.names.len() - 1)
    }
}
