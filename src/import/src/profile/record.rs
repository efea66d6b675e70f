//! A record as it will be read, for people.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Serialize;
use skimlog_formats::record::{NO_REACTION, RecordBatch, Users};
use skimlog_formats::{Id, Reaction};

use crate::identity::id_of;
use crate::mapping::{LogField, Mapping};
use crate::rows::IdSink;

/// First tokens that are shown.
const TOKENS: usize = 8;

/// The texts of ids.
#[derive(Default)]
pub(super) struct OwnTexts(HashMap<Id, String>);

impl IdSink for OwnTexts {
    type Error = std::convert::Infallible;

    fn id(&mut self, text: &str) -> Result<Id, Self::Error> {
        let id = id_of(text.as_bytes());
        self.0.entry(id).or_insert_with(|| text.to_owned());
        Ok(id)
    }
}

impl OwnTexts {
    fn get(&self, id: Id) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn all(&self, ids: &[Id]) -> Vec<String> {
        ids.iter().map(|&id| self.get(id)).collect()
    }
}

/// A record as it will be read: ids as the log has them, times in ISO 8601.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SampleRecord {
    /// Id of the post.
    pub tweet: String,
    /// When it was written.
    pub time: String,
    /// TopLevel, Retweet, Quote or Reply.
    pub r#type: &'static str,
    /// Its language.
    pub language: String,
    /// How many tokens its text has.
    pub n_tokens: usize,
    /// The first of these tokens.
    pub first_tokens: Vec<u32>,
    /// Hashtags.
    pub hashtags: Vec<String>,
    /// Kinds of media.
    pub media: Vec<&'static str>,
    /// Links.
    pub links: Vec<String>,
    /// Domains of the links.
    pub domains: Vec<String>,
    /// Who wrote the post.
    pub author: SampleUser,
    /// Who saw it.
    pub reader: SampleUser,
    /// Whether author and reader are connected.
    pub follows: bool,
    /// When the reader reacted, by the mapping's name of the reaction; those that there were.
    pub reactions: BTreeMap<String, String>,
}

/// An author or a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SampleUser {
    /// The user's id.
    pub id: String,
    /// Accounts that follow the user.
    pub followers: i64,
    /// Accounts that the user follows.
    pub following: i64,
    /// Whether the account is verified.
    pub verified: bool,
    /// When the account was created.
    pub created: String,
}

impl SampleRecord {
    pub(super) fn of(batch: &RecordBatch, row: usize, texts: &OwnTexts, mapping: &Mapping) -> Self {
        let tokens = batch.tokens.get(row);
        let user = |users: &Users| SampleUser {
            id: texts.get(users.id[row]),
            followers: users.followers[row],
            following: users.following[row],
            verified: users.verified[row],
            created: iso(users.created[row]),
        };
        let reacted = |reaction: Reaction| {
            let time =
                batch.reactions.as_ref().map(|times| times[reaction][row]).filter(|&time| time != NO_REACTION)?;
            mapping.field(LogField::of_reaction(reaction))?;
            Some((mapping.reaction_names[reaction].clone(), iso(time)))
        };
        Self {
            tweet: texts.get(batch.tweet[row]),
            time: iso(batch.tweet_time[row]),
            r#type: batch.tweet_type[row].name(),
            language: texts.get(batch.language[row]),
            n_tokens: tokens.len(),
            first_tokens: tokens.iter().copied().take(TOKENS).collect(),
            hashtags: texts.all(batch.hashtags.get(row)),
            media: batch.media.get(row).iter().map(|media| media.name()).collect(),
            links: texts.all(batch.links.get(row)),
            domains: texts.all(batch.domains.get(row)),
            author: user(&batch.author),
            reader: user(&batch.reader),
            follows: batch.author_follows_reader[row],
            reactions: Reaction::ALL.into_iter().filter_map(reacted).collect(),
        }
    }
}

/// A time in ISO 8601, or its seconds where the calendar does not reach.
pub(super) fn iso(seconds: i64) -> String {
    let time = chrono::DateTime::from_timestamp(seconds, 0);
    time.map_or_else(|| seconds.to_string(), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}
