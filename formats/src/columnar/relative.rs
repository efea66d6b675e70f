//! RELATIVE: a number that is the smallest of its type ("none") or near another column's, stored as its distance from
//! that.

use super::leaf;
use super::word::{Word, unzigzag, zigzag};

/// What part of the bits of the values alone their codes must stay below: to read them, the other column is read first.
/// Measured (see `COLUMNAR.md`): parts are the same from 0.8 to 1.
const MARGIN: f64 = 0.95;

/// The codes of `values`; `None` where one has no code or where the values alone are as cheap.
pub(super) fn codes<W: Word>(values: &[W], references: &[W]) -> Option<Vec<W>> {
    let mut codes = vec![W::default(); values.len()];
    let complete = fill(values, references, &mut codes);
    (complete && leaf::bits(&codes) < MARGIN * leaf::bits(values)).then_some(codes)
}

/// Writes the codes; whether every value has one: the largest distance has none, for adding one makes it zero.
fn fill<W: Word>(values: &[W], references: &[W], codes: &mut [W]) -> bool {
    #[inline(always)]
    fn fill<W: Word>(values: &[W], references: &[W], codes: &mut [W]) -> bool {
        let (zero, one) = (W::default(), W::from_u64(1));
        let mut complete = true;
        for ((&value, &reference), code) in values.iter().zip(references).zip(codes) {
            let near = zigzag(value, reference).plus(one);
            *code = if value == W::LEAST { zero } else { near };
            complete &= near != zero || value == W::LEAST;
        }
        complete
    }
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn fill_wide<W: Word>(values: &[W], references: &[W], codes: &mut [W]) -> bool {
            fill(values, references, codes)
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been asked for what the function needs.
            return unsafe { fill_wide(values, references, codes) };
        }
    }
    fill(values, references, codes)
}

/// Turns codes into the values they stand for.
pub(super) fn apply<W: Word>(codes: &mut [W], references: &[W]) {
    for (code, &reference) in codes.iter_mut().zip(references) {
        let distance = code.minus(W::from_u64(1));
        *code = if *code == W::default() { W::LEAST } else { unzigzag(distance, reference) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_values_come_back_and_far_ones_are_refused() {
        let references: Vec<u32> = (0..1000).map(|i| 1_600_000_000 + i * 7919).collect();
        let near = |i: u32, reference: u32| if i.is_multiple_of(3) { 0 } else { reference + i };
        let values: Vec<u32> = (0..).zip(&references).map(|(i, &reference)| near(i, reference)).collect();
        let mut codes = codes(&values, &references).unwrap();
        assert!(codes.iter().all(|&code| code < 3000));
        apply(&mut codes, &references);
        assert_eq!(codes, values);
        // The distance 2^31 has no code.
        assert!(super::codes(&[1u32 << 31], &[0]).is_none());
    }
}
