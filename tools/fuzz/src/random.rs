//! Random choices that depend only on a seed and an input's number, so that an input can be made again.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A source of choices.
#[derive(Debug)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The choices of input number `input` of a run with this seed.
    pub fn of_input(seed: u64, input: u64) -> Self {
        // Neighbouring numbers must not give related generators; the generator's own seeding mixes the rest.
        Self(Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32) ^ input.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// Any word.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The bias of a remainder does not matter here.
        if end == 0 { 0 } else { (self.word() >> 16) as usize % end }
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A length that is short more often than long, 1 to `most`.
    pub fn length(&mut self, most: usize) -> usize {
        let bits = self.below(usize::BITS as usize - most.leading_zeros() as usize + 1);
        1 + self.below((1 << bits).min(most.max(1)))
    }
}
