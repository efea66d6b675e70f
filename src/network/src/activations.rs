//! The activations of a batch in every layer; the memory is reused from step to step.

use super::parameters::EMBEDDED;
use super::shape::Shape;
use super::tiles::{COLUMNS, Row, zeroed};

/// Values of a batch on its way forward. All matrices have `padded` rows (records) and tiles of outputs.
#[derive(Default)]
pub(super) struct Activations {
    /// Inputs from the embeddings.
    pub(super) embedded: Vec<Row>,
    /// `l1(x)` in the first half of the tiles, `p` in the second.
    pub(super) first: Vec<Row>,
    /// `l2(h1) + p`, `l3(h2) + p`, `l4(h3) + h1`.
    pub(super) z: [Vec<Row>; 3],
    /// `h1` to `h3`, and what `bn4` gives.
    pub(super) h: [Vec<Row>; 4],
    /// Means of the batch in the four normalisations.
    pub(super) mean: [Vec<Row>; 4],
    /// 1 / √(variance + ε) of the batch in the four normalisations.
    pub(super) inverse_deviation: [Vec<Row>; 4],
    /// The logits, in the first four columns.
    pub(super) logits: Vec<Row>,
}

impl Activations {
    /// Makes room for `padded` records.
    pub(super) fn resize(&mut self, shape: Shape, padded: usize) {
        let tiles = shape.tiles();
        resize(&mut self.embedded, EMBEDDED / COLUMNS * padded);
        resize(&mut self.first, 2 * tiles * padded);
        self.z.iter_mut().chain(&mut self.h).for_each(|rows| resize(rows, tiles * padded));
        self.mean.iter_mut().chain(&mut self.inverse_deviation).for_each(|rows| resize(rows, tiles));
        resize(&mut self.logits, padded);
    }
}

/// Gradients of the loss on the way back, of the same sizes. `_blocks` is the same in transposed 32 × 32 blocks.
#[derive(Default)]
pub(super) struct Gradients {
    pub(super) logits: Vec<Row>,
    pub(super) logits_blocks: Vec<Row>,
    /// Of `l2(h1) + p`, `l3(h2) + p`, `l4(h3) + h1`.
    pub(super) z: [Vec<Row>; 3],
    pub(super) z_blocks: [Vec<Row>; 3],
    /// Of `l1(x)` and `p`.
    pub(super) first: Vec<Row>,
    pub(super) first_blocks: Vec<Row>,
    /// Of the inputs from the embeddings, in transposed blocks: `[block of records][input]`, records in the columns.
    pub(super) embedded: Vec<Row>,
    /// A row for each block of records: what sums start from.
    pub(super) zeros: Vec<Row>,
    /// Of the tables of languages, hours and days.
    pub(super) tables: [Vec<Row>; 3],
}

impl Gradients {
    /// Makes room for `padded` records and tables of these sizes.
    pub(super) fn resize(&mut self, shape: Shape, padded: usize, tables: [usize; 3]) {
        let tiles = shape.tiles();
        resize(&mut self.logits, padded);
        resize(&mut self.logits_blocks, padded);
        self.z.iter_mut().chain(&mut self.z_blocks).for_each(|rows| resize(rows, tiles * padded));
        resize(&mut self.first, 2 * tiles * padded);
        resize(&mut self.first_blocks, 2 * tiles * padded);
        resize(&mut self.embedded, EMBEDDED * (padded / COLUMNS));
        resize(&mut self.zeros, padded / COLUMNS);
        self.tables.iter_mut().zip(tables).for_each(|(rows, size)| resize(rows, size));
    }
}

fn resize(rows: &mut Vec<Row>, size: usize) {
    if rows.capacity() < size {
        *rows = zeroed(size);
    } else {
        rows.resize(size, Row::ZERO);
    }
}
