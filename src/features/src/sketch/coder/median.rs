//! Exact medians.

/// The median of finite numbers: the middle one, or the mean of the two middle ones of an even count. Reorders
/// `values`, which must not be empty.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (lower + upper) / 2.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_middle_of_the_sorted(mut values in prop::collection::vec(-3i8..3, 1..40)) {
            let mut numbers: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            values.sort_unstable();
            let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
            prop_assert_eq!(median(&mut numbers), (f64::from(low) + f64::from(high)) / 2.0);
        }
    }
}
