//! The layout of a packed network.

use skimlog_features::input::Layout;

use super::Precision;
use super::small::SmallNumbers;
use crate::kernels::{Bytes, FloatPairs, Floats, Gathered, HalfPairs, Halves, Words};
use crate::shape::Shape;
use crate::tiles::Region;

/// Hidden layers that are multiplied in bytes with [`Precision::Int8`]; the last one, whose rounding goes straight into
/// the logits, stays in bfloat16.
pub(super) const BYTE_LAYERS: usize = 2;

/// Regions of a hidden layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct HiddenLayout {
    /// A tile after the other, a row a word of the input.
    pub(super) weights: Region,
    /// A row a tile.
    pub(super) bias: Region,
    /// With bytes, the value of a sum's unit; a row a tile.
    pub(super) unit: Region,
    /// With bytes, how the layer's input becomes bytes: factor and zero; a row a tile of the input.
    pub(super) input: [Region; 2],
}

/// Regions of everything, in rows of 128 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackedLayout {
    pub(super) shape: Shape,
    pub(super) precision: Precision,
    /// A stripe of 64 outputs after the other. In each, what languages, hours and days give, two rows an id (every
    /// record has a language, so that the bias is part of its rows), then the weights of the sparse inputs and of small
    /// numbers.
    pub(super) first: Region,
    /// Rows of a stripe's languages, hours and days.
    pub(super) table_rows: usize,
    pub(super) hidden: [HiddenLayout; 3],
    /// In floats.
    pub(super) output: [Region; 2],
    /// Scale and shift of the skip connection from `h1`.
    pub(super) skip: [Region; 2],
    /// Rows of everything.
    pub(super) rows: usize,
}

impl PackedLayout {
    pub(super) fn new(shape: Shape, precision: Precision) -> Self {
        let mut end = 0;
        let mut region = |rows: usize, tiles: usize| {
            let region = Region { start: end, rows, tiles };
            end = region.range().end;
            region
        };
        let tiles = shape.tiles();
        let input_rows = match precision {
            Precision::F32 => FloatPairs::ROWS,
            Precision::Bf16 | Precision::Int8 => HalfPairs::ROWS,
        };
        let table_rows = 2 * (shape.layout.languages + 1 + Layout::HOURS + Layout::DAYS);
        let first = region(table_rows + (shape.sparse_inputs() + SmallNumbers::INPUTS) * input_rows, tiles);
        let hidden = std::array::from_fn(|number| {
            let (numbers, bytes) = match precision {
                Precision::F32 => (Floats::NUMBERS, 0),
                Precision::Int8 if number < BYTE_LAYERS => (Bytes::NUMBERS, tiles),
                Precision::Bf16 | Precision::Int8 => (Halves::NUMBERS, 0),
            };
            HiddenLayout {
                weights: region(shape.padded_hidden() / numbers, tiles),
                bias: region(1, tiles),
                unit: region(1, bytes),
                input: [(); 2].map(|()| region(1, bytes)),
            }
        });
        let output = [region(shape.padded_hidden(), 1), region(1, 1)];
        let skip = [(); 2].map(|()| region(1, tiles));
        Self { shape, precision, first, table_rows, hidden, output, skip, rows: end }
    }
}
