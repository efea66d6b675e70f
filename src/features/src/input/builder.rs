//! Examples into a batch of network inputs.

use skimlog_formats::{PerReaction, ReactionSet};

use super::{Batch, Example, Fourier, Layout, SparseRows};

/// Makes the sketch of a tweet.
pub trait TweetSketch {
    /// Appends the sketch of a tweet with these token ids, `[CLS]` and `[SEP]` included, as one row.
    fn sketch(&self, tokens: &[u32], rows: &mut SparseRows);
}

/// Without anything that makes sketches, the layout has none, and every tweet's is an empty row.
impl<S: TweetSketch> TweetSketch for Option<S> {
    fn sketch(&self, tokens: &[u32], rows: &mut SparseRows) {
        match self {
            Some(sketches) => sketches.sketch(tokens, rows),
            None => rows.offsets.push(rows.columns.len() as u32),
        }
    }
}

/// Turns examples into the rows of a [`Batch`].
#[derive(Clone, Debug)]
pub struct InputBuilder<S> {
    sketches: S,
    layout: Layout,
    fourier: Fourier,
}

/// `ln(1 + |x|) / 4` with the sign of x: from 0 to about 4 for the counts of a billion records, and as smooth in large
/// counts, of which the Fourier terms only tell the remainder of a division by 128 π, as in small ones.
fn logarithm(x: f64) -> f32 {
    (x.abs().ln_1p() / 4.0).copysign(x) as f32
}

impl<S: TweetSketch> InputBuilder<S> {
    /// A builder of inputs of this layout, with tweet sketches by `sketches`.
    pub fn new(sketches: S, layout: Layout) -> Self {
        Self { sketches, layout, fourier: Fourier::default() }
    }

    /// Appends an example to the batch. Either all examples of a batch have labels or none has.
    pub fn push(&self, example: &Example, batch: &mut Batch) {
        self.sketches.sketch(&example.tokens, &mut batch.sparse);
        if self.layout.logarithms {
            for (column, &number) in (self.layout.sketch() as u32..).zip(&example.numbers) {
                if number != 0.0 {
                    batch.sparse.extend_row(column, logarithm(number));
                }
            }
        }
        self.fourier.encode(&example.numbers, &mut batch.dense);
        batch.dense.extend_from_slice(&example.flags.as_numbers());
        batch.language.push(example.language);
        batch.hour.push(example.hour);
        batch.day.push(example.day);
        if let Some(labels) = example.labels {
            batch.labels.push(targets(labels));
        }
        batch.rows += 1;
    }
}

/// 1 for every reaction of the set and 0 for every other.
fn targets(reactions: ReactionSet) -> PerReaction<f32> {
    PerReaction::from_fn(|reaction| f32::from(u8::from(reactions.contains(reaction))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One column a token, without any table.
    struct TokenColumns;

    impl TweetSketch for TokenColumns {
        fn sketch(&self, tokens: &[u32], rows: &mut SparseRows) {
            rows.columns.extend_from_slice(tokens);
            rows.values.extend(tokens.iter().map(|_| 1.0));
            rows.offsets.push(rows.columns.len() as u32);
        }
    }

    #[test]
    fn logarithms_stand_behind_the_sketch_where_the_layout_has_them() {
        let mut example = Example { tokens: vec![1, 5], ..Example::default() };
        (example.numbers[0], example.numbers[9], example.numbers[72]) = (3.0, 1e6, -3.0);
        for logarithms in [false, true] {
            let layout = Layout { sketch_depth: 2, sketch_width: 4, logarithms, languages: 1 };
            let (builder, mut batch) = (InputBuilder::new(TokenColumns, layout), Batch::default());
            builder.push(&example, &mut batch);
            builder.push(&Example::default(), &mut batch);
            let quarter = (4f64.ln() / 4.0) as f32;
            let million = (1_000_001f64.ln() / 4.0) as f32;
            let (columns, values) = batch.sparse.row(0);
            if logarithms {
                assert_eq!((columns, values), (&[1, 5, 8, 17, 80][..], &[1.0, 1.0, quarter, million, -quarter][..]));
                assert_eq!(layout.dense_range().start, 81);
            } else {
                assert_eq!((columns, values), (&[1, 5][..], &[1.0, 1.0][..]));
                assert_eq!(layout.dense_range().start, 8);
            }
            assert_eq!(batch.sparse.row(1), (&[][..], &[][..]));
        }
    }

    #[test]
    fn without_a_sketch_the_logarithms_come_first() {
        let mut example = Example { tokens: vec![101, 7, 102], ..Example::default() };
        example.numbers[3] = -3.0;
        let quarter = (4f64.ln() / 4.0) as f32;
        for (logarithms, expected, dense) in [(false, (&[][..], &[][..]), 0), (true, (&[3][..], &[-quarter][..]), 73)] {
            let layout = Layout { sketch_depth: 0, sketch_width: 0, logarithms, languages: 1 };
            let (builder, mut batch) = (InputBuilder::new(None::<TokenColumns>, layout), Batch::default());
            builder.push(&Example::default(), &mut batch);
            builder.push(&example, &mut batch);
            assert_eq!(batch.sparse.rows(), 2);
            assert_eq!(batch.sparse.row(1), expected);
            assert_eq!((layout.dense_range().start, layout.width()), (dense, dense + 1180 + 60));
        }
    }
}
