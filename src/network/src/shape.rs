//! The sizes of a network.

use skimlog_features::input::Layout;

use super::tiles::COLUMNS;

/// The sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Widths of the input.
    pub layout: Layout,
    /// Width of the four hidden layers.
    pub hidden: usize,
}

impl Shape {
    /// Tiles of a hidden layer.
    pub(super) const fn tiles(&self) -> usize {
        self.hidden.div_ceil(COLUMNS)
    }

    /// Width of a hidden layer in memory, a whole number of tiles; the columns beyond `hidden` stay zero.
    pub(super) const fn padded_hidden(&self) -> usize {
        self.tiles() * COLUMNS
    }

    /// Inputs that come as sparse values: the sketch and the logarithms, then Fourier terms and flags.
    pub(super) const fn sparse_inputs(&self) -> usize {
        self.layout.sparse() + Layout::DENSE
    }
}
