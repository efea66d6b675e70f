//! Names of the network's inputs.

use super::{FOURIER_TERMS, Flag, Layout, Scalar};
use crate::counts::column_names;

/// Names of a record's 73 numbers in their order: those of the counts ([`column_names`]), then those of the scalars.
pub fn number_names() -> impl Iterator<Item = String> {
    column_names().chain(Scalar::ALL.into_iter().map(|scalar| scalar.name().to_owned()))
}

impl Layout {
    /// Names of the columns of the sparse and the dense part, in their order: `sketch.ROW.COLUMN`, `log.NUMBER` where
    /// there are logarithms, `NUMBER.sinK` and `NUMBER.cosK` (of the number divided by 2^(K − 1), K from 0 to 7), and
    /// the flags.
    pub fn column_names(&self) -> Vec<String> {
        let numbers: Vec<String> = number_names().collect();
        let sketch = (0..self.sketch())
            .map(|column| format!("sketch.{}.{}", column / self.sketch_width, column % self.sketch_width));
        let logarithms = numbers.iter().filter(|_| self.logarithms).map(|name| format!("log.{name}"));
        let scales = FOURIER_TERMS / 2;
        let fourier = numbers.iter().flat_map(|name| {
            (0..FOURIER_TERMS).map(move |term| match term.checked_sub(scales) {
                None => format!("{name}.sin{term}"),
                Some(term) => format!("{name}.cos{term}"),
            })
        });
        let flags = Flag::ALL.into_iter().map(|flag| flag.name().to_owned());
        sketch.chain(logarithms).chain(fourier).chain(flags).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::input::{Batch, Example, FLAGS, Flags, InputBuilder, NUMBERS, SparseRows, TweetSketch, fourier_terms};

    struct NoSketch;

    impl TweetSketch for NoSketch {
        fn sketch(&self, _tokens: &[u32], rows: &mut SparseRows) {
            rows.offsets.push(rows.columns.len() as u32);
        }
    }

    #[test]
    fn every_column_is_what_its_name_says() {
        let names: Vec<String> = number_names().collect();
        assert_eq!(names.len(), NUMBERS);
        assert_eq!(names[Scalar::ReaderFollowers.number()], "reader_followers");
        for logarithms in [false, true] {
            let layout = Layout { sketch_depth: 2, sketch_width: 3, logarithms, languages: 1 };
            let columns = layout.column_names();
            assert_eq!(columns.len(), layout.dense_range().end);
            assert_eq!(columns.iter().collect::<HashSet<_>>().len(), columns.len());
            assert_eq!(&columns[..6], ["0.0", "0.1", "0.2", "1.0", "1.1", "1.2"].map(|at| format!("sketch.{at}")));
            let (mut example, mut batch, mut matrix) = (Example::default(), Batch::default(), Vec::new());
            example.numbers = std::array::from_fn(|number| (number * number) as f64 + 0.25);
            example.flags = Flags::from_bits(0b1010_0110_0101);
            InputBuilder::new(NoSketch, layout).push(&example, &mut batch);
            batch.write_matrix(layout, &mut matrix);
            let value = |name: &str| f64::from(matrix[columns.iter().position(|column| column == name).unwrap()]);
            for (name, number) in names.iter().zip(example.numbers) {
                let terms = fourier_terms(number);
                for (scale, sine) in terms.into_iter().enumerate().take(8) {
                    assert!((value(&format!("{name}.sin{scale}")) - sine).abs() < 1e-6);
                    let exact = (number / 2f64.powi(scale as i32 - 1)).cos();
                    assert!((value(&format!("{name}.cos{scale}")) - exact).abs() < 1e-6);
                }
                if logarithms {
                    assert!((value(&format!("log.{name}")) - number.ln_1p() / 4.0).abs() < 1e-6);
                }
            }
            let flags: [f64; FLAGS] = Flag::ALL.map(|flag| value(flag.name()));
            assert_eq!(flags, example.flags.as_numbers().map(f64::from));
        }
    }
}
