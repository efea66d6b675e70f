//! Sizes and tables made from the seed and the options: everything that a record depends on besides its own numbers.

use skimlog_formats::Id;

use crate::options::SynthOptions;
use crate::random::{LongTail, Purpose, Seed, cumulative};

/// Number of languages.
pub(crate) const LANGUAGES: usize = 65;
/// Number of topics a tweet can have.
pub(crate) const TOPICS: usize = 64;
/// Number of authors in a circle: authors on one topic, in one language, with the same readers.
pub(crate) const CIRCLE: u32 = 8;

/// One set of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    Train = 0,
    Validation = 1,
    Test = 2,
}

/// The days that tweets are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    /// 4 to 24 February 2021.
    Training = 0,
    /// 25 February to 3 March 2021.
    WeekAfter = 1,
}

impl Set {
    pub(crate) fn period(self) -> Period {
        if self == Self::Train { Period::Training } else { Period::WeekAfter }
    }
}

impl Period {
    /// The first second (UTC).
    pub(crate) fn start(self) -> u32 {
        match self {
            Self::Training => 1_612_396_800,
            Self::WeekAfter => 1_614_211_200,
        }
    }

    pub(crate) fn days(self) -> u32 {
        match self {
            Self::Training => 21,
            Self::WeekAfter => 7,
        }
    }
}

/// Everything that is fixed before the first record is drawn.
pub(crate) struct World {
    pub(crate) seed: Seed,
    pub(crate) users: u32,
    pub(crate) authors: u32,
    pub(crate) circles: u32,
    /// Author numbers times this, modulo the number of users, are user numbers: prime to that number.
    stride: u64,
    /// User numbers times this are author numbers.
    inverse_stride: u64,
    /// How often a user reads.
    pub(crate) reading: LongTail,
    /// How often a circle is read.
    pub(crate) circle_popularity: LongTail,
    /// How often each author of a circle is read, from the first rank on, as running sums.
    pub(crate) rank_popularity: Vec<f64>,
    /// How often a language is written.
    pub(crate) languages: LongTail,
    pub(crate) language_ids: Vec<Id>,
    /// How often a hashtag of a topic is used.
    pub(crate) hashtags: LongTail,
    /// How often a domain is linked to.
    pub(crate) domains: LongTail,
    /// Records of each period, by [`Period`].
    rows: [u64; 2],
}

/// How many tweets there are a record: the others are records of a tweet that has one already.
const TWEETS_A_RECORD: f64 = 0.5;
/// A prime above the largest number of users, hence prime to all.
const STRIDE: u64 = 2_654_435_761;

impl World {
    /// The world of checked options.
    pub(crate) fn new(options: &SynthOptions) -> Self {
        let seed = Seed(options.seed);
        let (users, authors) = (options.user_count(), options.author_count());
        let circles = authors.div_ceil(CIRCLE);
        let weights: Vec<f64> = (1..=CIRCLE).map(|rank| f64::from(rank).powf(-1.0)).collect();
        let stride = STRIDE % u64::from(users);
        Self {
            seed,
            users,
            authors,
            circles,
            stride,
            inverse_stride: inverse(stride, u64::from(users)),
            reading: LongTail::new(users.into(), 0.6, 10.0),
            circle_popularity: LongTail::new(circles.into(), 0.7, 3.0),
            rank_popularity: cumulative(&weights),
            languages: LongTail::new(LANGUAGES as u64, 1.2, 0.8),
            language_ids: (0..LANGUAGES as u64).map(|language| seed.id(Purpose::LanguageId, language)).collect(),
            hashtags: LongTail::new((options.rows / 4000).clamp(25, 1 << 20), 0.8, 1.0),
            domains: LongTail::new((options.rows / 200).clamp(100, 1 << 24), 0.9, 1.0),
            rows: [options.rows, options.valid_rows + options.test_rows],
        }
    }

    /// The user an author is.
    pub(crate) fn user_of(&self, author: u32) -> u32 {
        (u64::from(author) * self.stride % u64::from(self.users)) as u32
    }

    /// The author a user is, if any.
    pub(crate) fn author_of(&self, user: u32) -> Option<u32> {
        let author = (u64::from(user) * self.inverse_stride % u64::from(self.users)) as u32;
        (author < self.authors).then_some(author)
    }

    /// The author of a rank in a circle. The last circles lack an author of the last rank, whom their first one
    /// replaces.
    pub(crate) fn author_at(&self, circle: u32, rank: u32) -> u32 {
        let author = u64::from(circle) + u64::from(rank) * u64::from(self.circles);
        if author < u64::from(self.authors) { author as u32 } else { circle }
    }

    /// The circle an author belongs to.
    pub(crate) fn circle_of(&self, author: u32) -> u32 {
        author % self.circles
    }

    /// The share of records that are about this author, readers' preferences aside.
    pub(crate) fn popularity(&self, author: u32) -> f64 {
        let rank = (author / self.circles) as usize;
        let before = if rank == 0 { 0.0 } else { self.rank_popularity[rank - 1] };
        self.circle_popularity.probability(self.circle_of(author).into()) * (self.rank_popularity[rank] - before)
    }

    /// Number of tweets an author writes in a period, at least one.
    pub(crate) fn tweets(&self, author: u32, period: Period) -> u32 {
        let tweets = self.popularity(author) * self.rows[period as usize] as f64 * TWEETS_A_RECORD;
        (tweets.round() as u32).max(1)
    }
}

/// The number whose product with `value` leaves 1 modulo `modulus`, by Euclid's algorithm; they have no common divisor.
fn inverse(value: u64, modulus: u64) -> u64 {
    let (mut rest, mut next) = (modulus as i64, (value % modulus) as i64);
    let (mut factor, mut next_factor) = (0i64, 1i64);
    while next != 0 {
        let quotient = rest / next;
        (rest, next) = (next, rest - quotient * next);
        (factor, next_factor) = (next_factor, factor - quotient * next_factor);
    }
    factor.rem_euclid(modulus as i64) as u64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn small() -> World {
        World::new(&SynthOptions { rows: 20_000, vocabulary: 2_000, ..SynthOptions::default() })
    }

    #[test]
    fn authors_are_distinct_users() {
        for users in [16, 64, 1_000, 12_345, 1 << 20] {
            let world = World::new(&SynthOptions { users: Some(users), vocabulary: 512, ..SynthOptions::default() });
            for author in 0..world.authors {
                assert_eq!(world.author_of(world.user_of(author)), Some(author), "{users}");
            }
        }
    }

    #[test]
    fn circles_hold_every_author_once() {
        let world = World::new(&SynthOptions { authors: Some(83), ..SynthOptions::default() });
        let mut seen = vec![0; 83];
        for circle in 0..world.circles {
            for rank in 0..CIRCLE {
                let author = world.author_at(circle, rank);
                assert_eq!(world.circle_of(author), circle);
                seen[author as usize] += 1;
            }
        }
        assert!(seen.iter().all(|&times| times > 0));
        let total: f64 = (0..83).map(|author| world.popularity(author)).sum();
        assert!(total > 0.9 && total < 1.0 + 1e-9, "{total}");
    }
}
