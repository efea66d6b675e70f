//! The raw record's fields by name, and how many of them a record has.

use std::fmt;

use crate::Reaction;

/// Separates the fields of a record.
pub const FIELD_SEPARATOR: u8 = 0x01;
/// Separates the items of a list field.
pub const LIST_SEPARATOR: u8 = b'\t';

/// A field of the raw record. The discriminants are the fields' places in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// The ids of the text's tokens.
    Tokens = 0,
    /// The ids of the hashtags.
    Hashtags,
    /// The tweet id.
    Tweet,
    /// The kinds of media.
    Media,
    /// The ids of the links.
    Links,
    /// The ids of the links' domains.
    Domains,
    /// The tweet type.
    TweetType,
    /// The language.
    Language,
    /// The tweet timestamp.
    TweetTime,
    /// The author id.
    Author,
    /// The author follower count.
    AuthorFollowers,
    /// The author following count.
    AuthorFollowing,
    /// The flag whether the author is verified.
    AuthorVerified,
    /// The creation time of the author's account.
    AuthorCreated,
    /// The reader id.
    Reader,
    /// The reader follower count.
    ReaderFollowers,
    /// The reader following count.
    ReaderFollowing,
    /// The flag whether the reader is verified.
    ReaderVerified,
    /// The creation time of the reader's account.
    ReaderCreated,
    /// The flag whether the author (the engagee) follows the reader (the engager).
    AuthorFollowsReader,
    /// The reply timestamp.
    ReplyTime,
    /// The retweet timestamp.
    RetweetTime,
    /// The quote timestamp.
    QuoteTime,
    /// The like timestamp.
    LikeTime,
}

impl Field {
    /// All 24 fields, in the order of a line. Records without reactions have the first 20.
    pub const ALL: [Self; 24] = [
        Self::Tokens,
        Self::Hashtags,
        Self::Tweet,
        Self::Media,
        Self::Links,
        Self::Domains,
        Self::TweetType,
        Self::Language,
        Self::TweetTime,
        Self::Author,
        Self::AuthorFollowers,
        Self::AuthorFollowing,
        Self::AuthorVerified,
        Self::AuthorCreated,
        Self::Reader,
        Self::ReaderFollowers,
        Self::ReaderFollowing,
        Self::ReaderVerified,
        Self::ReaderCreated,
        Self::AuthorFollowsReader,
        Self::ReplyTime,
        Self::RetweetTime,
        Self::QuoteTime,
        Self::LikeTime,
    ];

    /// The field's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "text tokens",
            Self::Hashtags => "hashtags",
            Self::Tweet => "tweet id",
            Self::Media => "present media",
            Self::Links => "present links",
            Self::Domains => "present domains",
            Self::TweetType => "tweet type",
            Self::Language => "language",
            Self::TweetTime => "tweet timestamp",
            Self::Author => "author id",
            Self::AuthorFollowers => "author follower count",
            Self::AuthorFollowing => "author following count",
            Self::AuthorVerified => "author is verified",
            Self::AuthorCreated => "author account creation",
            Self::Reader => "reader id",
            Self::ReaderFollowers => "reader follower count",
            Self::ReaderFollowing => "reader following count",
            Self::ReaderVerified => "reader is verified",
            Self::ReaderCreated => "reader account creation",
            Self::AuthorFollowsReader => "engagee follows engager",
            Self::ReplyTime => "reply timestamp",
            Self::RetweetTime => "retweet timestamp",
            Self::QuoteTime => "quote timestamp",
            Self::LikeTime => "like timestamp",
        }
    }

    /// The field that holds the time of a reaction.
    pub const fn time_of(reaction: Reaction) -> Self {
        match reaction {
            Reaction::Like => Self::LikeTime,
            Reaction::Reply => Self::ReplyTime,
            Reaction::Retweet => Self::RetweetTime,
            Reaction::Quote => Self::QuoteTime,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How many fields the records of a part have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldCount {
    /// 24: training and validation records, with the reactions' times.
    Labelled,
    /// 20: test records, without reactions.
    Unlabelled,
}

impl FieldCount {
    /// The number of fields, 24 or 20.
    pub const fn fields(self) -> usize {
        match self {
            Self::Labelled => 24,
            Self::Unlabelled => 20,
        }
    }

    /// The kind of record with this number of fields, if there is one.
    pub const fn from_fields(fields: usize) -> Option<Self> {
        match fields {
            24 => Some(Self::Labelled),
            20 => Some(Self::Unlabelled),
            _ => None,
        }
    }

    /// The kind of record a line seems to be, from its number of fields alone. The line comes without its newline.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        Self::from_fields(fields_of(line))
    }

    /// Whether the records have reactions.
    pub const fn has_reactions(self) -> bool {
        matches!(self, Self::Labelled)
    }
}

/// Number of fields of a line.
pub(super) fn fields_of(line: &[u8]) -> usize {
    memchr::memchr_iter(FIELD_SEPARATOR, line).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_discriminants() {
        for (place, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, place);
        }
        for (reaction, place) in Reaction::RECORD_ORDER.into_iter().zip(20..) {
            assert_eq!(Field::time_of(reaction) as usize, place);
        }
    }
}
