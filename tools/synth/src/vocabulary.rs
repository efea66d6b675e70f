//! Token ids and their text.

use rand::Rng;

use crate::random::{LongTail, Random};
use crate::world::{LANGUAGES, TOPICS};

/// `[UNK]` of BERT's vocabularies.
const UNKNOWN: u32 = 100;
/// The first ordinary token id: 101 is `[CLS]`, 102 `[SEP]`, 103 `[MASK]`, which no tweet holds.
const ORDINARY: u32 = 104;

/// How many of the most frequent tokens (punctuation, in life) all languages share.
const SHARED: u32 = 24;
/// Of 256 tokens, how many come from the tweet's topic.
const TOPICAL_OF_256: u32 = 72;
/// Frequencies fall like rank^−this within a language.
const ZIPF: f64 = 1.05;
/// Frequency ranks are drawn from a table of this many quantiles.
const QUANTILES: usize = 1 << 16;

/// A token's decimal text with the TAB before it, and its length in the last byte.
type Rendered = [u8; 8];

/// The vocabulary: which tokens a language and a topic use, and their text.
///
/// Ordinary tokens stand in one shuffled circle. A language counts its frequency ranks from its own place on the
/// circle; a topic owns a run of it.
pub(crate) struct Vocabulary {
    circle: Vec<Rendered>,
    unknown: Rendered,
    /// Frequency rank at every quantile, and the number of ranks at the end.
    quantiles: Vec<u32>,
    topic_size: u32,
}

/// Prime to every number of ordinary tokens: a prime above them all.
const SHUFFLE: u64 = 2_654_435_761;

impl Vocabulary {
    /// A vocabulary of `size` ids, 512 to 1,000,000.
    pub(crate) fn new(size: u32) -> Self {
        let ordinary = u64::from(size - ORDINARY);
        let circle = (0..ordinary).map(|place| render(ORDINARY + (place * SHUFFLE % ordinary) as u32)).collect();
        let tail = LongTail::new(ordinary, ZIPF, 2.0);
        let quantiles = (0..=QUANTILES).map(|i| tail.rank(i as f64 / QUANTILES as f64) as u32).collect();
        Self {
            circle,
            unknown: render(UNKNOWN),
            quantiles,
            topic_size: (ordinary as u32 / TOPICS as u32).clamp(4, 256),
        }
    }

    /// Appends the tokens field of a tweet: `length` ids, the first `[CLS]`, the last `[SEP]`.
    pub(crate) fn write(&self, language: u8, topic: u8, length: u32, random: &mut Random, text: &mut Vec<u8>) {
        let ordinary = self.circle.len() as u32;
        let language_place = (ordinary / LANGUAGES as u32) * u32::from(language);
        let topic_place = self.topic_size * u32::from(topic) + ordinary / 2;
        text.extend_from_slice(b"101");
        for _ in 2..length {
            let bits = random.next_u32();
            let rendered = if bits & 0xFF < TOPICAL_OF_256 {
                let uniform = bits >> 16;
                let skewed = (uniform * uniform) >> 16;
                &self.circle[wrap(topic_place + ((skewed * self.topic_size) >> 16), ordinary)]
            } else if bits & 0xFF == 0xFF {
                &self.unknown
            } else {
                let quantile = (bits >> 16) as usize;
                let (low, high) = (self.quantiles[quantile], self.quantiles[quantile + 1]);
                let rank = low + (((high - low) * (bits >> 8 & 0xFF)) >> 8);
                let place = if rank < SHARED { rank } else { rank + language_place };
                &self.circle[wrap(place, ordinary)]
            };
            push(text, rendered);
        }
        text.extend_from_slice(b"\t102");
    }
}

/// A place on a circle; `place` is below twice around.
fn wrap(place: u32, around: u32) -> usize {
    (if place >= around { place - around } else { place }) as usize
}

fn render(token: u32) -> Rendered {
    let mut rendered = [0; 8];
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(token).as_bytes();
    rendered[0] = b'\t';
    rendered[1..=digits.len()].copy_from_slice(digits);
    rendered[7] = 1 + digits.len() as u8;
    rendered
}

/// Copies a fixed eight bytes and drops the rest: faster than a copy of a length known only at run time.
fn push(text: &mut Vec<u8>, rendered: &Rendered) {
    let end = text.len() + usize::from(rendered[7]);
    text.extend_from_slice(rendered);
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random::{Purpose, Seed};

    fn tokens(vocabulary: &Vocabulary, language: u8, topic: u8, length: u32) -> Vec<u32> {
        let mut text = b"before".to_vec();
        let mut random = Seed(3).random(Purpose::Tweet, language.into(), topic.into());
        vocabulary.write(language, topic, length, &mut random, &mut text);
        let field = std::str::from_utf8(text.strip_prefix(b"before").unwrap()).unwrap();
        field.split('\t').map(|token| token.parse().unwrap()).collect()
    }

    #[test]
    fn tokens_stay_in_the_vocabulary() {
        for size in [512, 2_000, 119_547, 1_000_000] {
            let vocabulary = Vocabulary::new(size);
            for (language, topic) in [(0, 0), (64, 63), (30, 63), (64, 0)] {
                let tokens = tokens(&vocabulary, language, topic, 20_000);
                assert_eq!((tokens.len(), tokens[0], tokens[19_999]), (20_000, 101, 102));
                let ordinary = &tokens[1..19_999];
                assert!(ordinary.iter().all(|&t| t == 100 || (104..size).contains(&t)), "{size}");
            }
        }
    }

    #[test]
    fn languages_share_few_frequent_tokens_and_topics_none() {
        let vocabulary = Vocabulary::new(119_547);
        let frequent = |language, topic| -> HashSet<u32> {
            let tokens = tokens(&vocabulary, language, topic, 40_000);
            let mut counts = std::collections::HashMap::new();
            tokens.iter().for_each(|&token| *counts.entry(token).or_insert(0u32) += 1);
            counts.into_iter().filter(|&(_, count)| count > 40).map(|(token, _)| token).collect()
        };
        let (one, other_language, other_topic) = (frequent(0, 0), frequent(9, 0), frequent(0, 9));
        assert!(one.len() > 100);
        assert!(one.intersection(&other_language).count() > 24);
        assert!(one.intersection(&other_topic).count() < one.len());
        assert_ne!(one, other_language);
    }
}
