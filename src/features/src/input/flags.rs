//! The twelve yes/no features of a record.

use skimlog_formats::record::{Media, RecordBatch, TweetType};

use super::FLAGS;

/// A yes/no feature. The discriminants are the order of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Flag {
    /// The author follows the reader.
    AuthorFollowsReader = 0,
    /// The author's account is verified.
    AuthorVerified = 1,
    /// The reader's account is verified.
    ReaderVerified = 2,
    /// The tweet has a hashtag.
    HasHashtag = 3,
    /// The tweet has an animated picture.
    HasGif = 4,
    /// The tweet has a picture.
    HasPhoto = 5,
    /// The tweet has a film.
    HasVideo = 6,
    /// The tweet has a link.
    HasLink = 7,
    /// The tweet has a link whose domain is known.
    HasDomain = 8,
    /// The tweet comments on another.
    IsQuote = 9,
    /// The tweet passes another on.
    IsRetweet = 10,
    /// The tweet stands alone.
    IsTopLevel = 11,
}

impl Flag {
    /// All flags in the order of the network's input.
    pub const ALL: [Self; FLAGS] = [
        Self::AuthorFollowsReader,
        Self::AuthorVerified,
        Self::ReaderVerified,
        Self::HasHashtag,
        Self::HasGif,
        Self::HasPhoto,
        Self::HasVideo,
        Self::HasLink,
        Self::HasDomain,
        Self::IsQuote,
        Self::IsRetweet,
        Self::IsTopLevel,
    ];

    /// The flag's name, as in column names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorFollowsReader => "author_follows_reader",
            Self::AuthorVerified => "author_verified",
            Self::ReaderVerified => "reader_verified",
            Self::HasHashtag => "has_hashtag",
            Self::HasGif => "has_gif",
            Self::HasPhoto => "has_photo",
            Self::HasVideo => "has_video",
            Self::HasLink => "has_link",
            Self::HasDomain => "has_domain",
            Self::IsQuote => "is_quote",
            Self::IsRetweet => "is_retweet",
            Self::IsTopLevel => "is_top_level",
        }
    }

    fn holds(self, records: &RecordBatch, row: usize) -> bool {
        match self {
            Self::AuthorFollowsReader => records.author_follows_reader[row],
            Self::AuthorVerified => records.author.verified[row],
            Self::ReaderVerified => records.reader.verified[row],
            Self::HasHashtag => !records.hashtags.get(row).is_empty(),
            Self::HasGif => records.media.get(row).contains(&Media::Gif),
            Self::HasPhoto => records.media.get(row).contains(&Media::Photo),
            Self::HasVideo => records.media.get(row).contains(&Media::Video),
            Self::HasLink => !records.links.get(row).is_empty(),
            Self::HasDomain => !records.domains.get(row).is_empty(),
            Self::IsQuote => records.tweet_type[row] == TweetType::Quote,
            Self::IsRetweet => records.tweet_type[row] == TweetType::Retweet,
            Self::IsTopLevel => records.tweet_type[row] == TweetType::TopLevel,
        }
    }
}

/// The flags that hold for a record: bit `flag as u8` is set for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// The flags of record `row`.
    pub fn of(records: &RecordBatch, row: usize) -> Self {
        Flag::ALL
            .into_iter()
            .fold(Self(0), |flags, flag| Self(flags.0 | u16::from(flag.holds(records, row)) << flag as u8))
    }

    /// From the twelve bits; bits above them are dropped.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & ((1 << FLAGS) - 1))
    }

    /// The twelve bits.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether `flag` holds.
    pub const fn contains(self, flag: Flag) -> bool {
        self.0 >> flag as u8 & 1 == 1
    }

    /// 1 for every flag that holds and 0 for every other, in the order of the network's input.
    pub fn as_numbers(self) -> [f32; FLAGS] {
        Flag::ALL.map(|flag| f32::from(u8::from(self.contains(flag))))
    }
}
