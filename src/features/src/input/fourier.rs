//! Fourier encoding of numbers: sine and cosine at eight scales.

use super::FOURIER_TERMS;

/// Scales of the encoding: 2⁻¹, 2⁰, … 2⁶.
const SCALES: usize = FOURIER_TERMS / 2;
/// The largest scale, 2⁶.
const LARGEST_SCALE: f64 = 64.0;
/// Whole numbers below this one are looked up: nearly all counts are.
const TABLE: usize = 1_024;

/// `sin(x/2^i)` for i = −1, 0, … 6, then `cos(x/2^i)` for the same i.
///
/// Sine and cosine are taken once, at the largest scale, and doubled from there to the smaller ones; each doubling at
/// most doubles the rounding error, so that all terms are within 10⁻¹³ of the exact ones for |x| up to 10¹².
pub fn fourier_terms(x: f64) -> [f64; FOURIER_TERMS] {
    let mut terms = [0.0; FOURIER_TERMS];
    let (mut sine, mut cosine) = (x / LARGEST_SCALE).sin_cos();
    for scale in (0..SCALES).rev() {
        terms[scale] = sine;
        terms[SCALES + scale] = cosine;
        (sine, cosine) = (2.0 * sine * cosine, (cosine - sine) * (cosine + sine));
    }
    terms
}

/// [`fourier_terms`] in single precision, with those of small whole numbers kept in a table (64 kB).
#[derive(Clone, Debug)]
pub struct Fourier {
    table: Box<[[f32; FOURIER_TERMS]]>,
}

impl Default for Fourier {
    fn default() -> Self {
        Self { table: (0..TABLE).map(|x| fourier_terms(x as f64).map(|term| term as f32)).collect() }
    }
}

impl Fourier {
    /// Appends the terms of every number to `terms`, number after number.
    pub fn encode(&self, numbers: &[f64], terms: &mut Vec<f32>) {
        for &number in numbers {
            // The cast saturates: a negative number becomes 0, which then differs from it.
            let index = number as usize;
            match self.table.get(index) {
                Some(known) if index as f64 == number => terms.extend_from_slice(known),
                _ => terms.extend_from_slice(&fourier_terms(number).map(|term| term as f32)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_definition(x: f64) -> [f64; FOURIER_TERMS] {
        std::array::from_fn(|term| {
            let scaled = x / 2f64.powi((term % SCALES) as i32 - 1);
            if term < SCALES { scaled.sin() } else { scaled.cos() }
        })
    }

    #[test]
    fn agrees_with_the_golden_values() {
        let table = include_str!("../../../../fixtures/golden/features/fourier.tsv");
        for line in table.lines().skip(1) {
            let fields: Vec<f64> = line.split('\t').map(|field| field.parse().unwrap()).collect();
            for (ours, golden) in fourier_terms(fields[0]).iter().zip(&fields[1..]) {
                assert!((ours - golden).abs() < 1e-12, "{ours} instead of {golden} for {}", fields[0]);
            }
        }
    }

    proptest! {
        #[test]
        fn doubling_stays_near_the_definition(x in prop_oneof![-4e3..4e3, -1e8..1e8, -1e12..1e12]) {
            for (ours, exact) in fourier_terms(x).into_iter().zip(by_definition(x)) {
                prop_assert!((ours - exact).abs() < 1e-13, "{ours} instead of {exact} for {x}");
            }
        }

        #[test]
        fn the_table_changes_nothing(x in prop_oneof![-2.0..2e3, (-5i64..2_000).prop_map(|x| x as f64)]) {
            let mut terms = Vec::new();
            Fourier::default().encode(&[x], &mut terms);
            prop_assert_eq!(terms, fourier_terms(x).map(|term| term as f32));
        }
    }
}
