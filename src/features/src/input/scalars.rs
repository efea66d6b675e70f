//! The eight numbers that are computed from the record alone.

use skimlog_formats::record::{RecordBatch, Users};

use super::NUMBERS;
use super::calendar::SECONDS;
use crate::counts::COUNTS;

/// Scalars of a record: its last numbers.
pub const SCALARS: usize = 8;

const _: () = assert!(COUNTS + SCALARS == NUMBERS);

/// A number read off the record itself. The discriminants are the order of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scalar {
    /// Number of hashtags, repeats counted.
    Hashtags = 0,
    /// Number of tokens, `[CLS]` and `[SEP]` counted.
    Tokens = 1,
    /// How many accounts follow the author.
    AuthorFollowers = 2,
    /// How many accounts the author follows.
    AuthorFollowing = 3,
    /// How many accounts follow the reader.
    ReaderFollowers = 4,
    /// How many accounts the reader follows.
    ReaderFollowing = 5,
    /// Whole days from the creation of the reader's account to the tweet; negative if the account is younger.
    ReaderAgeDays = 6,
    /// Whole days from the creation of the author's account to the tweet; negative if the account is younger.
    AuthorAgeDays = 7,
}

impl Scalar {
    /// All scalars in the order of the network's input.
    pub const ALL: [Self; SCALARS] = [
        Self::Hashtags,
        Self::Tokens,
        Self::AuthorFollowers,
        Self::AuthorFollowing,
        Self::ReaderFollowers,
        Self::ReaderFollowing,
        Self::ReaderAgeDays,
        Self::AuthorAgeDays,
    ];

    /// The scalar's name, as in column names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hashtags => "hashtags",
            Self::Tokens => "tokens",
            Self::AuthorFollowers => "author_followers",
            Self::AuthorFollowing => "author_following",
            Self::ReaderFollowers => "reader_followers",
            Self::ReaderFollowing => "reader_following",
            Self::ReaderAgeDays => "reader_age_days",
            Self::AuthorAgeDays => "author_age_days",
        }
    }

    /// Where the scalar stands among a record's 73 numbers.
    pub const fn number(self) -> usize {
        COUNTS + self as usize
    }

    fn of(self, records: &RecordBatch, row: usize) -> f64 {
        match self {
            Self::Hashtags => records.hashtags.get(row).len() as f64,
            Self::Tokens => records.tokens.get(row).len() as f64,
            Self::AuthorFollowers => records.author.followers[row] as f64,
            Self::AuthorFollowing => records.author.following[row] as f64,
            Self::ReaderFollowers => records.reader.followers[row] as f64,
            Self::ReaderFollowing => records.reader.following[row] as f64,
            Self::ReaderAgeDays => age_days(records, &records.reader, row),
            Self::AuthorAgeDays => age_days(records, &records.author, row),
        }
    }
}

/// The scalars of record `row`, in the order of the network's input.
pub fn scalars(records: &RecordBatch, row: usize) -> [f64; SCALARS] {
    Scalar::ALL.map(|scalar| scalar.of(records, row))
}

fn age_days(records: &RecordBatch, users: &Users, row: usize) -> f64 {
    let (tweet, created) = (records.tweet_time[row], users.created[row]);
    match tweet.checked_sub(created) {
        Some(age) => age.div_euclid(SECONDS) as f64,
        None => (i128::from(tweet) - i128::from(created)).div_euclid(SECONDS.into()) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_floors_of_any_difference() {
        for (tweet, created, days) in [
            (1_612_000_000, 1_611_913_600, 1.0),
            (1_612_000_000, 1_611_913_601, 0.0),
            (1_612_000_000, 1_612_000_001, -1.0),
            (1_612_000_000, -4_665_600, 18_711.0),
            (-1, 0, -1.0),
            (0, 0, 0.0),
            (i64::MAX, i64::MIN, 213_503_982_334_601.0),
            (i64::MIN, i64::MAX, -213_503_982_334_602.0),
        ] {
            let users = Users { created: vec![created], ..Users::default() };
            let records = RecordBatch { rows: 1, tweet_time: vec![tweet], ..RecordBatch::default() };
            assert_eq!(age_days(&records, &users, 0), days, "{tweet} - {created}");
        }
    }
}
