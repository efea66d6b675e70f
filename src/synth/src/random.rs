//! Random numbers that depend only on the seed and their use.

use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};
use skimlog_formats::{Id, PerReaction};

/// The generator of random numbers that everything draws from.
pub(crate) type Random = Xoshiro256PlusPlus;

/// What random numbers are for: two purposes never share any.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Purpose {
    UserId,
    Profile,
    Propensity,
    Interest,
    Author,
    Circle,
    InnerCircle,
    Pair,
    LanguageTaste,
    TopicTaste,
    TopicEffect,
    TweetId,
    Tweet,
    HashtagId,
    LinkId,
    DomainId,
    LanguageId,
    Reaction,
    Block,
    FeedText,
    FeedTime,
}

/// The seed of a world.
#[derive(Clone, Copy)]
pub(crate) struct Seed(pub(crate) u64);

/// One step of SplitMix64 from this state (Steele, Lea, Flood 2014): a bijection of 64-bit words.
fn mix(word: u64) -> u64 {
    SplitMix64::from_seed(word.to_le_bytes()).next_u64()
}

impl Seed {
    /// A word for two numbers; for a fixed first number, different second numbers give different words.
    fn word(self, purpose: Purpose, first: u64, second: u64) -> u64 {
        mix(mix(mix(mix(self.0) ^ purpose as u64) ^ first) ^ second)
    }

    /// Random numbers for an entity of two numbers.
    pub(crate) fn random(self, purpose: Purpose, first: u64, second: u64) -> Random {
        Random::seed_from_u64(self.word(purpose, first, second))
    }

    /// The id of an entity; different numbers have different ids.
    pub(crate) fn id(self, purpose: Purpose, number: u64) -> Id {
        let word = self.word(purpose, 0, number);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&word.to_be_bytes());
        bytes[8..].copy_from_slice(&mix(word ^ self.0.rotate_left(32)).to_be_bytes());
        Id(bytes)
    }
}

/// A number from [0, 1).
pub(crate) fn uniform(random: &mut Random) -> f64 {
    random.random()
}

/// Whether an event of this probability happens.
pub(crate) fn chance(random: &mut Random, probability: f64) -> bool {
    uniform(random) < probability
}

/// A number from the standard normal distribution.
pub(crate) fn normal(random: &mut Random) -> f64 {
    StandardNormal.sample(random)
}

/// A standard normal number a reaction; any two of them have the correlation `shared`.
pub(crate) fn normals(random: &mut Random, shared: f64) -> PerReaction<f64> {
    let common = shared.sqrt() * normal(random);
    PerReaction::from_fn(|_| common + (1.0 - shared).sqrt() * normal(random))
}

/// The index of the weight interval that `uniform` falls into; `cumulative` ends with 1.
pub(crate) fn pick(cumulative: &[f64], uniform: f64) -> usize {
    cumulative.iter().position(|&bound| uniform < bound).unwrap_or(cumulative.len() - 1)
}

/// Running sums of weights, divided by their total.
pub(crate) fn cumulative(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum / total
        })
        .collect()
}

/// Ranks 0 to `count − 1` with probabilities that fall like (rank + shift)^−exponent, in constant memory.
///
/// The density of the continuous power law over [shift, shift + count) is inverted in closed form and cut to whole
/// ranks.
#[derive(Clone, Copy)]
pub(crate) struct LongTail {
    count: u64,
    shift: f64,
    power: f64,
    low: f64,
    span: f64,
}

impl LongTail {
    /// `exponent` is not 1, `shift` positive, `count` at least 1.
    pub(crate) fn new(count: u64, exponent: f64, shift: f64) -> Self {
        let power = 1.0 - exponent;
        let low = shift.powf(power);
        Self { count, shift, power, low, span: (count as f64 + shift).powf(power) - low }
    }

    /// The rank at a quantile of the distribution, 0 ≤ `uniform` < 1.
    pub(crate) fn rank(&self, uniform: f64) -> u64 {
        let rank = (self.low + uniform * self.span).powf(1.0 / self.power) - self.shift;
        (rank.max(0.0) as u64).min(self.count - 1)
    }

    /// The probability of a rank.
    pub(crate) fn probability(&self, rank: u64) -> f64 {
        let start = rank as f64 + self.shift;
        ((start + 1.0).powf(self.power) - start.powf(self.power)) / self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_tail_draws_what_it_says() {
        for exponent in [0.6, 1.1] {
            let tail = LongTail::new(50, exponent, 2.0);
            let mut counts = [0u32; 50];
            let draws = 200_000;
            (0..draws).for_each(|i| counts[tail.rank((f64::from(i) + 0.5) / f64::from(draws)) as usize] += 1);
            let total: f64 = (0..50).map(|rank| tail.probability(rank)).sum();
            assert!((total - 1.0).abs() < 1e-9);
            for (rank, &count) in counts.iter().enumerate() {
                let expected = tail.probability(rank as u64);
                assert!((f64::from(count) / f64::from(draws) - expected).abs() < 2e-5, "{exponent} {rank}");
            }
        }
    }

    #[test]
    fn normals_correlate_as_asked() {
        let mut random = Seed(1).random(Purpose::Pair, 0, 0);
        let (mut product, mut square) = (0.0, 0.0);
        for _ in 0..100_000 {
            let [first, second, ..] = *normals(&mut random, 0.4).as_count_order();
            product += first * second / 1e5;
            square += second * second / 1e5;
        }
        assert!((product - 0.4).abs() < 0.02 && (square - 1.0).abs() < 0.02, "{product} {square}");
    }

    /// The first number of the reference implementation from the seed 1234567.
    #[test]
    fn words_are_mixed_by_splitmix64() {
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn purposes_and_seeds_differ() {
        assert_ne!(Seed(1).id(Purpose::UserId, 5), Seed(1).id(Purpose::TweetId, 5));
        assert_ne!(Seed(1).id(Purpose::UserId, 5), Seed(2).id(Purpose::UserId, 5));
    }
}
