//! The text of a post.

use rand::Rng;
use skimlog_formats::record::TweetType;

use super::language::{Script, script};
use super::words::{EMOJI, WORDS, Words, syllable};
use crate::random::{LongTail, Purpose, Random, chance, uniform};
use crate::tweet::Tweet;
use crate::world::World;

/// The most characters of a post.
pub(crate) const LONGEST: usize = 300;
/// Tokens that a hashtag and a link are about.
const HASHTAG_TOKENS: u32 = 5;
const LINK_TOKENS: u32 = 18;
/// Posts up to this many tokens are one of few.
const GREETING: u32 = 9;
/// How many such posts of a length a language has.
const GREETINGS: u32 = 12;
/// The least number of words.
const FEWEST: u32 = 2;
/// Between two marks of punctuation are 4 to 11 words.
const CLAUSE: (u32, u32) = (4, 8);
/// How many words come from the post's topic, how many have another syllable at the end, and how many posts emoji.
const TOPICAL: f64 = 0.28;
const INFLECTED: f64 = 0.08;
const WITH_EMOJI: f64 = 0.25;
/// The run of a language's words that are about a topic begins at multiples of `TOPIC_STEP`.
const TOPIC_STEP: usize = 8;
const TOPIC_WORDS: f64 = 40.0;

/// Whose text a post has: its own, or the one of all posts that are alike.
#[derive(Clone, Copy)]
enum Sharing {
    Greeting = 1,
    Reposts = 2,
}

/// Writes the text of posts.
pub(crate) struct Texts {
    words: Words,
    frequency: LongTail,
}

impl Texts {
    pub(crate) fn new(words: Words) -> Self {
        Self { words, frequency: LongTail::new(WORDS as u64, 1.05, 2.0) }
    }

    /// The text of a post: words of its language on its topic, about as many tokens as the tweet has, with its hashtags
    /// and links at the end.
    ///
    /// Very short posts, and reposts on a topic of the same length, have the same words: a feed repeats itself.
    pub(crate) fn text(&self, world: &World, tweet: &Tweet, hashtags: &[String], links: &[String]) -> String {
        let mut own = tweet.tokens.clone();
        let shared = |sharing: Sharing, topic: u64, variant: u64| {
            let kind = (sharing as u64) << 48 | u64::from(tweet.language) << 40 | topic << 32;
            world.seed.random(Purpose::FeedText, kind | u64::from(tweet.length), variant)
        };
        let mut random = match tweet.kind {
            _ if tweet.length <= GREETING => shared(Sharing::Greeting, 0, (own.next_u32() % GREETINGS).into()),
            TweetType::Retweet => shared(Sharing::Reposts, tweet.topic.into(), 0),
            _ => own,
        };
        let names = hashtags.len() as u32 * HASHTAG_TOKENS + links.len() as u32 * LINK_TOKENS;
        let words = tweet.length.saturating_sub(2 + names).max(FEWEST);
        let room = LONGEST - hashtags.iter().map(|name| 2 + name.len()).sum::<usize>().min(LONGEST / 2);
        let room = room.saturating_sub(links.iter().map(|link| 1 + link.len()).sum());
        let topic = if tweet.length <= GREETING { 0 } else { tweet.topic };
        let mut text = self.sentences(tweet.language, topic, words, room, &mut random);
        for hashtag in hashtags {
            text.push_str(" #");
            text.push_str(hashtag);
        }
        for link in links {
            text.push(' ');
            text.push_str(link);
        }
        text
    }

    /// So many words, but no more characters than there is room for.
    fn sentences(&self, language: u8, topic: u8, words: u32, room: usize, random: &mut Random) -> String {
        let (script, mut text, mut characters) = (script(language), String::new(), 0);
        let clause = |random: &mut Random| CLAUSE.0 + random.next_u32() % CLAUSE.1;
        let mut left = clause(random);
        for number in 0..words {
            let mut next = self.word(language, script, topic, random);
            left -= 1;
            if left == 0 && number + 1 < words {
                next.push_str(if chance(random, 0.5) { script.comma } else { script.stop });
                left = clause(random);
            }
            let begun = if text.is_empty() || text.ends_with(' ') { "" } else { script.space };
            // Room for three emoji stays.
            characters += begun.len() + next.chars().count();
            if characters + 8 > room && !text.is_empty() {
                break;
            }
            text.push_str(begun);
            text.push_str(&next);
        }
        if chance(random, WITH_EMOJI) {
            for _ in 0..=random.next_u32() % 3 {
                text.push(' ');
                text.push_str(EMOJI[random.next_u32() as usize % EMOJI.len()]);
            }
        }
        text
    }

    fn word(&self, language: u8, script: &Script, topic: u8, random: &mut Random) -> String {
        let number = if chance(random, TOPICAL) {
            let skewed = uniform(random).powi(2) * TOPIC_WORDS;
            (usize::from(topic) * TOPIC_STEP + skewed as usize) % WORDS
        } else {
            self.frequency.rank(uniform(random)) as usize
        };
        let mut word = self.words.of(language)[number].clone();
        if chance(random, INFLECTED) {
            word.extend(syllable(script, random.next_u32()));
        }
        word
    }
}
