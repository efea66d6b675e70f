//! What the network needs to know about one record, and its compact form on disk.

use skimlog_formats::ReactionSet;
use skimlog_formats::record::{Columns, RecordBatch};
use thiserror::Error;

use super::{Day, Flags, Languages, NUMBERS, Scalar, hour, scalars};
use crate::counts::COUNTS;

/// What the network needs of one record: everything but the tweet's sketch and the Fourier terms, which are cheap to
/// make from it and large.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// 65 counts, then 8 scalars.
    pub numbers: [f64; NUMBERS],
    /// The yes/no features.
    pub flags: Flags,
    /// Number of the language in the dictionary.
    pub language: u32,
    /// UTC hour of the tweet, 0–23.
    pub hour: u8,
    /// UTC day of the month of the tweet, minus one, 0–30.
    pub day: u8,
    /// The reactions; `None` for a record without labels.
    pub labels: Option<ReactionSet>,
    /// Token ids, `[CLS]` and `[SEP]` included.
    pub tokens: Vec<u32>,
}

/// Why bytes are not an [`Example`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExampleError {
    /// The bytes end too early.
    #[error("the example ends too early")]
    Short,
    /// Bytes are left over.
    #[error("{0} bytes are left after the example")]
    Long(usize),
    /// A value that no record can have.
    #[error("the example's {0} is out of range")]
    Range(&'static str),
}

impl Default for Example {
    fn default() -> Self {
        Self {
            numbers: [0.0; NUMBERS],
            flags: Flags::default(),
            language: 0,
            hour: 0,
            day: 0,
            labels: None,
            tokens: Vec::new(),
        }
    }
}

impl Example {
    /// The columns of a record that [`Example::set`] reads, but for the reactions of a labelled one.
    pub const COLUMNS: Columns = Columns::TOKENS
        .union(Columns::HASHTAGS)
        .union(Columns::MEDIA)
        .union(Columns::LINKS)
        .union(Columns::DOMAINS)
        .union(Columns::TWEET_TYPE)
        .union(Columns::LANGUAGE)
        .union(Columns::TWEET_TIME)
        .union(Columns::AUTHOR_PROFILE)
        .union(Columns::READER_PROFILE)
        .union(Columns::AUTHOR_FOLLOWS_READER);

    /// Becomes the example of record `row` with these counts. The memory is used again.
    pub fn set(&mut self, records: &RecordBatch, row: usize, counts: &[f64; COUNTS], languages: &Languages) {
        self.numbers[..COUNTS].copy_from_slice(counts);
        self.numbers[COUNTS..].copy_from_slice(&scalars(records, row));
        self.flags = Flags::of(records, row);
        self.language = languages.index(records.language[row]);
        let time = records.tweet_time[row];
        self.hour = hour(time);
        self.day = Day::of(time).day_of_month() - 1;
        self.labels = records.reactions.is_some().then(|| records.reaction_set(row));
        self.tokens.clear();
        self.tokens.extend_from_slice(records.tokens.get(row));
    }

    /// How many accounts follow the author, within what 32 bits hold: enough to compare authors by their popularity.
    pub fn author_followers(&self) -> u32 {
        self.numbers[Scalar::AuthorFollowers.number()] as u32
    }

    /// Appends the example's bytes: flags, labels, hour, day, language, a bit for every number that is not zero, those
    /// numbers, the tokens. Whole numbers and tokens take as many bytes as they need (LEB128).
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        // The upper four bits beside the flags say which reactions there are.
        let labels = self.labels.map_or(0, ReactionSet::bits);
        bytes.extend_from_slice(&(self.flags.bits() | u16::from(labels) << LABEL_SHIFT).to_le_bytes());
        bytes.push(self.hour | if self.labels.is_some() { LABELLED } else { 0 });
        bytes.push(self.day);
        push_varint(bytes, self.language.into());
        let present = self.numbers.iter().enumerate().filter(|(_, number)| number.to_bits() != 0);
        let mask = present.fold(0u128, |mask, (index, _)| mask | 1 << index);
        bytes.extend_from_slice(&mask.to_le_bytes()[..MASK_BYTES]);
        for number in self.numbers.iter().filter(|number| number.to_bits() != 0) {
            let whole = *number as i64;
            if whole.unsigned_abs() < LARGEST_WHOLE && (whole as f64).to_bits() == number.to_bits() {
                // Zigzag, so that small negative numbers stay short; the lowest bit says "whole".
                push_varint(bytes, ((whole << 1 ^ whole >> 63) as u64) << 1 | 1);
            } else {
                bytes.push(0);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        push_varint(bytes, self.tokens.len() as u64);
        for &token in &self.tokens {
            push_varint(bytes, token.into());
        }
    }

    /// Becomes the example that [`Example::encode`] wrote as exactly these bytes. The memory is used again.
    ///
    /// # Errors
    /// [`ExampleError`] where the bytes are no example; the example then holds nothing of use.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), ExampleError> {
        let mut rest = bytes;
        let head = u16::from_le_bytes(take(&mut rest)?);
        self.flags = Flags::from_bits(head);
        let [hour, day] = take(&mut rest)?;
        self.labels = (hour & LABELLED != 0).then(|| ReactionSet::from_bits((head >> LABEL_SHIFT) as u8));
        self.hour = hour & !LABELLED;
        self.day = day;
        if self.hour >= 24 || day >= 31 {
            return Err(ExampleError::Range("time"));
        }
        self.language = u32::try_from(take_varint(&mut rest)?).map_err(|_| ExampleError::Range("language"))?;
        let mut mask = [0; 16];
        mask[..MASK_BYTES].copy_from_slice(&take::<MASK_BYTES>(&mut rest)?);
        let mask = u128::from_le_bytes(mask);
        for (index, number) in self.numbers.iter_mut().enumerate() {
            *number = if mask >> index & 1 == 0 { 0.0 } else { take_number(&mut rest)? };
        }
        let tokens = take_varint(&mut rest)?;
        self.tokens.clear();
        for _ in 0..tokens {
            let token = u32::try_from(take_varint(&mut rest)?).map_err(|_| ExampleError::Range("token"))?;
            self.tokens.push(token);
        }
        if rest.is_empty() { Ok(()) } else { Err(ExampleError::Long(rest.len())) }
    }
}

const LABEL_SHIFT: u32 = super::FLAGS as u32;
const LABELLED: u8 = 1 << 7;
const MASK_BYTES: usize = NUMBERS.div_ceil(8);
/// Whole numbers of this size and above are written as they are: two bits of a varint are taken.
const LARGEST_WHOLE: u64 = 1 << 53;

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ExampleError> {
    let (taken, after) = rest.split_first_chunk().ok_or(ExampleError::Short)?;
    *rest = after;
    Ok(*taken)
}

fn take_varint(rest: &mut &[u8]) -> Result<u64, ExampleError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(rest)?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(ExampleError::Range("number"))
}

fn take_number(rest: &mut &[u8]) -> Result<f64, ExampleError> {
    match take_varint(rest)? {
        0 => Ok(f64::from_le_bytes(take(rest)?)),
        coded if coded & 1 == 1 => {
            let zigzag = coded >> 1;
            Ok(((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)) as f64)
        }
        _ => Err(ExampleError::Range("number")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => Just(0.0),
            2 => (0u32..5_000).prop_map(f64::from),
            1 => (-4_000i32..0).prop_map(f64::from),
            1 => any::<u32>().prop_map(f64::from),
            1 => any::<u64>().prop_map(f64::from_bits),
        ]
    }

    prop_compose! {
        pub(crate) fn example()(
            numbers in prop::collection::vec(number(), NUMBERS),
            flags in any::<u16>(),
            language in any::<u32>(),
            (hour, day) in (0u8..24, 0u8..31),
            labels in prop::option::of(0u8..16),
            tokens in prop::collection::vec(prop_oneof![0u32..119_547, any::<u32>()], 0..60),
        ) -> Example {
            Example {
                numbers: numbers.try_into().unwrap(),
                flags: Flags::from_bits(flags),
                language,
                hour,
                day,
                labels: labels.map(ReactionSet::from_bits),
                tokens,
            }
        }
    }

    proptest! {
        #[test]
        fn decoding_gives_back_every_bit(example in example()) {
            let mut bytes = Vec::new();
            example.encode(&mut bytes);
            let mut back = Example { tokens: vec![3; 100], labels: Some(ReactionSet::NONE), ..Example::default() };
            back.decode(&bytes).unwrap();
            prop_assert_eq!(back.numbers.map(f64::to_bits), example.numbers.map(f64::to_bits));
            // Not-a-numbers differ from themselves; all numbers were compared already.
            back.numbers = [0.0; NUMBERS];
            prop_assert_eq!(back, Example { numbers: [0.0; NUMBERS], ..example });
        }

        #[test]
        fn a_cut_or_lengthened_example_is_refused(example in example(), share in 0.0..1.0) {
            let mut bytes = Vec::new();
            example.encode(&mut bytes);
            let cut = (bytes.len() as f64 * share) as usize;
            prop_assert!(Example::default().decode(&bytes[..cut]).is_err());
            bytes.push(0);
            prop_assert_eq!(Example::default().decode(&bytes), Err(ExampleError::Long(1)));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Example::default().decode(&bytes);
        }
    }

    #[test]
    fn a_usual_example_is_small() {
        let mut example = Example { tokens: (0..40).map(|token| token * 500).collect(), ..Example::default() };
        example.numbers[20..44].fill(3.0);
        let mut bytes = Vec::new();
        example.encode(&mut bytes);
        assert_eq!(bytes.len(), 2 + 2 + 1 + 10 + 24 + 1 + 40 * 2 + 6);
    }
}
