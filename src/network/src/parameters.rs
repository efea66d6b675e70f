//! The position of every parameter in the network's buffer, and its name and shape in PyTorch.

use skimlog_features::input::Layout;

use super::shape::Shape;
use super::tiles::{COLUMNS, Region, Row};

/// Rows kept for the three embeddings' inputs: 60, filled up to whole tiles.
pub(super) const EMBEDDED: usize = (3 * Layout::EMBEDDING).next_multiple_of(COLUMNS);

/// Name of the table that holds a row for each language, then one for the unknown language.
pub(super) const LANGUAGE_TABLE: &str = "language.weight";

/// Scale and shift of a batch normalisation, and its running statistics.
#[derive(Clone, Copy, Debug)]
pub(super) struct NormLayout {
    pub(super) weight: Region,
    pub(super) bias: Region,
    pub(super) running_mean: Region,
    pub(super) running_variance: Region,
}

impl NormLayout {
    /// Scale, shift, running mean and running variance.
    pub(super) fn regions(&self) -> [Region; 4] {
        [self.weight, self.bias, self.running_mean, self.running_variance]
    }
}

/// A linear layer: weights `[inputs, outputs]` (PyTorch's transposed) and bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearLayout {
    pub(super) weight: Region,
    pub(super) bias: Region,
}

/// Regions of all parameters.
#[derive(Clone, Debug)]
pub(super) struct ParameterLayout {
    /// `l1` (first half of the tiles) and `projection` (second half) as one layer; the inputs are the sparse ones, then
    /// `EMBEDDED` rows for the embeddings.
    pub(super) first: LinearLayout,
    /// `l2`, `l3`, `l4`.
    pub(super) hidden: [LinearLayout; 3],
    /// `l_output`.
    pub(super) output: LinearLayout,
    /// `bn1` to `bn4`.
    pub(super) norms: [NormLayout; 4],
    /// `language`, `hour`, `day`.
    pub(super) embeddings: [Region; 3],
    /// Rows of the whole buffer.
    pub(super) rows: usize,
    /// All tensors, in the order of PyTorch's `state_dict`.
    pub(super) tensors: Vec<TensorLayout>,
}

/// How a tensor of PyTorch lies in a region.
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorLayout {
    pub(super) name: &'static str,
    pub(super) kind: TensorKind,
    region: Region,
    first_column: usize,
    /// Size in memory: rows and columns of the region that are in use.
    rows: usize,
    columns: usize,
}

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TensorKind {
    /// Weights of a linear layer, `[outputs, inputs]` in PyTorch, transposed here.
    Weight,
    /// Bias of a linear layer whose rows have this many inputs.
    Bias { inputs: usize },
    /// Scale of a batch normalisation.
    Scale,
    /// Shift of a batch normalisation.
    Shift,
    /// Running mean of a batch normalisation (not trained).
    RunningMean,
    /// Running variance of a batch normalisation (not trained).
    RunningVariance,
    /// An embedding, `[ids, 20]`.
    Embedding,
}

impl TensorKind {
    /// Whether AdamW changes it.
    pub(super) const fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

impl TensorLayout {
    /// Shape in PyTorch.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self.kind {
            TensorKind::Weight => vec![self.columns, self.rows],
            TensorKind::Embedding => vec![self.rows, self.columns],
            _ => vec![self.columns],
        }
    }

    /// Number of values.
    pub(super) const fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Inputs of the linear layer it belongs to.
    pub(super) const fn fan_in(&self) -> usize {
        match self.kind {
            TensorKind::Bias { inputs } => inputs,
            _ => self.rows,
        }
    }

    /// Row of the buffer and column in it of a value, by its index in PyTorch's order.
    fn position(&self, index: usize) -> (usize, usize) {
        let (row, column) = match self.kind {
            TensorKind::Weight => (index % self.rows, index / self.rows),
            _ => (index / self.columns, index % self.columns),
        };
        self.region.at(row, self.first_column + column)
    }

    /// The values in PyTorch's order.
    pub(super) fn read(&self, buffer: &[Row]) -> Vec<f32> {
        let value = |index| {
            let (row, column) = self.position(index);
            buffer[row].0[column]
        };
        (0..self.len()).map(value).collect()
    }

    /// Sets the values, given in PyTorch's order.
    pub(super) fn write(&self, buffer: &mut [Row], values: impl IntoIterator<Item = f32>) {
        for (index, value) in (0..self.len()).zip(values) {
            let (row, column) = self.position(index);
            buffer[row].0[column] = value;
        }
    }
}

/// Allocates regions one after the other and collects the tensors.
#[derive(Default)]
struct Builder {
    rows: usize,
    tensors: Vec<TensorLayout>,
}

impl Builder {
    fn region(&mut self, rows: usize, columns: usize) -> Region {
        let region = Region { start: self.rows, rows, tiles: columns.div_ceil(COLUMNS) };
        self.rows = region.range().end;
        region
    }

    fn linear(&mut self, inputs: usize, outputs: usize) -> LinearLayout {
        LinearLayout { weight: self.region(inputs, outputs), bias: self.region(1, outputs) }
    }

    fn tensor(&mut self, name: &'static str, kind: TensorKind, region: Region, rows: usize, columns: usize) {
        self.tensors.push(TensorLayout { name, kind, region, first_column: 0, rows, columns });
    }

    fn linear_tensors(&mut self, names: [&'static str; 2], layout: LinearLayout, inputs: usize, outputs: usize) {
        self.tensor(names[0], TensorKind::Weight, layout.weight, inputs, outputs);
        self.tensor(names[1], TensorKind::Bias { inputs }, layout.bias, 1, outputs);
    }

    fn norm(&mut self, names: [&'static str; 4], width: usize) -> NormLayout {
        let kinds = [TensorKind::Scale, TensorKind::Shift, TensorKind::RunningMean, TensorKind::RunningVariance];
        let regions = kinds.map(|_| self.region(1, width));
        for ((name, kind), region) in names.into_iter().zip(kinds).zip(regions) {
            self.tensor(name, kind, region, 1, width);
        }
        let [weight, bias, running_mean, running_variance] = regions;
        NormLayout { weight, bias, running_mean, running_variance }
    }
}

impl ParameterLayout {
    /// The layout of a network's parameters.
    pub(super) fn new(shape: Shape) -> Self {
        const OUTPUTS: usize = 4;
        let (inputs, width, padded) = (shape.layout.width(), shape.hidden, shape.padded_hidden());
        let mut builder = Builder::default();
        let first = builder.linear(shape.sparse_inputs() + EMBEDDED, 2 * padded);
        let hidden = std::array::from_fn(|_| builder.linear(padded, padded));
        let output = builder.linear(padded, OUTPUTS);

        builder.linear_tensors(["l1.weight", "l1.bias"], first, inputs, width);
        let names = [["l2.weight", "l2.bias"], ["l3.weight", "l3.bias"], ["l4.weight", "l4.bias"]];
        for (names, layout) in names.into_iter().zip(hidden) {
            builder.linear_tensors(names, layout, width, width);
        }
        builder.linear_tensors(["l_output.weight", "l_output.bias"], output, width, OUTPUTS);
        builder.linear_tensors(["projection.weight", "projection.bias"], first, inputs, width);
        for tensor in builder.tensors.iter_mut().rev().take(2) {
            tensor.first_column = padded;
        }
        let norms = [
            ["bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"],
            ["bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var"],
            ["bn3.weight", "bn3.bias", "bn3.running_mean", "bn3.running_var"],
            ["bn4.weight", "bn4.bias", "bn4.running_mean", "bn4.running_var"],
        ]
        .map(|names| builder.norm(names, width));
        let embeddings = [
            (LANGUAGE_TABLE, shape.layout.languages + 1),
            ("hour.weight", Layout::HOURS),
            ("day.weight", Layout::DAYS),
        ]
        .map(|(name, ids)| {
            let region = builder.region(ids, Layout::EMBEDDING);
            builder.tensor(name, TensorKind::Embedding, region, ids, Layout::EMBEDDING);
            region
        });
        Self { first, hidden, output, norms, embeddings, rows: builder.rows, tensors: builder.tensors }
    }

    /// The layout of a tensor.
    pub(super) fn tensor(&self, name: &str) -> Option<&TensorLayout> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}
