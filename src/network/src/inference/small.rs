//! Small whole numbers as inputs of their own.
//!
//! Most counts that are not zero are small. The contribution of such a number's Fourier terms to the first layer is one
//! row of weights, computed when the network is packed, instead of sixteen rows times sixteen terms.

use skimlog_features::input::{FOURIER_TERMS, NUMBERS, fourier_terms};

/// The Fourier terms of the numbers 1, 2, … [`SmallNumbers::LARGEST`].
pub(super) struct SmallNumbers {
    terms: [[f32; FOURIER_TERMS]; Self::LARGEST],
}

impl Default for SmallNumbers {
    fn default() -> Self {
        Self { terms: std::array::from_fn(|number| fourier_terms((number + 1) as f64).map(|term| term as f32)) }
    }
}

impl SmallNumbers {
    /// The largest of them; of synthetic records' counts that are not zero, two thirds are at most this.
    pub(super) const LARGEST: usize = 8;
    /// Inputs that say that one of the record's numbers is one of these.
    pub(super) const INPUTS: usize = NUMBERS * Self::LARGEST;
    /// Index of the sine at the largest scale, 2⁶, among the terms: 64 times it is near the number.
    const SLOWEST: usize = FOURIER_TERMS / 2 - 1;

    /// The input for a number of the record with exactly these terms, `None` if it is no small number.
    #[inline]
    pub(super) fn input(&self, number: usize, terms: &[f32]) -> Option<usize> {
        let near = (terms.get(Self::SLOWEST)? * 64.0 + 0.5) as usize;
        let known = self.terms.get(near.wrapping_sub(1))?;
        (number < NUMBERS && terms == known).then_some(number * Self::LARGEST + near - 1)
    }

    /// The terms of each of these numbers.
    pub(super) fn terms(&self) -> &[[f32; FOURIER_TERMS]] {
        &self.terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_known_by_their_terms() {
        let small = SmallNumbers::default();
        for number in [0, 3, NUMBERS - 1] {
            for x in (0..200).map(|x| f64::from(x) / 4.0).chain([-1.0, 403.0, 1e9]) {
                let terms = fourier_terms(x).map(|term| term as f32);
                let known = x.fract() == 0.0 && (1.0..=SmallNumbers::LARGEST as f64).contains(&x);
                let expected = known.then(|| number * SmallNumbers::LARGEST + x as usize - 1);
                assert_eq!(small.input(number, &terms), expected, "{x}");
            }
        }
        // The flags follow the numbers, and are fewer than a number's terms.
        assert_eq!(small.input(NUMBERS, &[1.0; 12]), None);
    }
}
