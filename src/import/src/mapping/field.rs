//! The fields of a record that a mapping can fill, as one table.

use skimlog_formats::Reaction;

/// What a field of a record takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An id of any type.
    Id,
    /// A list of ids.
    Ids,
    /// A list of token ids.
    Tokens,
    /// Text, to be cut into tokens.
    Text,
    /// A list of words, each a kind of media.
    Media,
    /// A word, the type of a tweet.
    Type,
    /// A time.
    Time,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// The time of a reaction, or whether there was one; null where there was none.
    Reaction,
}

/// A field of a record, as a mapping names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "`about` says what each one is")]
pub enum LogField {
    Tweet,
    Text,
    Tokens,
    Hashtags,
    Media,
    Links,
    Domains,
    Type,
    Language,
    Time,
    Author,
    AuthorFollowers,
    AuthorFollowing,
    AuthorVerified,
    AuthorCreated,
    Reader,
    ReaderFollowers,
    ReaderFollowing,
    ReaderVerified,
    ReaderCreated,
    Follows,
    Like,
    Reply,
    Retweet,
    Quote,
    Shown,
}

impl LogField {
    /// How many there are.
    pub const COUNT: usize = 26;

    /// All of them, in the order of a record.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Tweet,
        Self::Text,
        Self::Tokens,
        Self::Hashtags,
        Self::Media,
        Self::Links,
        Self::Domains,
        Self::Type,
        Self::Language,
        Self::Time,
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
        Self::Follows,
        Self::Like,
        Self::Reply,
        Self::Retweet,
        Self::Quote,
        Self::Shown,
    ];

    /// Its key in a mapping, with a dot between levels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tweet => "tweet",
            Self::Text => "text",
            Self::Tokens => "tokens",
            Self::Hashtags => "hashtags",
            Self::Media => "media",
            Self::Links => "links",
            Self::Domains => "domains",
            Self::Type => "type",
            Self::Language => "language",
            Self::Time => "time",
            Self::Author => "author.id",
            Self::AuthorFollowers => "author.followers",
            Self::AuthorFollowing => "author.following",
            Self::AuthorVerified => "author.verified",
            Self::AuthorCreated => "author.created",
            Self::Reader => "reader.id",
            Self::ReaderFollowers => "reader.followers",
            Self::ReaderFollowing => "reader.following",
            Self::ReaderVerified => "reader.verified",
            Self::ReaderCreated => "reader.created",
            Self::Follows => "follows",
            Self::Like => "reactions.like",
            Self::Reply => "reactions.reply",
            Self::Retweet => "reactions.retweet",
            Self::Quote => "reactions.quote",
            Self::Shown => "shown",
        }
    }

    /// What it is, and what stands for it where it is not mapped or null.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Tweet => "id of the post; required",
            Self::Text => "text of the post, cut into tokens by `tokenizer: FILE`; null or unmapped: an empty text",
            Self::Tokens => "token ids of the post instead of its text, [CLS] and [SEP] included",
            Self::Hashtags => "hashtags of the post; null: none",
            Self::Media => "media of the post (Photo, Video, GIF); null: none",
            Self::Links => "links in the post; null: none",
            Self::Domains => "domains of these links; null: none",
            Self::Type => "TopLevel, Retweet, Quote or Reply; null: TopLevel",
            Self::Language => "language of the post; null: the language `und`, undetermined",
            Self::Time => "when the post was written; required",
            Self::Author => "id of who wrote the post; required",
            Self::AuthorFollowers => "accounts that follow the author; null or unmapped: 0",
            Self::AuthorFollowing => "accounts that the author follows; null or unmapped: 0",
            Self::AuthorVerified => "whether the author is verified; null or unmapped: no",
            Self::AuthorCreated => "when the author's account was created; null or unmapped: an account of 0 days",
            Self::Reader => "id of who saw the post; required",
            Self::ReaderFollowers => "accounts that follow the reader; null or unmapped: 0",
            Self::ReaderFollowing => "accounts that the reader follows; null or unmapped: 0",
            Self::ReaderVerified => "whether the reader is verified; null or unmapped: no",
            Self::ReaderCreated => "when the reader's account was created; null or unmapped: an account of 0 days",
            Self::Follows => "whether author and reader are connected, one way for the whole log; null: no",
            Self::Like => "when, or whether, the reader liked the post; null: not",
            Self::Reply => "when, or whether, the reader replied; null: not",
            Self::Retweet => "when, or whether, the reader passed the post on; null: not",
            Self::Quote => "when, or whether, the reader passed the post on with a comment; null: not",
            Self::Shown => {
                "when the reader saw the post: the time of a reaction that is only a yes; unmapped: the post's"
            }
        }
    }

    /// What it takes.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Tweet | Self::Language | Self::Author | Self::Reader => Kind::Id,
            Self::Text => Kind::Text,
            Self::Tokens => Kind::Tokens,
            Self::Hashtags | Self::Links | Self::Domains => Kind::Ids,
            Self::Media => Kind::Media,
            Self::Type => Kind::Type,
            Self::Time | Self::AuthorCreated | Self::ReaderCreated | Self::Shown => Kind::Time,
            Self::AuthorFollowers | Self::AuthorFollowing | Self::ReaderFollowers | Self::ReaderFollowing => {
                Kind::Number
            }
            Self::AuthorVerified | Self::ReaderVerified | Self::Follows => Kind::Flag,
            Self::Like | Self::Reply | Self::Retweet | Self::Quote => Kind::Reaction,
        }
    }

    /// Whether a log without it, or a row where it is null, is no log of impressions.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Tweet | Self::Time | Self::Author | Self::Reader)
    }

    /// The field of a reaction.
    pub const fn of_reaction(reaction: Reaction) -> Self {
        match reaction {
            Reaction::Like => Self::Like,
            Reaction::Reply => Self::Reply,
            Reaction::Retweet => Self::Retweet,
            Reaction::Quote => Self::Quote,
        }
    }

    /// The field that a mapping calls so; `author` is `author.id`, `reader` is `reader.id`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "author" => Some(Self::Author),
            "reader" => Some(Self::Reader),
            _ => Self::ALL.into_iter().find(|field| field.name() == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for (index, field) in LogField::ALL.into_iter().enumerate() {
            assert_eq!(LogField::named(field.name()), Some(field));
            assert_eq!(field as usize, index);
            assert_eq!(field.is_required(), field.about().ends_with("; required"), "{}", field.name());
        }
    }
}
