//! One field's text as a value. Only the canonical text of a value is accepted.

use super::{Media, NO_REACTION, Reason, TweetType};
use crate::Id;

/// A decimal number of 64 bits, without plus sign or leading zeros.
pub(super) fn number(text: &[u8]) -> Result<i64, Reason> {
    let (negative, digits) = match text {
        [] => return Err(Reason::Empty),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::NotDecimal);
    }
    if digits[0] == b'0' {
        return match (digits.len(), negative) {
            (1, false) => Ok(0),
            (1, true) => Err(Reason::MinusZero),
            _ => Err(Reason::LeadingZero),
        };
    }
    // Negative numbers reach further by one.
    let add = |value: i64, digit: i64| if negative { value.checked_sub(digit) } else { value.checked_add(digit) };
    let value = digits.iter().try_fold(0i64, |value, digit| add(value.checked_mul(10)?, (digit - b'0').into()));
    value.ok_or(Reason::OutOfRange { least: i64::MIN })
}

/// A token id below `vocabulary`.
pub(super) fn token(text: &[u8], vocabulary: u32) -> Result<u32, Reason> {
    let beyond = Reason::BeyondVocabulary { vocabulary };
    match number(text) {
        Ok(token) => u32::try_from(token).ok().filter(|&token| token < vocabulary).ok_or(beyond),
        Err(Reason::OutOfRange { .. }) => Err(beyond),
        Err(reason) => Err(reason),
    }
}

/// The time of a reaction, or [`NO_REACTION`] for an empty text.
pub(super) fn reaction_time(text: &[u8]) -> Result<i64, Reason> {
    if text.is_empty() {
        return Ok(NO_REACTION);
    }
    let out_of_range = Reason::OutOfRange { least: NO_REACTION + 1 };
    match number(text) {
        Ok(NO_REACTION) | Err(Reason::OutOfRange { .. }) => Err(out_of_range),
        other => other,
    }
}

pub(super) fn id(text: &[u8]) -> Result<Id, Reason> {
    if text.is_empty() { Err(Reason::Empty) } else { Ok(Id::parse(text)?) }
}

pub(super) fn flag(text: &[u8]) -> Result<bool, Reason> {
    match text {
        b"true" => Ok(true),
        b"false" => Ok(false),
        b"" => Err(Reason::Empty),
        _ => Err(Reason::Word { expected: "true or false" }),
    }
}

pub(super) fn media(text: &[u8]) -> Result<Media, Reason> {
    let known = Media::ALL.into_iter().find(|media| media.name().as_bytes() == text);
    known.ok_or(Reason::Word { expected: "Photo, Video or GIF" })
}

pub(super) fn tweet_type(text: &[u8]) -> Result<TweetType, Reason> {
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    let known = TweetType::ALL.into_iter().find(|kind| kind.name().as_bytes() == text);
    known.ok_or(Reason::Word { expected: "TopLevel, Retweet, Quote or Reply" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_canonical() {
        let out = Err(Reason::OutOfRange { least: i64::MIN });
        for (text, expected) in [
            ("1", Ok(1)),
            ("0", Ok(0)),
            ("-5", Ok(-5)),
            ("4294967296", Ok(1 << 32)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("9223372036854775808", out.clone()),
            ("-9223372036854775809", out.clone()),
            ("99999999999999999999999", out),
            ("05", Err(Reason::LeadingZero)),
            ("00", Err(Reason::LeadingZero)),
            ("-05", Err(Reason::LeadingZero)),
            ("-0", Err(Reason::MinusZero)),
            ("--5", Err(Reason::NotDecimal)),
            ("", Err(Reason::Empty)),
            ("-", Err(Reason::NotDecimal)),
            ("+5", Err(Reason::NotDecimal)),
            (" 5", Err(Reason::NotDecimal)),
            ("5.0", Err(Reason::NotDecimal)),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(reaction_time(b""), Ok(NO_REACTION));
        assert_eq!(reaction_time(b"-9223372036854775807"), Ok(NO_REACTION + 1));
        assert_eq!(reaction_time(b"-9223372036854775808"), Err(Reason::OutOfRange { least: -i64::MAX }));
    }

    #[test]
    fn tokens_end_with_the_vocabulary() {
        let beyond = Err(Reason::BeyondVocabulary { vocabulary: 100 });
        assert_eq!(token(b"99", 100), Ok(99));
        assert_eq!(token(b"100", 100), beyond);
        assert_eq!(token(b"4294967296", 100), beyond);
        assert_eq!(token(b"-1", 100), beyond);
    }

    #[test]
    fn words_are_exact() {
        assert_eq!(flag(b"true"), Ok(true));
        assert!(flag(b"True").is_err() && flag(b"1").is_err());
        assert_eq!(media(b"GIF"), Ok(Media::Gif));
        assert!(media(b"Gif").is_err() && media(b"").is_err());
        assert_eq!(tweet_type(b"TopLevel"), Ok(TweetType::TopLevel));
        assert_eq!(tweet_type(b"Reply"), Ok(TweetType::Reply));
        assert!(tweet_type(b"Toplevel").is_err());
    }
}
