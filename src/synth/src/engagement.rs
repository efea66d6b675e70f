//! The planted model: the logit of every reaction of a reader to a tweet, and the reactions drawn from it.

use std::f64::consts::TAU;

use skimlog_formats::record::{Media, TweetType};
use skimlog_formats::{PerReaction, Reaction};

use crate::encounter::Encounter;
use crate::random::{Purpose, normal, normals, uniform};
use crate::world::{Set, TOPICS, World};

/// A weight for like, reply, retweet and quote.
const fn weights(like: f64, reply: f64, retweet: f64, quote: f64) -> PerReaction<f64> {
    PerReaction::from_count_order([like, reply, retweet, quote])
}

/// The share of records with each reaction.
pub(crate) const RATES: PerReaction<f64> = weights(0.40, 0.026, 0.09, 0.007);

// Weights of standard normal traits.
const READER: PerReaction<f64> = weights(0.95, 1.05, 0.95, 0.90);
const AUTHOR: PerReaction<f64> = weights(0.50, 0.40, 0.45, 0.40);
const AFFINITY: PerReaction<f64> = weights(0.75, 0.60, 0.60, 0.50);
const LANGUAGE_TASTE: PerReaction<f64> = weights(0.15, 0.20, 0.20, 0.20);
const TOPIC_TASTE: PerReaction<f64> = weights(0.25, 0.25, 0.30, 0.25);
const TOPIC: PerReaction<f64> = weights(0.35, 0.25, 0.35, 0.30);
const QUALITY: PerReaction<f64> = weights(0.20, 0.20, 0.25, 0.25);
// Weights of what is so or not.
const FOLLOWED: PerReaction<f64> = weights(0.55, 0.90, 0.30, 0.50);
const OWN_LANGUAGE: PerReaction<f64> = weights(0.45, 0.50, 0.25, 0.20);
const HASHTAG: PerReaction<f64> = weights(-0.15, -0.35, 0.30, 0.10);
const LINK: PerReaction<f64> = weights(-0.35, -0.25, 0.10, 0.30);
const PHOTO: PerReaction<f64> = weights(0.35, -0.10, 0.25, 0.05);
const VIDEO: PerReaction<f64> = weights(0.20, 0.05, 0.45, 0.30);
const GIF: PerReaction<f64> = weights(0.15, 0.40, -0.20, 0.00);
const TOP_LEVEL: PerReaction<f64> = weights(0.30, 0.50, 0.20, 0.30);
const RETWEET: PerReaction<f64> = weights(-0.30, -0.70, 0.10, -0.30);
/// Weight of the logarithm of the length in tokens over the median one.
const LENGTH: PerReaction<f64> = weights(0.05, 0.30, 0.10, 0.25);
/// Height of the daily wave, and the hour (UTC) of its crest.
const HOUR: PerReaction<f64> = weights(0.20, 0.25, 0.20, 0.25);
const CREST: PerReaction<f64> = weights(20.0, 17.0, 14.0, 11.0);
const MEDIAN_LENGTH: f64 = 35.0;

/// Reactions follow after exp(7.8 + 1.4 z) seconds (40 minutes in the median), and within a day.
const LOG_DELAY: (f64, f64) = (7.8, 1.4);
const LONGEST_DELAY: f64 = 86_399.0;

/// Records that the base logits are calibrated on, in blocks that no set uses.
const CALIBRATION_ROWS: u64 = 50_000;

/// The planted model of a world.
pub(crate) struct PlantedModel {
    base: PerReaction<f64>,
    topics: Vec<PerReaction<f64>>,
}

/// What a reader does.
pub(crate) struct Outcome {
    /// Log-odds of every reaction.
    pub(crate) logits: PerReaction<f64>,
    /// When it happened, in unix seconds, 0 where it did not.
    pub(crate) times: PerReaction<u32>,
}

impl PlantedModel {
    /// The model whose mean probabilities are [`RATES`] over records drawn like the training set's.
    pub(crate) fn calibrated(world: &World) -> Self {
        let topics = (0..TOPICS as u64)
            .map(|topic| normals(&mut world.seed.random(Purpose::TopicEffect, topic, 0), 0.2))
            .collect();
        let mut model = Self { base: PerReaction::default(), topics };
        let mut random = world.seed.random(Purpose::Block, u64::MAX, 0);
        let logits: Vec<PerReaction<f64>> =
            (0..CALIBRATION_ROWS).map(|_| model.logits(world, &world.encounter(Set::Train, &mut random))).collect();
        model.base = PerReaction::from_fn(|reaction| {
            let rate = |base: f64| {
                logits.iter().map(|logits| probability(base + logits[reaction])).sum::<f64>() / logits.len() as f64
            };
            let (mut low, mut high) = (-20.0, 20.0);
            for _ in 0..40 {
                let middle = (low + high) / 2.0;
                if rate(middle) < RATES[reaction] { low = middle } else { high = middle }
            }
            low
        });
        model
    }

    /// Log-odds of every reaction.
    fn logits(&self, world: &World, encounter: &Encounter) -> PerReaction<f64> {
        let Encounter { reader, author, tweet, affinity, .. } = encounter;
        let language_taste = world.language_taste(reader.user, tweet.language);
        let topic_taste = world.topic_taste(reader.user, tweet.topic);
        let topic = &self.topics[usize::from(tweet.topic)];
        let length = (f64::from(tweet.length) / MEDIAN_LENGTH).ln();
        let is = |so: bool| f64::from(u8::from(so));
        let followed = is(encounter.follows);
        let own_language = is(tweet.language == reader.language);
        let hashtag = is(!tweet.hashtags.as_slice().is_empty());
        let link = is(!tweet.links.as_slice().is_empty());
        let hour = f64::from(tweet.hour);
        PerReaction::from_fn(|reaction| {
            self.base[reaction]
                + READER[reaction] * reader.propensity[reaction]
                + AUTHOR[reaction] * author.effect[reaction]
                + AFFINITY[reaction] * affinity[reaction]
                + LANGUAGE_TASTE[reaction] * language_taste[reaction]
                + TOPIC_TASTE[reaction] * topic_taste[reaction]
                + TOPIC[reaction] * topic[reaction]
                + QUALITY[reaction] * tweet.quality[reaction]
                + FOLLOWED[reaction] * followed
                + OWN_LANGUAGE[reaction] * own_language
                + HASHTAG[reaction] * hashtag
                + LINK[reaction] * link
                + LENGTH[reaction] * length
                + HOUR[reaction] * (TAU / 24.0 * (hour - CREST[reaction])).cos()
                + match tweet.media {
                    Some((Media::Photo, _)) => PHOTO[reaction],
                    Some((Media::Video, _)) => VIDEO[reaction],
                    Some((Media::Gif, _)) => GIF[reaction],
                    None => 0.0,
                }
                + match tweet.kind {
                    TweetType::TopLevel => TOP_LEVEL[reaction],
                    TweetType::Retweet => RETWEET[reaction],
                    TweetType::Quote | TweetType::Reply => 0.0,
                }
        })
    }

    /// What the reader does, the same whenever this reader sees this tweet.
    pub(crate) fn outcome(&self, world: &World, encounter: &Encounter) -> Outcome {
        let logits = self.logits(world, encounter);
        let mut random = world.seed.random(Purpose::Reaction, encounter.reader.user.into(), encounter.key.packed());
        let times = PerReaction::from_fn(|reaction| {
            if uniform(&mut random) >= probability(logits[reaction]) {
                return 0;
            }
            let delay = (LOG_DELAY.0 + LOG_DELAY.1 * normal(&mut random)).exp().clamp(1.0, LONGEST_DELAY);
            encounter.tweet.time + delay as u32
        });
        Outcome { logits, times }
    }
}

/// The probability of these log-odds.
pub(crate) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// Whether a reaction happened, by its time.
pub(crate) fn happened(times: &PerReaction<u32>, reaction: Reaction) -> bool {
    times[reaction] != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::small;

    #[test]
    fn rates_are_as_calibrated_on_other_records() {
        let world = small();
        let model = PlantedModel::calibrated(&world);
        let mut random = world.seed.random(Purpose::Block, 5, 5);
        let mut mean = PerReaction::<f64>::default();
        for _ in 0..20_000 {
            let logits = model.logits(&world, &world.encounter(Set::Train, &mut random));
            Reaction::ALL.into_iter().for_each(|reaction| mean[reaction] += probability(logits[reaction]) / 20_000.0);
        }
        for (reaction, &rate) in RATES.iter() {
            assert!((mean[reaction] / rate - 1.0).abs() < 0.08, "{reaction}: {}", mean[reaction]);
        }
    }

    #[test]
    fn the_same_reader_does_the_same_with_the_same_tweet() {
        let world = small();
        let model = PlantedModel::calibrated(&world);
        let mut random = world.seed.random(Purpose::Block, 6, 6);
        for _ in 0..500 {
            let encounter = world.encounter(Set::Train, &mut random);
            let outcome = model.outcome(&world, &encounter);
            assert_eq!(model.outcome(&world, &encounter).times, outcome.times);
            let earliest = encounter.tweet.time;
            assert!(outcome.times.iter().all(|(_, &t)| t == 0 || (t > earliest && t < earliest + 86_400)));
        }
    }
}
