//! Token ids and their text.

use rand::Rng;
use skimlog_formats::Id;
use skimlog_formats::record::TweetType;

use crate::random::{LongTail, Random};
use crate::tweet::Tweet;
use crate::world::{LANGUAGES, TOPICS};

/// `[UNK]` of BERT's vocabularies.
const UNKNOWN: u32 = 100;
/// The first ordinary token id: 101 is `[CLS]`, 102 `[SEP]`, 103 `[MASK]`, which no tweet holds.
const ORDINARY: u32 = 104;

/// How many of the most frequent tokens (punctuation, in life) all languages share.
const SHARED: u32 = 24;
/// The last of those that all languages share, by frequency rank.
mod shared {
    pub(super) const COLON: u32 = 15;
    pub(super) const SLASH: u32 = 16;
    pub(super) const DOT: u32 = 17;
    pub(super) const AT: u32 = 18;
    pub(super) const HASH: u32 = 19;
    pub(super) const RT: u32 = 20;
    pub(super) const HTTPS: u32 = 21;
    pub(super) const T: u32 = 22;
    pub(super) const CO: u32 = 23;
}

/// `RT @` two pieces of a name `:`, with which a retweet starts.
const RETWEET_TOKENS: u32 = 5;
/// `#` and two pieces of the hashtag.
const HASHTAG_TOKENS: u32 = 3;
/// What every short link starts with.
const LINK: [u32; 8] =
    [shared::HTTPS, shared::COLON, shared::SLASH, shared::SLASH, shared::T, shared::DOT, shared::CO, shared::SLASH];
/// Pieces of a short link's random letters.
const LINK_PIECES: u32 = 3;
/// Kinds of these pieces.
const LETTERS: u32 = 256;
/// Tokens left for words, whatever else the tweet has.
const WORDS: u32 = 6;

/// Of 256 words, how many come from the tweet's topic.
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

    /// Appends the tokens field of a tweet: [`Tweet::length`] ids, the first `[CLS]`, the last `[SEP]`.
    ///
    /// As in life, a retweet starts with whom it is of, hashtags are in the text, and every link, quoted tweet and
    /// bunch of media ends it with a short link: as many of them as leave room for some words.
    pub(crate) fn write(&self, tweet: &Tweet, random: &mut Random, text: &mut Vec<u8>) {
        let mut words = tweet.length - 2;
        let mut fits = |tokens| {
            let fits = words >= tokens + WORDS;
            words -= if fits { tokens } else { 0 };
            fits
        };
        let retweet = tweet.kind == TweetType::Retweet && fits(RETWEET_TOKENS);
        let links = tweet.links.as_slice().len()
            + usize::from(tweet.media.is_some())
            + usize::from(tweet.kind == TweetType::Quote);
        let links = (0..links).filter(|_| fits(LINK.len() as u32 + LINK_PIECES)).count();
        let hashtags = tweet.hashtags.as_slice().iter().filter(|_| fits(HASHTAG_TOKENS)).count();

        text.extend_from_slice(b"101");
        if retweet {
            self.put(&[shared::RT, shared::AT], text);
            self.name(tweet.id, text);
            self.put(&[shared::COLON], text);
        }
        self.words(tweet.language, tweet.topic, words, random, text);
        for &hashtag in &tweet.hashtags.as_slice()[..hashtags] {
            self.put(&[shared::HASH], text);
            self.name(hashtag, text);
        }
        for _ in 0..links {
            self.put(&LINK, text);
            (0..LINK_PIECES).for_each(|_| self.put(&[SHARED + random.next_u32() % LETTERS], text));
        }
        text.extend_from_slice(b"\t102");
    }

    /// Tokens by their place on the circle.
    fn put(&self, places: &[u32], text: &mut Vec<u8>) {
        places.iter().for_each(|&place| push(text, &self.circle[place as usize]));
    }

    /// Two pieces, always the same for an id.
    fn name(&self, id: Id, text: &mut Vec<u8>) {
        let [a, b, c, d, ..] = id.0;
        let piece = |bytes| u32::from(u16::from_le_bytes(bytes)) % self.circle.len() as u32;
        self.put(&[piece([a, b]), piece([c, d])], text);
    }

    /// So many words of a language on a topic.
    fn words(&self, language: u8, topic: u8, count: u32, random: &mut Random, text: &mut Vec<u8>) {
        let ordinary = self.circle.len() as u32;
        let language_place = (ordinary / LANGUAGES as u32) * u32::from(language);
        let topic_place = self.topic_size * u32::from(topic) + ordinary / 2;
        for _ in 0..count {
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
    use crate::options::Options;
    use crate::random::{Purpose, Seed};
    use crate::tweet::TweetKey;
    use crate::world::{Period, World};

    fn text_of(rendered: &Rendered) -> &[u8] {
        &rendered[..rendered[7].into()]
    }

    fn parsed(field: &[u8]) -> Vec<u32> {
        let field = std::str::from_utf8(field.strip_prefix(b"before").unwrap()).unwrap();
        field.split('\t').map(|token| token.parse().unwrap()).collect()
    }

    fn tokens(vocabulary: &Vocabulary, language: u8, topic: u8, count: u32) -> Vec<u32> {
        let mut text = b"before101".to_vec();
        let mut random = Seed(3).random(Purpose::Tweet, language.into(), topic.into());
        vocabulary.words(language, topic, count, &mut random, &mut text);
        parsed(&text)[1..].to_vec()
    }

    #[test]
    fn a_tweet_says_what_its_fields_say() {
        let world = World::new(&Options { rows: 20_000, vocabulary: 2_000, ..Options::default() });
        let vocabulary = &world.vocabulary;
        let token =
            |place: u32| parsed(&[b"before101".as_slice(), text_of(&vocabulary.circle[place as usize])].concat())[1];
        let count = |tokens: &[u32], run: &[u32]| {
            let run: Vec<u32> = run.iter().map(|&place| token(place)).collect();
            tokens.windows(run.len()).filter(|window| *window == run).count()
        };
        let (mut retweets, mut whole) = (0, 0);
        for number in 0..300 {
            let tweet = world.tweet(TweetKey { author: number / 3, period: Period::Training, number: number % 3 });
            let mut text = b"before".to_vec();
            vocabulary.write(&tweet, &mut tweet.tokens.clone(), &mut text);
            let tokens = parsed(&text);
            assert_eq!(tokens.len(), tweet.length as usize);
            assert_eq!((tokens[0], tokens[tokens.len() - 1]), (101, 102));
            let links = tweet.links.as_slice().len()
                + usize::from(tweet.media.is_some())
                + usize::from(tweet.kind == TweetType::Quote);
            let room = tweet.length >= 2 + RETWEET_TOKENS + 3 * 11 + 5 * HASHTAG_TOKENS + WORDS;
            let found = count(&tokens, &LINK);
            assert!(found == links || found < links && !room, "{found} of {links}");
            whole += usize::from(found > 0);
            if room {
                assert!(count(&tokens, &[shared::HASH]) >= tweet.hashtags.as_slice().len());
                assert_eq!(count(&tokens[..3], &[shared::RT, shared::AT]) == 1, tweet.kind == TweetType::Retweet);
                retweets += usize::from(tweet.kind == TweetType::Retweet);
            }
        }
        assert!(retweets > 10 && whole > 50, "{retweets}, {whole}");
    }

    #[test]
    fn tokens_stay_in_the_vocabulary() {
        for size in [512, 2_000, 119_547, 1_000_000] {
            let vocabulary = Vocabulary::new(size);
            for (language, topic) in [(0, 0), (64, 63), (30, 63), (64, 0)] {
                let tokens = tokens(&vocabulary, language, topic, 20_000);
                assert_eq!(tokens.len(), 20_000);
                assert!(tokens.iter().all(|&t| t == 100 || (104..size).contains(&t)), "{size}");
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
