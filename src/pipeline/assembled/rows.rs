//! What is written of some records, row after row.

use skimlog_features::input::{Batch, Example, FLAGS, Languages, NUMBERS, SparseRows};
use skimlog_formats::{Id, Reaction};

use super::content::{Content, sketch_width};
use super::source::Chunk;

/// Number of reactions.
pub(super) const LABELS: usize = Reaction::NETWORK_ORDER.len();

/// Some records, each kind of value row after row.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) tweets: Vec<Id>,
    pub(super) readers: Vec<Id>,
    /// `[rows, LABELS]` in the order of [`Reaction::NETWORK_ORDER`]; empty without labels.
    pub(super) labels: Vec<bool>,
    /// `[rows, NUMBERS]`; empty in the network's input.
    pub(super) numbers: Vec<f64>,
    /// `[rows, FLAGS]`; empty in the network's input.
    pub(super) flags: Vec<bool>,
    pub(super) language: Vec<i64>,
    pub(super) hour: Vec<i64>,
    pub(super) day: Vec<i64>,
    /// The sketch or the network's input, `[rows, width]`; empty where neither is asked for.
    pub(super) matrix: Vec<f32>,
}

impl Rows {
    /// The rows of a chunk.
    pub(super) fn of(chunk: &Chunk, content: &Content, languages: &Languages) -> Self {
        let (mut rows, mut example, mut batch) = (Self::default(), Example::default(), Batch::default());
        let block = &chunk.block;
        for &row in &block.rows[chunk.range.clone()] {
            example.set(&block.records, row, &block.counts[row], languages);
            rows.tweets.push(block.records.tweet[row]);
            rows.readers.push(block.records.reader.id[row]);
            if let Some(labels) = example.labels {
                rows.labels.extend(Reaction::NETWORK_ORDER.map(|reaction| labels.contains(reaction)));
            }
            rows.language.push(example.language.into());
            rows.hour.push(example.hour.into());
            rows.day.push(example.day.into());
            match content {
                Content::NetworkInput { inputs, .. } => inputs.push(&example, &mut batch),
                Content::Features { sketch } => {
                    rows.numbers.extend_from_slice(&example.numbers);
                    rows.flags.extend(example.flags.as_numbers().map(|flag| flag == 1.0));
                    if let Some(codes) = sketch {
                        codes.sketch(&example.tokens, &mut batch.sparse);
                    }
                }
            }
        }
        match content {
            Content::NetworkInput { layout, .. } => batch.write_matrix(*layout, &mut rows.matrix),
            Content::Features { sketch: Some(codes) } => dense(&batch.sparse, sketch_width(codes), &mut rows.matrix),
            Content::Features { sketch: None } => {}
        }
        rows
    }

    /// A column of [`Rows::numbers`].
    pub(super) fn number(&self, column: usize) -> impl Iterator<Item = f64> {
        self.numbers.iter().skip(column).step_by(NUMBERS).copied()
    }

    /// A column of [`Rows::flags`].
    pub(super) fn flag(&self, column: usize) -> impl Iterator<Item = bool> {
        self.flags.iter().skip(column).step_by(FLAGS).copied()
    }

    /// A column of [`Rows::labels`].
    pub(super) fn label(&self, column: usize) -> impl Iterator<Item = bool> {
        self.labels.iter().skip(column).step_by(LABELS).copied()
    }
}

fn dense(sparse: &SparseRows, width: usize, matrix: &mut Vec<f32>) {
    for row in 0..sparse.rows() {
        let begin = matrix.len();
        matrix.resize(begin + width, 0.0);
        let (columns, values) = sparse.row(row);
        columns.iter().zip(values).for_each(|(&column, &value)| matrix[begin + column as usize] = value);
    }
}
