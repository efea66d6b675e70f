//! Arbitrary records for property tests.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Media, NO_REACTION, RecordBatch, TweetType, Users, VOCABULARY};
use crate::{Id, PerReaction, Reaction};

/// Batches of valid records: `rows` of them, with reactions or without. A few ids occur again and again.
pub fn batches(rows: Range<usize>) -> impl Strategy<Value = RecordBatch> {
    (vec(row(), rows), any::<bool>()).prop_map(|(rows, labelled)| {
        let mut batch = RecordBatch { reactions: labelled.then(PerReaction::default), ..RecordBatch::default() };
        rows.iter().for_each(|row| row.add_to(&mut batch));
        batch
    })
}

/// Bytes to damage a text with: any, but often ones that mean something in a record.
pub fn bytes() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(b"\x01\t\n\r0159AFaf-+ Pt".to_vec())]
}

#[derive(Clone, Debug)]
struct Row {
    tokens: Vec<u32>,
    /// Hashtags, links and domains.
    lists: [Vec<Id>; 3],
    media: Vec<Media>,
    tweet_type: TweetType,
    tweet: Id,
    language: Id,
    time: i64,
    users: [User; 2],
    follows: bool,
    reactions: PerReaction<i64>,
}

type User = (Id, i64, i64, bool, i64);

fn id() -> impl Strategy<Value = Id> {
    prop_oneof![(0..5u8).prop_map(|few| Id([few * 51; 16])), any::<[u8; 16]>().prop_map(Id)]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0..200i64, 2 => any::<u32>().prop_map(i64::from), 1 => any::<i64>(), 1 => extreme()]
}

fn time() -> impl Strategy<Value = i64> {
    let usual = 1_612_000_000..1_615_000_000i64;
    prop_oneof![8 => usual, 1 => any::<u32>().prop_map(i64::from), 1 => any::<i64>(), 1 => extreme()]
}

/// Numbers at which something ends: digits, bits, or all numbers.
fn extreme() -> impl Strategy<Value = i64> {
    let powers = (0..19u32).prop_map(|digits| 10i64.pow(digits));
    let power = prop_oneof![powers, (0..63u32).prop_map(|bits| 1i64 << bits), Just(i64::MAX), Just(0)];
    (power, -1..=1i64, any::<bool>()).prop_map(|(power, step, negative)| {
        let number = power.saturating_add(step);
        if negative { number.wrapping_neg() } else { number }
    })
}

fn user() -> impl Strategy<Value = User> {
    (id(), number(), number(), any::<bool>(), time())
}

fn row() -> impl Strategy<Value = Row> {
    let token = prop_oneof![0..VOCABULARY, 0..12u32, Just(VOCABULARY - 1)];
    let ids = || vec(id(), 0..4);
    let text = (vec(token, 1..60), [ids(), ids(), ids()], vec(prop::sample::select(Media::ALL.to_vec()), 0..4));
    let tweet = (prop::sample::select(TweetType::ALL.to_vec()), id(), id(), time());
    let reaction = || prop_oneof![Just(NO_REACTION), time()];
    let reactions = [reaction(), reaction(), reaction(), reaction()].prop_map(PerReaction::from_count_order);
    (text, tweet, [user(), user()], any::<bool>(), reactions).prop_map(|(text, tweet, users, follows, reactions)| {
        let ((tokens, lists, media), (tweet_type, tweet, language, time)) = (text, tweet);
        Row { tokens, lists, media, tweet_type, tweet, language, time, users, follows, reactions }
    })
}

impl Row {
    fn add_to(&self, batch: &mut RecordBatch) {
        batch.rows += 1;
        batch.tokens.push(&self.tokens);
        batch.hashtags.push(&self.lists[0]);
        batch.tweet.push(self.tweet);
        batch.media.push(&self.media);
        batch.links.push(&self.lists[1]);
        batch.domains.push(&self.lists[2]);
        batch.tweet_type.push(self.tweet_type);
        batch.language.push(self.language);
        batch.tweet_time.push(self.time);
        add_user(self.users[0], &mut batch.author);
        add_user(self.users[1], &mut batch.reader);
        batch.author_follows_reader.push(self.follows);
        if let Some(times) = &mut batch.reactions {
            Reaction::ALL.into_iter().for_each(|reaction| times[reaction].push(self.reactions[reaction]));
        }
    }
}

fn add_user((id, followers, following, verified, created): User, users: &mut Users) {
    users.id.push(id);
    users.followers.push(followers);
    users.following.push(following);
    users.verified.push(verified);
    users.created.push(created);
}
