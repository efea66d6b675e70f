//! Random numbers that are functions of the seed, their purpose and the step they are used in.

use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};
use siphasher::sip::SipHasher24;

/// What SplitMix64 adds to its state for every number.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What random numbers are used for; each purpose has its own numbers.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    HoldOut,
    OrderOfBlocks,
    OrderOfRecords,
    Masking,
    HeldOutMasking,
    Dropout,
}

/// Random numbers for one purpose in one context, such as a step.
#[derive(Clone, Copy)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64, purpose: Purpose, context: [u64; 2]) -> Self {
        let words = [seed, purpose as u64, context[0], context[1]];
        Self(SipHasher24::new().hash(bytemuck::cast_slice(&words.map(u64::to_le))))
    }

    /// The number of this index, uniform over 64 bits: SplitMix64's, whose state after any number of steps is known.
    #[inline]
    pub(super) fn bits(self, index: u64) -> u64 {
        SplitMix64::seed_from_u64(self.0.wrapping_add(index.wrapping_mul(STEP))).next_u64()
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
    fn numbers_are_uniform_and_differ_by_context() {
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

    /// Trainings are resumed from checkpoints of earlier versions.
    #[test]
    fn numbers_stay_the_same() {
        let draws = Draws::new(3, Purpose::Masking, [7, 0]);
        let numbers = [0, 1, 1 << 40, u64::MAX].map(|index| draws.bits(index));
        assert_eq!(
            numbers,
            [0xf56a_1c54_176e_78ae, 0x5ef9_1a7d_c2b8_dd23, 0xbdfb_43e0_18f1_64ba, 0x7178_9dad_2319_109c]
        );
        assert_eq!(draws.order(8), [2, 0, 5, 3, 7, 6, 4, 1]);
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
