//! Writes a record's text directly, without a record in memory.

use skimlog_formats::record::{FIELD_SEPARATOR, LIST_SEPARATOR};
use skimlog_formats::{Id, Reaction};

use crate::encounter::Encounter;
use crate::engagement::{Outcome, happened};
use crate::people::Profile;
use crate::vocabulary::Vocabulary;
use crate::world::{Set, World};

/// Appends a record: 24 fields, or 20 in the test set.
pub(crate) fn write_record(
    world: &World,
    vocabulary: &Vocabulary,
    set: Set,
    encounter: &Encounter,
    outcome: &Outcome,
    text: &mut Vec<u8>,
) {
    let tweet = &encounter.tweet;
    vocabulary.write(tweet, &mut tweet.tokens.clone(), text);
    text.push(FIELD_SEPARATOR);
    ids(tweet.hashtags.as_slice(), text);
    ids(&[tweet.id], text);
    if let Some((media, count)) = tweet.media {
        for number in 0..count {
            if number > 0 {
                text.push(LIST_SEPARATOR);
            }
            text.extend_from_slice(media.name().as_bytes());
        }
    }
    text.push(FIELD_SEPARATOR);
    ids(tweet.links.as_slice(), text);
    ids(tweet.domains.as_slice(), text);
    word(tweet.kind.name(), text);
    ids(&[world.language_ids[usize::from(tweet.language)]], text);
    decimal(tweet.time, text);
    profile(&world.profile(world.user_of(encounter.author.number)), text);
    profile(&world.profile(encounter.reader.user), text);
    text.extend_from_slice(flag(encounter.follows).as_bytes());
    if set != Set::Test {
        for reaction in Reaction::RECORD_ORDER {
            text.push(FIELD_SEPARATOR);
            if happened(&outcome.times, reaction) {
                text.extend_from_slice(itoa::Buffer::new().format(outcome.times[reaction]).as_bytes());
            }
        }
    }
    text.push(b'\n');
}

/// Appends a test record's line of labels: tweet id, reader id, then 0 or 1 for reply, retweet, quote, like (the order
/// of the raw record's columns), separated by TAB.
pub(crate) fn write_labels(world: &World, encounter: &Encounter, outcome: &Outcome, text: &mut Vec<u8>) {
    text.extend_from_slice(&encounter.tweet.id.to_hex());
    text.push(b'\t');
    text.extend_from_slice(&world.profile(encounter.reader.user).id.to_hex());
    for reaction in Reaction::RECORD_ORDER {
        text.extend_from_slice(if happened(&outcome.times, reaction) { b"\t1" } else { b"\t0" });
    }
    text.push(b'\n');
}

fn ids(ids: &[Id], text: &mut Vec<u8>) {
    for (number, id) in ids.iter().enumerate() {
        if number > 0 {
            text.push(LIST_SEPARATOR);
        }
        text.extend_from_slice(&id.to_hex());
    }
    text.push(FIELD_SEPARATOR);
}

fn word(word: &str, text: &mut Vec<u8>) {
    text.extend_from_slice(word.as_bytes());
    text.push(FIELD_SEPARATOR);
}

fn decimal(number: u32, text: &mut Vec<u8>) {
    word(itoa::Buffer::new().format(number), text);
}

fn flag(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn profile(profile: &Profile, text: &mut Vec<u8>) {
    ids(&[profile.id], text);
    decimal(profile.followers, text);
    decimal(profile.following, text);
    word(flag(profile.verified), text);
    decimal(profile.created, text);
}
