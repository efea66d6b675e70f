//! Users: their public profile, what they are like as readers and as authors, and what two of them share.

use rand::RngExt;
use skimlog_formats::{Id, PerReaction};

use crate::random::{Purpose, Random, chance, normal, normals, uniform};
use crate::world::{TOPICS, World};

/// What a record says about a user, as author or as reader.
pub(crate) struct Profile {
    pub(crate) id: Id,
    pub(crate) followers: u32,
    pub(crate) following: u32,
    pub(crate) verified: bool,
    pub(crate) created: u32,
}

/// Accounts were created from 21 March 2006 to 31 January 2021, before any tweet.
const FIRST_CREATION: f64 = 1_142_899_200.0;
const LAST_CREATION: f64 = 1_612_051_200.0;

/// A user as a reader.
pub(crate) struct Reader {
    pub(crate) user: u32,
    /// Standard normal a reaction, raised for those who read much.
    pub(crate) propensity: PerReaction<f64>,
    /// The language of the circle the user likes most.
    pub(crate) language: u8,
    /// Number of circles the user reads.
    interests: u64,
    home: u32,
}

/// A user as an author.
pub(crate) struct Author {
    pub(crate) number: u32,
    /// Standard normal; shows in the number of followers.
    pub(crate) appeal: f64,
    /// Standard normal a reaction, partly the appeal.
    pub(crate) effect: PerReaction<f64>,
}

/// What the authors of a circle share.
#[derive(Clone, Copy)]
pub(crate) struct Circle {
    pub(crate) language: u8,
    pub(crate) topic: u8,
}

impl World {
    /// A user's profile, the same as author and as reader.
    pub(crate) fn profile(&self, user: u32) -> Profile {
        let mut random = self.seed.random(Purpose::Profile, user.into(), 0);
        let (mut log_followers, mut verified) = (4.8 + 1.5 * normal(&mut random), 0.004);
        if let Some(number) = self.author_of(user) {
            let fame = (self.popularity(number) * f64::from(self.authors)).ln();
            log_followers += 2.4 + 0.6 * fame + 0.7 * self.author(number).appeal;
            verified = (0.1 + 0.08 * fame).clamp(0.01, 0.7);
        }
        let age = uniform(&mut random).powf(0.8);
        Profile {
            id: self.seed.id(Purpose::UserId, user.into()),
            followers: log_followers.exp().min(1.5e8) as u32,
            following: (5.6 + 1.1 * normal(&mut random)).exp().min(1e6) as u32,
            verified: chance(&mut random, verified),
            created: (FIRST_CREATION + age * (LAST_CREATION - FIRST_CREATION)) as u32,
        }
    }

    /// A user as a reader.
    pub(crate) fn reader(&self, user: u32) -> Reader {
        let mut random = self.seed.random(Purpose::Propensity, user.into(), 0);
        let activity = f64::from(self.users).ln() - (f64::from(user) + 1.0).ln() - 1.0;
        let propensity = normals(&mut random, 0.25).map(|own| 0.95 * own + 0.3 * activity);
        let home = match self.author_of(user) {
            // Who writes reads the own circle, so that some pairs read each other.
            Some(number) => self.circle_of(number),
            None => self.circle_popularity.rank(uniform(&mut random)) as u32,
        };
        let interests = random.random_range(1..5);
        Reader { user, propensity, language: self.circle(home).language, interests, home }
    }

    /// One of the circles the reader likes, the first ones more often.
    pub(crate) fn interest(&self, reader: &Reader, random: &mut Random) -> u32 {
        let interest = (reader.interests as f64 * uniform(random).powf(1.6)) as u64;
        if interest == 0 {
            return reader.home;
        }
        let mut own = self.seed.random(Purpose::Interest, reader.user.into(), interest);
        let mut candidate = || self.circle_popularity.rank(uniform(&mut own)) as u32;
        let first = candidate();
        let others = [candidate(), candidate(), candidate()];
        let readable = |circle: &u32| self.circle(*circle).language == reader.language;
        [first].into_iter().chain(others).find(readable).unwrap_or(first)
    }

    /// An author by number.
    pub(crate) fn author(&self, number: u32) -> Author {
        let mut random = self.seed.random(Purpose::Author, number.into(), 0);
        let appeal = normal(&mut random);
        let effect = normals(&mut random, 0.2).map(|own| 0.6 * appeal + 0.8 * own);
        Author { number, appeal, effect }
    }

    /// A circle by number.
    pub(crate) fn circle(&self, number: u32) -> Circle {
        let mut random = self.seed.random(Purpose::Circle, number.into(), 0);
        let language = self.languages.rank(uniform(&mut random)) as u8;
        Circle { language, topic: random.random_range(0..TOPICS as u8) }
    }

    /// How much more than others this reader takes to this author, standard normal a reaction.
    pub(crate) fn affinity(&self, reader: u32, author: u32) -> PerReaction<f64> {
        normals(&mut self.seed.random(Purpose::Pair, reader.into(), author.into()), 0.5)
    }

    /// How much more than others this reader takes to tweets in this language, standard normal a reaction.
    pub(crate) fn language_taste(&self, reader: u32, language: u8) -> PerReaction<f64> {
        normals(&mut self.seed.random(Purpose::LanguageTaste, reader.into(), language.into()), 0.5)
    }

    /// How much more than others this reader takes to this topic, standard normal a reaction.
    pub(crate) fn topic_taste(&self, reader: u32, topic: u8) -> PerReaction<f64> {
        normals(&mut self.seed.random(Purpose::TopicTaste, reader.into(), topic.into()), 0.5)
    }

    /// Whether the author follows the reader (field 19): whoever is let into a circle is followed by most of its
    /// authors.
    pub(crate) fn follows(&self, author: u32, reader: u32) -> bool {
        let circle = self.circle_of(author);
        let mut circle_random = self.seed.random(Purpose::InnerCircle, reader.into(), circle.into());
        let share = if chance(&mut circle_random, 0.42) { 0.85 } else { 0.145 };
        // Numbers above all circles' belong to single authors.
        let mut random = self.seed.random(Purpose::InnerCircle, reader.into(), (1 << 32) + u64::from(author));
        chance(&mut random, share)
    }
}

#[cfg(test)]
mod tests {
    use crate::random::Purpose;
    use crate::world::tests::small;

    #[test]
    fn who_writes_reads_the_own_circle() {
        let world = small();
        let reader = world.reader(world.user_of(7));
        let mut random = world.seed.random(Purpose::Block, 0, 0);
        let own = (0..100).filter(|_| world.interest(&reader, &mut random) == world.circle_of(7)).count();
        assert!(own > 25, "{own}");
    }

    #[test]
    fn authors_of_a_circle_follow_the_same_readers() {
        let world = small();
        let (mut both, mut either) = (0, 0);
        for reader in 0..2_000 {
            let (first, second) = (world.follows(3, reader), world.follows(3 + world.circles, reader));
            both += u32::from(first && second);
            either += u32::from(first || second);
        }
        assert!(both * 10 > either * 4, "{both} of {either}");
    }
}
