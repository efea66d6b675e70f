//! One field's text as a value. Only the canonical text of a value is accepted.

use super::{Media, Reason, TweetType};
use crate::Id;

/// A decimal number from `least` to `u32::MAX`, without sign or leading zero.
pub(super) fn number(text: &[u8], least: u32) -> Result<u32, Reason> {
    let (negative, digits) = match text {
        [] => return Err(Reason::Empty),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::NotDecimal);
    }
    if negative {
        return Err(Reason::OutOfRange { least });
    }
    if digits[0] == b'0' && digits.len() > 1 {
        return Err(Reason::LeadingZero);
    }
    let value = digits.iter().try_fold(0u32, |value, digit| value.checked_mul(10)?.checked_add((digit - b'0').into()));
    value.filter(|&value| value >= least).ok_or(Reason::OutOfRange { least })
}

/// A token id below `vocabulary`.
pub(super) fn token(text: &[u8], vocabulary: u32) -> Result<u32, Reason> {
    match number(text, 0) {
        Ok(token) if token < vocabulary => Ok(token),
        Ok(_) => Err(Reason::BeyondVocabulary { vocabulary }),
        Err(Reason::OutOfRange { .. }) if text[0] != b'-' => Err(Reason::BeyondVocabulary { vocabulary }),
        Err(reason) => Err(reason),
    }
}

/// Unix seconds from 1 on.
pub(super) fn time(text: &[u8]) -> Result<u32, Reason> {
    number(text, 1)
}

/// Unix seconds from 1 on, or 0 for an empty text.
pub(super) fn optional_time(text: &[u8]) -> Result<u32, Reason> {
    if text.is_empty() { Ok(0) } else { time(text) }
}

pub(super) fn count(text: &[u8]) -> Result<u32, Reason> {
    number(text, 0)
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
    known.ok_or(Reason::Word { expected: "TopLevel, Retweet or Quote" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_canonical() {
        let out = Err(Reason::OutOfRange { least: 1 });
        for (text, expected) in [
            ("1", Ok(1)),
            ("4294967295", Ok(u32::MAX)),
            ("4294967296", out.clone()),
            ("99999999999999999999999", out.clone()),
            ("0", out.clone()),
            ("-5", out),
            ("05", Err(Reason::LeadingZero)),
            ("00", Err(Reason::LeadingZero)),
            ("", Err(Reason::Empty)),
            ("-", Err(Reason::NotDecimal)),
            ("+5", Err(Reason::NotDecimal)),
            (" 5", Err(Reason::NotDecimal)),
            ("5.0", Err(Reason::NotDecimal)),
        ] {
            assert_eq!(time(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn tokens_end_with_the_vocabulary() {
        let beyond = Err(Reason::BeyondVocabulary { vocabulary: 100 });
        assert_eq!(token(b"99", 100), Ok(99));
        assert_eq!(token(b"100", 100), beyond);
        assert_eq!(token(b"4294967296", 100), beyond);
        assert_eq!(token(b"-1", 100), Err(Reason::OutOfRange { least: 0 }));
    }

    #[test]
    fn words_are_exact() {
        assert_eq!(flag(b"true"), Ok(true));
        assert!(flag(b"True").is_err() && flag(b"1").is_err());
        assert_eq!(media(b"GIF"), Ok(Media::Gif));
        assert!(media(b"Gif").is_err() && media(b"").is_err());
        assert_eq!(tweet_type(b"TopLevel"), Ok(TweetType::TopLevel));
        assert!(tweet_type(b"Toplevel").is_err());
    }
}
