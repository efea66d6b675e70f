//! Random numbers that are a function of the seed, the step and their use.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use skimlog_features::key::siphash;

/// What random numbers are for: each purpose has its own.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    HoldOut,
    OrderOfBlocks,
    OrderOfRecords,
    Masking,
    HeldOutMasking,
    Dropout,
}

/// Random numbers for one purpose at one place, such as a step.
#[derive(Clone, Copy)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64, purpose: Purpose, place: [u64; 2]) -> Self {
        let words = [seed, purpose as u64, place[0], place[1]];
        Self(siphash(bytemuck::cast_slice(&words.map(u64::to_le))))
    }

    /// The number of this index, any 64 bits alike: SplitMix64's output function.
    #[inline]
    pub(super) fn bits(self, index: u64) -> u64 {
        let mut bits = self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// In `[0, 1)`.
    #[inline]
    pub(super) fn unit(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In `0..end`.
    pub(super) fn below(self, index: u64, end: u64) -> u64 {
        scale(self.bits(index), end)
    }

    /// `0..len` in a random order.
    pub(super) fn order(self, len: usize) -> Vec<u32> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.0);
        let mut order: Vec<u32> = (0..len as u32).collect();
        for end in (1..order.len()).rev() {
            order.swap(end, scale(random.next_u64(), end as u64 + 1) as usize);
        }
        order
    }
}

fn scale(bits: u64, end: u64) -> u64 {
    ((u128::from(bits) * u128::from(end)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_even_and_differ_by_place() {
        let draws = Draws::new(3, Purpose::Masking, [7, 0]);
        let mean = (0..10_000).map(|index| draws.unit(index)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let mut counts = [0u32; 10];
        (0..10_000).for_each(|index| counts[draws.below(index, 10) as usize] += 1);
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
        for other in [(4, Purpose::Masking, [7, 0]), (3, Purpose::Dropout, [7, 0]), (3, Purpose::Masking, [0, 7])] {
            assert_ne!(draws.bits(0), Draws::new(other.0, other.1, other.2).bits(0));
        }
    }

    #[test]
    fn an_order_holds_everything_once() {
        let order = Draws::new(1, Purpose::OrderOfRecords, [0, 0]).order(1000);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000));
        assert_ne!(order, sorted);
    }
}
