//! Who sees what: draws a reader and a tweet.

use skimlog_formats::{PerReaction, Reaction};

use crate::people::{Author, Reader};
use crate::random::{Random, chance, pick, uniform};
use crate::tweet::{Tweet, TweetKey};
use crate::world::{Set, World};

/// A reader sees a tweet. Everything in it, the reactions too, follows from the reader's and the tweet's numbers.
pub(crate) struct Encounter {
    pub(crate) reader: Reader,
    pub(crate) author: Author,
    pub(crate) key: TweetKey,
    pub(crate) tweet: Tweet,
    /// Whether the author follows the reader.
    pub(crate) follows: bool,
    /// How this reader takes to this author.
    pub(crate) affinity: PerReaction<f64>,
}

/// How often a reader sees a tweet from outside the circles the reader likes.
const DISCOVERY: f64 = 0.15;
/// How often the better liked of two authors is the one the reader sees.
const PREFERENCE: f64 = 0.7;

impl World {
    /// Draws the next record of a set.
    pub(crate) fn encounter(&self, set: Set, random: &mut Random) -> Encounter {
        let (user, key) = self.draw(set, random);
        self.encounter_of(user, key)
    }

    /// The encounter of a user with a tweet.
    pub(crate) fn encounter_of(&self, user: u32, key: TweetKey) -> Encounter {
        let (tweet, follows) = (self.tweet(key), self.follows(key.author, user));
        let (author, affinity) = (self.author(key.author), self.affinity(user, key.author));
        Encounter { reader: self.reader(user), author, key, tweet, follows, affinity }
    }

    /// Draws which user sees which tweet in the next record of a set.
    fn draw(&self, set: Set, random: &mut Random) -> (u32, TweetKey) {
        let user = self.reading.rank(uniform(random)) as u32;
        let reader = self.reader(user);
        let circle = if chance(random, DISCOVERY) {
            self.circle_popularity.rank(uniform(random)) as u32
        } else {
            self.interest(&reader, random)
        };
        let [first, second] = [(); 2].map(|()| self.someone_else(circle, user, random));
        let liking = |author| self.affinity(user, author)[Reaction::Like];
        let preferred = second != first && chance(random, PREFERENCE) && liking(second) > liking(first);
        let author = if preferred { second } else { first };
        let period = set.period();
        let tweets = self.tweets(author, period);
        // The first tweets of an author are seen more often than the others.
        let number = (f64::from(tweets) * uniform(random).powf(1.4)) as u32;
        (user, TweetKey { author, period, number: number.min(tweets - 1) })
    }

    /// An author of a circle who is not the reader.
    fn someone_else(&self, circle: u32, user: u32, random: &mut Random) -> u32 {
        let author = self.author_at(circle, pick(&self.rank_popularity, uniform(random)) as u32);
        if self.user_of(author) == user { (author + 1) % self.authors } else { author }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::random::Purpose;
    use crate::world::tests::small;

    #[test]
    fn nobody_reads_the_own_tweets_and_favourites_come_again() {
        let world = small();
        let mut random = world.seed.random(Purpose::Block, 0, 0);
        let mut pairs: HashMap<(u32, u32), (u32, f64)> = HashMap::new();
        for _ in 0..20_000 {
            let encounter = world.encounter(Set::Train, &mut random);
            assert_ne!(world.user_of(encounter.author.number), encounter.reader.user);
            let pair = pairs.entry((encounter.reader.user, encounter.author.number)).or_default();
            *pair = (pair.0 + 1, encounter.affinity[Reaction::Like]);
        }
        let mean = |wanted: fn(u32) -> bool| {
            let liked: Vec<f64> = pairs.values().filter(|pair| wanted(pair.0)).map(|pair| pair.1).collect();
            liked.iter().sum::<f64>() / liked.len() as f64
        };
        assert!(mean(|times| times > 3) > mean(|times| times == 1) + 0.15);
        assert!(pairs.len() < 14_000, "{}", pairs.len());
    }
}
