//! RELATIVE: a number that is the smallest of its type ("none") or near another column's, stored as its distance from that.

use super::node;
use super::word::{Word, unzigzag, zigzag};

/// The codes of `values`; `None` where one has no code or where the values alone are as cheap.
pub(super) fn codes<W: Word>(values: &[W], references: &[W]) -> Option<Vec<W>> {
    let zero = W::default();
    let one = W::from_u64(1);
    // The largest distance has no code: adding one makes it zero.
    let code = |(&value, &reference): (&W, &W)| {
        if value == W::LEAST { zero } else { zigzag(value, reference).plus(one) }
    };
    let codes: Vec<W> = values.iter().zip(references).map(code).collect();
    let without_code = |(&value, &code): (&W, &W)| code == zero && value != W::LEAST;
    if values.iter().zip(&codes).fold(false, |found, pair| found | without_code(pair)) {
        return None;
    }
    (node::leaf_cost(&codes) < 0.95 * node::leaf_cost(values)).then_some(codes)
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
