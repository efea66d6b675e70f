//! A batch of network inputs and its layout.

use std::ops::Range;

use skimlog_formats::PerReaction;

/// Numbers of a record: 65 counts and 8 scalars.
pub const NUMBERS: usize = 73;
/// Fourier terms of a number: sine and cosine at eight scales.
pub const FOURIER_TERMS: usize = 16;
/// Yes/no features of a record.
pub const FLAGS: usize = 12;

/// Widths of the network's input: `[sketch | logarithms | Fourier | flags | language | hour | day]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rows of the tweet sketch; 0 where the input has none.
    pub sketch_depth: usize,
    /// Numbers in a row of the tweet sketch; 0 where the input has none.
    pub sketch_width: usize,
    /// Whether the logarithm of every number stands beside its Fourier terms. The published solution has none.
    pub logarithms: bool,
    /// Known languages; the unknown language is one more.
    pub languages: usize,
}

impl Layout {
    /// Width of each of the three embeddings.
    pub const EMBEDDING: usize = 20;
    /// Hours of a day.
    pub const HOURS: usize = 24;
    /// Days of the longest month.
    pub const DAYS: usize = 31;
    /// Width of the dense part: Fourier terms of all numbers, then the flags.
    pub const DENSE: usize = NUMBERS * FOURIER_TERMS + FLAGS;

    /// Width of the tweet sketch.
    pub const fn sketch(&self) -> usize {
        self.sketch_depth * self.sketch_width
    }

    /// Width of what comes as sparse rows: the tweet sketch, and the logarithms where there are any.
    pub const fn sparse(&self) -> usize {
        self.sketch() + if self.logarithms { NUMBERS } else { 0 }
    }

    /// Width of the whole input.
    pub const fn width(&self) -> usize {
        self.sparse() + Self::DENSE + 3 * Self::EMBEDDING
    }

    /// Where the dense part stands in the whole input.
    pub const fn dense_range(&self) -> Range<usize> {
        self.sparse()..self.sparse() + Self::DENSE
    }
}

/// Sparse rows of a matrix: the values of row `i` stand in `offsets[i]..offsets[i + 1]`, columns ascending, none twice.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    /// `rows + 1` offsets into the two other fields.
    pub offsets: Vec<u32>,
    /// Column of each value.
    pub columns: Vec<u32>,
    /// The values, none of them zero.
    pub values: Vec<f32>,
}

impl Default for SparseRows {
    fn default() -> Self {
        Self { offsets: vec![0], columns: Vec::new(), values: Vec::new() }
    }
}

impl SparseRows {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Columns and values of a row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        (&self.columns[range.clone()], &self.values[range])
    }

    /// Appends a value to the last row, in a column after all others of it.
    ///
    /// # Panics
    /// Without a row.
    pub fn extend_row(&mut self, column: u32, value: f32) {
        assert!(self.offsets.len() > 1, "there is no row to extend");
        self.columns.push(column);
        self.values.push(value);
        *self.offsets.last_mut().expect("there is one more offset than rows") = self.columns.len() as u32;
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.truncate(1);
        self.columns.clear();
        self.values.clear();
    }
}

/// What the network sees of a batch of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Number of records.
    pub rows: usize,
    /// Tweet sketches, and logarithms where the layout has them, `[rows, Layout::sparse]`.
    pub sparse: SparseRows,
    /// Fourier terms and flags, `[rows, Layout::DENSE]`, row after row.
    pub dense: Vec<f32>,
    /// Language of each record, `Layout::languages` for an unknown one.
    pub language: Vec<u32>,
    /// UTC hour of each tweet, 0–23.
    pub hour: Vec<u8>,
    /// UTC day of the month of each tweet, minus one, 0–30.
    pub day: Vec<u8>,
    /// Whether each record has each reaction (1.0) or not (0.0); empty for records without labels.
    pub labels: Vec<PerReaction<f32>>,
}

impl Batch {
    /// Appends the sparse and the dense part of every record as dense rows, `[rows, Layout::dense_range().end]`: the
    /// input `numbers` of `model.onnx`.
    pub fn write_matrix(&self, layout: Layout, matrix: &mut Vec<f32>) {
        for (row, dense) in self.dense.chunks_exact(Layout::DENSE).enumerate() {
            let begin = matrix.len();
            matrix.resize(begin + layout.sparse(), 0.0);
            let (columns, values) = self.sparse.row(row);
            columns.iter().zip(values).for_each(|(&column, &value)| matrix[begin + column as usize] = value);
            matrix.extend_from_slice(dense);
        }
    }

    /// Removes all records and keeps the memory.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.sparse.clear();
        self.dense.clear();
        self.language.clear();
        self.hour.clear();
        self.day.clear();
        self.labels.clear();
    }
}
