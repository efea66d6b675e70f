//! Generated records of about the right shape, from a fixed seed.

use skimlog_formats::part::BLOCK_ROWS;
use skimlog_formats::record::{Media, NO_REACTION, RecordBatch, TweetType, Users};
use skimlog_formats::{Id, PerReaction, Reaction};

const VOCABULARY: u64 = 119_547;
const AUTHORS: f64 = 500_000.0;
const READERS: f64 = 2_000_000.0;
const FIRST_SECOND: i64 = 1_612_396_800;
const SECONDS: u64 = 21 * 86_400;

/// SplitMix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal, nearly: the sum of twelve uniforms.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Log-normal with this median and deviation of the logarithm.
    fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * (deviation * self.normal()).exp()
    }
}

/// The id of a thing of some family.
fn id(family: u64, number: u64) -> Id {
    let mut noise = Noise(family << 48 ^ number);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&noise.next().to_le_bytes());
    id[8..].copy_from_slice(&noise.next().to_le_bytes());
    Id(id)
}

/// Batches of [`BLOCK_ROWS`] records: Zipf tokens, long-tailed readers and authors, 3 % of the tweets seen before.
pub(super) fn batches(rows: usize) -> Vec<RecordBatch> {
    let mut noise = Noise(1);
    let mut tweets = 0;
    let sizes = (0..rows).step_by(BLOCK_ROWS).map(|start| (rows - start).min(BLOCK_ROWS));
    sizes.map(|size| batch(size, &mut noise, &mut tweets)).collect()
}

fn batch(rows: usize, noise: &mut Noise, tweets: &mut u64) -> RecordBatch {
    let mut batch = RecordBatch { rows, reactions: Some(PerReaction::default()), ..RecordBatch::default() };
    for _ in 0..rows {
        // A tweet's own columns follow from its number alone, so that a tweet seen again is the same tweet.
        let seen_before = noise.chance(0.03);
        let tweet = if seen_before { tweets.saturating_sub(1 + noise.next() % 20_000) } else { *tweets };
        *tweets += u64::from(!seen_before);
        let time = push_tweet(&mut batch, tweet);
        push_user(&mut batch.reader, 2, (READERS * noise.uniform().powi(2)) as u64, time);
        batch.author_follows_reader.push(noise.chance(0.44));
        if let Some(times) = &mut batch.reactions {
            let rates =
                [(Reaction::Like, 0.4), (Reaction::Retweet, 0.09), (Reaction::Reply, 0.026), (Reaction::Quote, 0.007)];
            for (reaction, rate) in rates {
                let delay = noise.log_normal(3000.0, 1.8).min(86_400.0) as i64;
                times[reaction].push(if noise.chance(rate) { time + delay } else { NO_REACTION });
            }
        }
    }
    batch
}

/// Adds the tweet's columns and gives its time.
fn push_tweet(batch: &mut RecordBatch, tweet: u64) -> i64 {
    let mut noise = Noise(tweet ^ 0x7EE7 << 40);
    let noise = &mut noise;
    let time = FIRST_SECOND + (noise.next() % SECONDS) as i64;
    let length = noise.log_normal(33.0, 0.6).clamp(1.0, 298.0) as usize;
    batch.tokens.push_value(101);
    for _ in 0..length {
        let rank = (VOCABULARY as f64).powf(noise.uniform()) as u64 - 1;
        batch.tokens.push_value((rank * 7919 % VOCABULARY) as u32);
    }
    batch.tokens.push_value(102);
    batch.tokens.close();
    let hashtags = if noise.chance(0.16) { 1 + noise.next() % 3 } else { 0 };
    let hashtags: Vec<Id> = (0..hashtags).map(|_| id(3, 200_000f64.powf(noise.uniform()) as u64)).collect();
    batch.hashtags.push(&hashtags);
    batch.tweet.push(id(4, tweet));
    let media = if noise.chance(0.4) { 1 + noise.next() % 2 } else { 0 };
    let kind = [Media::Photo, Media::Photo, Media::Photo, Media::Video, Media::Gif][(noise.next() % 5) as usize];
    batch.media.push(&vec![kind; media as usize]);
    let links = if noise.chance(0.15) { 1 } else { 0 };
    let links: Vec<u64> = (0..links).map(|_| noise.next() % 3_000_000).collect();
    batch.links.push(&links.iter().map(|&link| id(5, link)).collect::<Vec<_>>());
    batch.domains.push(&links.iter().map(|&link| id(6, 1 + link % 9000 / (1 + link % 90))).collect::<Vec<_>>());
    let kind = [(0.45, TweetType::TopLevel), (0.8, TweetType::Retweet), (1.1, TweetType::Quote)];
    let draw = noise.uniform();
    batch.tweet_type.extend(kind.into_iter().find(|(below, _)| draw < *below).map(|(_, kind)| kind));
    batch.language.push(id(7, 65f64.powf(noise.uniform()) as u64));
    batch.tweet_time.push(time);
    push_user(&mut batch.author, 1, (AUTHORS * noise.uniform().powi(4)) as u64, time);
    time
}

/// A user's profile depends on the user; the counts also move a little, a few times in three weeks.
fn push_user(users: &mut Users, side: u64, user: u64, time: i64) {
    let mut noise = Noise(user ^ side << 50);
    let (median, deviation) = if side == 1 { (2000.0, 2.2) } else { (250.0, 1.5) };
    let followers = noise.log_normal(median, deviation);
    let following = noise.log_normal(350.0, 1.2);
    let (verified, created) = (noise.chance(0.05), 1_150_000_000 + (noise.next() % 460_000_000) as i64);
    let growth = 1.0 + f64::from(((time as u64 + noise.next() % SECONDS) / 400_000) as u32 % 6) / 500.0;
    users.id.push(id(side, user));
    users.followers.push((followers * growth) as i64);
    users.following.push((following * growth) as i64);
    users.verified.push(verified);
    users.created.push(created);
}
