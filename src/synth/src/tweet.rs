//! Tweets: everything about one is a function of the seed, its author, its period and its number.

use rand::RngExt;
use skimlog_formats::record::{Media, TweetType};
use skimlog_formats::{Id, PerReaction};

use crate::random::{Purpose, Random, chance, normal, normals, pick, uniform};
use crate::world::{LANGUAGES, Period, TOPICS, World};

/// Which tweet: the number is below [`World::tweets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TweetKey {
    pub(crate) author: u32,
    pub(crate) period: Period,
    pub(crate) number: u32,
}

impl TweetKey {
    /// A number of its own for every tweet: 31 bits are enough for an author.
    pub(crate) fn packed(self) -> u64 {
        u64::from(self.author) << 33 | (self.period as u64) << 32 | u64::from(self.number)
    }
}

/// A tweet's content.
pub(crate) struct Tweet {
    pub(crate) id: Id,
    pub(crate) time: u32,
    /// Of the day, UTC.
    pub(crate) hour: u8,
    pub(crate) language: u8,
    pub(crate) topic: u8,
    pub(crate) kind: TweetType,
    /// Number of tokens, `[CLS]` and `[SEP]` included.
    pub(crate) length: u32,
    pub(crate) hashtags: Few<Id, 5>,
    /// One kind of media, repeated.
    pub(crate) media: Option<(Media, usize)>,
    pub(crate) links: Few<Id, 2>,
    /// The links' domains.
    pub(crate) domains: Few<Id, 2>,
    /// What makes this tweet better than others, standard normal a reaction.
    pub(crate) quality: PerReaction<f64>,
    /// Draws the tokens next.
    pub(crate) tokens: Random,
}

/// Up to `MOST` items, stored inline.
pub(crate) struct Few<T, const MOST: usize> {
    items: [T; MOST],
    count: usize,
}

impl<T: Copy + Default, const MOST: usize> Few<T, MOST> {
    fn new(count: usize, mut item: impl FnMut() -> T) -> Self {
        let mut items = [T::default(); MOST];
        items[..count].iter_mut().for_each(|slot| *slot = item());
        Self { items, count }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.items[..self.count]
    }
}

const TYPE_SHARES: [f64; 3] = [0.45, 0.80, 1.0];
const HASHTAG_COUNT_SHARES: [f64; 5] = [0.56, 0.79, 0.90, 0.96, 1.0];
const PHOTO_COUNT_SHARES: [f64; 4] = [0.75, 0.83, 0.88, 1.0];
const SHORTEST: f64 = 4.0;
const LONGEST: f64 = 300.0;

impl World {
    /// A tweet's content, its tokens aside.
    pub(crate) fn tweet(&self, key: TweetKey) -> Tweet {
        let packed = key.packed();
        let mut random = self.seed.random(Purpose::Tweet, packed, 0);
        let circle = self.circle(self.circle_of(key.author));
        let language = match uniform(&mut random) {
            share if share < 0.88 => circle.language,
            share if share < 0.93 => 0,
            _ => self.languages.rank(uniform(&mut random)) as u8,
        };
        let topic = if chance(&mut random, 0.7) { circle.topic } else { random.random_range(0..TOPICS as u8) };
        let kind = TweetType::ALL[pick(&TYPE_SHARES, uniform(&mut random))];
        let length = (33.0 * (0.62 * normal(&mut random)).exp() + 2.0).clamp(SHORTEST, LONGEST) as u32;
        let hashtag_count =
            if chance(&mut random, 0.16) { 1 + pick(&HASHTAG_COUNT_SHARES, uniform(&mut random)) } else { 0 };
        let hashtags = Few::new(hashtag_count, || {
            let topic = if chance(&mut random, 0.8) { topic } else { random.random_range(0..TOPICS as u8) };
            let rank = self.hashtags.rank(uniform(&mut random));
            self.seed.id(Purpose::HashtagId, u64::from(topic) << 32 | rank)
        });
        let media = match uniform(&mut random) {
            share if share < 0.29 => Some((Media::Photo, 1 + pick(&PHOTO_COUNT_SHARES, uniform(&mut random)))),
            share if share < 0.375 => Some((Media::Video, 1)),
            share if share < 0.40 => Some((Media::Gif, 1)),
            _ => None,
        };
        let link_count = if chance(&mut random, 0.13) { 1 + usize::from(chance(&mut random, 0.06)) } else { 0 };
        let links = Few::new(link_count, || self.seed.id(Purpose::LinkId, random.random()));
        let domains = Few::new(link_count, || self.seed.id(Purpose::DomainId, self.domains.rank(uniform(&mut random))));
        let hour = hour(language, &mut random);
        let day = random.random_range(0..key.period.days());
        let time = key.period.start() + day * 86_400 + u32::from(hour) * 3_600 + random.random_range(0..3_600);
        let quality = normals(&mut random, 0.5);
        let id = self.seed.id(Purpose::TweetId, packed);
        Tweet {
            id,
            time,
            hour,
            language,
            topic,
            kind,
            length,
            hashtags,
            media,
            links,
            domains,
            quality,
            tokens: random,
        }
    }
}

/// The hour of the day: three in four tweets around the evening of the language's part of the world.
fn hour(language: u8, random: &mut Random) -> u8 {
    let evening = 13 + usize::from(language) * 7 % LANGUAGES % 12;
    let hour = if chance(random, 0.75) {
        (evening as f64 + 24.0 + 4.0 * normal(random)).rem_euclid(24.0) as u8
    } else {
        random.random_range(0..24)
    };
    hour.min(23)
}
