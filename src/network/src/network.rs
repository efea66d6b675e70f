//! A network: its parameters and the running statistics of its batch normalisations.

use std::path::Path;

use skimlog_features::input::Layout;
use skimlog_formats::PerReaction;

use super::error::NetError;
use super::init;
use super::parameters::{LANGUAGE_TABLE, ParameterLayout};
use super::shape::Shape;
use super::tensor_file::{TensorFile, TensorSource, write_tensors};
use super::tiles::{Row, zeroed};

/// A tensor as PyTorch has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its sizes, outermost first.
    pub shape: Vec<usize>,
    /// Its values, the last dimension running fastest.
    pub values: Vec<f32>,
}

/// All parameters of a network and the running statistics of its batch normalisations.
///
/// Tensors have PyTorch's names and shapes: `l1.weight` `[hidden, width]`, `projection.weight`, `l2.weight`
/// `[hidden, hidden]`, `l_output.weight` `[4, hidden]`, `bn1.running_mean`, `language.weight` `[languages + 1, 20]`, …
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) shape: Shape,
    pub(super) layout: ParameterLayout,
    pub(super) values: Vec<Row>,
}

impl Network {
    /// A network at its start, the same for the same seed: weights and biases of linear layers uniform in
    /// ±1/√fan_in, embeddings normal folded into (−2, 2) × 0.01, batch normalisations neutral, and the output bias as
    /// given (for example the log-odds of the base rates).
    ///
    /// # Panics
    ///
    /// If the hidden size is zero.
    pub fn new(shape: Shape, seed: u64, output_bias: PerReaction<f32>) -> Self {
        let mut network = Self::zeroed(shape);
        init::initialise(&network.layout, &mut network.values, seed, output_bias);
        network
    }

    fn zeroed(shape: Shape) -> Self {
        assert!(shape.hidden > 0, "a network needs a hidden size of at least 1");
        let layout = ParameterLayout::new(shape);
        let values = zeroed(layout.rows);
        Self { shape, layout, values }
    }

    /// Its sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Names of all its tensors.
    pub fn tensor_names(&self) -> impl Iterator<Item = &'static str> {
        self.layout.tensors.iter().map(|tensor| tensor.name)
    }

    /// A tensor by its name, `None` if there is no such tensor.
    pub fn tensor(&self, name: &str) -> Option<Tensor> {
        self.layout.tensor(name).map(|layout| Tensor { shape: layout.shape(), values: layout.read(&self.values) })
    }

    /// Sets a tensor's values, given in PyTorch's order.
    ///
    /// # Errors
    ///
    /// [`NetError::NoSuchTensor`] if there is none of that name and size.
    pub fn set_tensor(&mut self, name: &str, values: &[f32]) -> Result<(), NetError> {
        match self.layout.tensor(name) {
            Some(layout) if layout.len() == values.len() => {
                layout.write(&mut self.values, values.iter().copied());
                Ok(())
            }
            _ => Err(NetError::NoSuchTensor { tensor: name.to_owned(), values: values.len() }),
        }
    }

    /// The network with another table of languages, whose rows are those of this one with the numbers `rows`; the last
    /// stands for the unknown language. All other tensors stay.
    ///
    /// # Panics
    ///
    /// If `rows` is empty or names a row that the table does not have.
    #[must_use]
    pub fn with_language_rows(&self, rows: &[usize]) -> Self {
        let languages = rows.len().checked_sub(1).expect("a table of languages has a row for the unknown one");
        let layout = Layout { languages, ..self.shape.layout };
        let mut network = Self::zeroed(Shape { layout, ..self.shape });
        for (from, to) in self.layout.tensors.iter().zip(&network.layout.tensors) {
            let values = from.read(&self.values);
            if from.name == LANGUAGE_TABLE {
                let row = |row: usize| &values[row * Layout::EMBEDDING..][..Layout::EMBEDDING];
                to.write(&mut network.values, rows.iter().flat_map(|&number| row(number)).copied());
            } else {
                to.write(&mut network.values, values);
            }
        }
        network
    }

    /// Writes a safetensors file with PyTorch's names and shapes; under a temporary name first, then renamed.
    ///
    /// # Errors
    ///
    /// [`NetError::Write`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NetError> {
        let tensors = self.layout.tensors.iter();
        let tensors = tensors.map(|layout| TensorSource::rows(layout.name.to_owned(), layout, &self.values));
        write_tensors(path, &tensors.collect::<Vec<_>>())
    }

    /// Reads a file written by [`Network::save`] or a training checkpoint.
    ///
    /// # Errors
    ///
    /// [`NetError`] if the file is not readable, not intact, lacks a tensor or has one of another shape.
    pub fn load(path: &Path, shape: Shape) -> Result<Self, NetError> {
        Self::read(&TensorFile::open(path)?, shape)
    }

    pub(super) fn read(file: &TensorFile, shape: Shape) -> Result<Self, NetError> {
        ParameterLayout::new(shape).tensors.iter().try_for_each(|layout| file.expect(layout.name, layout))?;
        let mut network = Self::zeroed(shape);
        for layout in &network.layout.tensors {
            file.read(layout.name, layout, &mut network.values)?;
        }
        Ok(network)
    }

    /// The first layer's inputs at a record whose numbers are all zero and that has no flag: cosines are one there.
    /// Subtracting them makes most inputs zero; the bias takes up the difference.
    pub(super) fn inputs_at_zero(shape: Shape) -> Vec<f32> {
        let mut inputs = vec![0.0; shape.layout.sparse()];
        inputs.extend_from_slice(&DENSE_AT_ZERO);
        inputs
    }
}

/// The dense part of the input where all numbers are zero and no flag is set.
pub(super) const DENSE_AT_ZERO: [f32; Layout::DENSE] = {
    use skimlog_features::input::{FOURIER_TERMS, NUMBERS};
    let mut values = [0.0; Layout::DENSE];
    let mut term = 0;
    while term < NUMBERS * FOURIER_TERMS {
        if term % FOURIER_TERMS >= FOURIER_TERMS / 2 {
            values[term] = 1.0;
        }
        term += 1;
    }
    values
};
