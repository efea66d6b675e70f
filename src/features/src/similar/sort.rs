//! Sorting many items whose order is mostly given by one number.

use bytemuck::Pod;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Items that are spread over buckets by a leading number before they are compared.
pub(super) trait Leading {
    /// A number that never descends where the items ascend.
    fn leading(&self) -> u64;
}

impl Leading for u64 {
    fn leading(&self) -> u64 {
        *self
    }
}

/// Fewer are simply sorted.
const FEW: usize = 1 << 12;
/// Items of a bucket, about.
const BUCKET: usize = 256;
/// Buckets, at most: more of them would not fit a core's cache while items are spread over them.
const MOST_BUCKETS: usize = 1 << 12;

/// Sorts items on all threads of the current rayon pool; holds them twice meanwhile.
pub(super) fn sort<T: Pod + Ord + Leading + Send>(items: &mut Vec<T>) {
    if items.len() < FEW {
        return items.sort_unstable();
    }
    let ends = |(low, high): (u64, u64), item: &T| (low.min(item.leading()), high.max(item.leading()));
    let (low, high) = items.iter().fold((u64::MAX, 0), ends);
    let buckets = (items.len() / BUCKET).next_power_of_two().min(MOST_BUCKETS);
    let shift = (u64::BITS - (high - low).leading_zeros()).saturating_sub(buckets.ilog2());
    let bucket = |item: &T| ((item.leading() - low) >> shift) as usize;

    let mut starts = vec![0; buckets + 1];
    items.iter().for_each(|item| starts[bucket(item) + 1] += 1);
    (0..buckets).for_each(|at| starts[at + 1] += starts[at]);
    let mut spread: Vec<T> = bytemuck::zeroed_vec(items.len());
    let mut next = starts.clone();
    for item in items.iter() {
        let position = &mut next[bucket(item)];
        spread[*position] = *item;
        *position += 1;
    }

    let (mut parts, mut rest) = (Vec::with_capacity(buckets), spread.as_mut_slice());
    for ends in starts.windows(2) {
        let (part, later) = rest.split_at_mut(ends[1] - ends[0]);
        parts.push(part);
        rest = later;
    }
    parts.into_par_iter().with_min_len(8).for_each(<[T]>::sort_unstable);
    *items = spread;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_numbers_are_sorted() {
        let mut random = 1u64;
        let mut draw = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random
        };
        let wild: Vec<u64> = (0..50_000).map(|_| draw()).collect();
        let changes: [fn(u64) -> u64; 6] = [
            |number| number,
            |number| number >> 60,
            |number| u64::MAX - (number >> 40),
            |_| 7,
            |number| if number % 100 == 0 { number } else { number >> 50 },
            |number| number | 1 << 63,
        ];
        for change in changes {
            for length in [0, 1, FEW - 1, FEW, wild.len()] {
                let mut numbers: Vec<u64> = wild[..length].iter().map(|&number| change(number)).collect();
                let mut expected = numbers.clone();
                expected.sort();
                sort(&mut numbers);
                assert_eq!(numbers, expected);
            }
        }
    }
}
