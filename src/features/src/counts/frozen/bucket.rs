//! A bucket: the rows whose keys share their highest bits.
//!
//! `rows` (varint), the keys' remainders (little-endian, `remainder_bytes` each, ascending), one code a row, then the
//! counts of every row with code [`ESCAPE`] as varints. A bucket without rows has no bytes.

use std::collections::HashMap;

use skimlog_formats::PerReaction;

use crate::counts::ReactionCounts;

/// The code of counts that is written out.
pub(super) const ESCAPE: u8 = u8::MAX;
/// Rows' counts in a dictionary, at most: one for each code but [`ESCAPE`].
pub(super) const DICTIONARY: usize = ESCAPE as usize;
/// Bytes that must follow the last bucket, so that a remainder can be read as eight bytes.
pub(super) const PADDING: usize = 8;

/// The counts of counts as they are written: reactions in count order, then none.
pub(super) fn to_counts(counts: &ReactionCounts) -> [u32; 5] {
    let [like, reply, retweet, quote] = *counts.reactions.as_count_order();
    [like, reply, retweet, quote, counts.unreacted]
}

pub(super) fn from_counts([like, reply, retweet, quote, unreacted]: [u32; 5]) -> ReactionCounts {
    ReactionCounts { reactions: PerReaction::from_count_order([like, reply, retweet, quote]), unreacted }
}

/// How keys are cut and counts written, the same for all buckets of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Highest bits of a key that number its bucket, 1 to 40.
    pub(super) bucket_bits: u32,
    /// Counts of a row: 4, or 5 with the records without a reaction.
    pub(super) counts: usize,
}

impl Shape {
    /// For about this many rows: 8 to 16 rows a bucket.
    pub(super) fn for_rows(rows: u64, counts: usize) -> Self {
        Self { bucket_bits: rows.max(1).ilog2().saturating_sub(3).clamp(1, 40), counts }
    }

    pub(super) fn buckets(self) -> usize {
        1 << self.bucket_bits
    }

    /// Bytes of a remainder, 3 to 8.
    #[inline]
    pub(super) fn remainder_bytes(self) -> usize {
        (64 - self.bucket_bits).div_ceil(8) as usize
    }

    #[inline]
    pub(super) fn bucket(self, key: u64) -> usize {
        (key >> (64 - self.bucket_bits)) as usize
    }

    /// The bits of a key that its bucket's number does not tell.
    #[inline]
    pub(super) fn remainder(self, key: u64) -> u64 {
        key & (u64::MAX >> self.bucket_bits)
    }
}

/// Gives the first [`DICTIONARY`] different counts a code each. Keys are hashes, so that the first counts of a table
/// are a random sample and the frequent ones among them.
#[derive(Default)]
pub(super) struct Codes {
    of: HashMap<[u32; 5], u8>,
    /// The counts in the order of their codes.
    pub(super) dictionary: Vec<[u32; 5]>,
}

impl Codes {
    fn code(&mut self, counts: [u32; 5]) -> u8 {
        if let Some(&code) = self.of.get(&counts) {
            return code;
        }
        let code = self.dictionary.len() as u8;
        if code != ESCAPE {
            self.of.insert(counts, code);
            self.dictionary.push(counts);
        }
        code
    }
}

/// Appends a bucket; `rows` are ascending remainders with their counts.
pub(super) fn write(rows: &[(u64, [u32; 5])], shape: Shape, codes: &mut Codes, bytes: &mut Vec<u8>) {
    if rows.is_empty() {
        return;
    }
    write_varint(rows.len() as u64, bytes);
    for (remainder, _) in rows {
        bytes.extend_from_slice(&remainder.to_le_bytes()[..shape.remainder_bytes()]);
    }
    let codes_at = bytes.len();
    bytes.extend(rows.iter().map(|&(_, counts)| codes.code(counts)));
    for (row, (_, counts)) in rows.iter().enumerate() {
        if bytes[codes_at + row] == ESCAPE {
            counts[..shape.counts].iter().for_each(|&count| write_varint(count.into(), bytes));
        }
    }
}

/// The counts of a remainder in the bucket at `start..end` of `buckets` ([`PADDING`] included); empty counts where it
/// has none; `None` where the bytes make no bucket.
#[inline]
pub(super) fn find(
    buckets: &[u8],
    (start, end): (u64, u64),
    remainder: u64,
    shape: Shape,
    dictionary: &[ReactionCounts; DICTIONARY],
) -> Option<ReactionCounts> {
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    if start == end {
        return Some(ReactionCounts::default());
    }
    let mut rest = buckets.get(start..end)?;
    let rows = usize::try_from(read_varint(&mut rest)?).ok()?;
    let first = end - rest.len();
    let width = shape.remainder_bytes();
    let mask = u64::MAX >> (64 - 8 * width);
    let tail = rest.get(rows.checked_mul(width)?..)?;
    for row in 0..rows {
        let bytes = buckets.get(first + row * width..)?.first_chunk()?;
        let other = u64::from_le_bytes(*bytes) & mask;
        if other >= remainder {
            return if other == remainder {
                counts(tail, rows, row, shape, dictionary)
            } else {
                Some(ReactionCounts::default())
            };
        }
    }
    Some(ReactionCounts::default())
}

/// The counts of a row, `tail` being the bucket from its codes on.
#[inline]
fn counts(
    tail: &[u8],
    rows: usize,
    row: usize,
    shape: Shape,
    dictionary: &[ReactionCounts; DICTIONARY],
) -> Option<ReactionCounts> {
    let (codes, mut written) = tail.split_at_checked(rows)?;
    if let Some(counts) = dictionary.get(usize::from(codes[row])) {
        return Some(*counts);
    }
    let before = codes[..row].iter().filter(|&&code| code == ESCAPE).count();
    for _ in 0..before * shape.counts {
        let last = written.iter().position(|&byte| byte < 0x80)?;
        written = &written[last + 1..];
    }
    let mut counts = [0; 5];
    for count in &mut counts[..shape.counts] {
        *count = u32::try_from(read_varint(&mut written)?).ok()?;
    }
    Some(from_counts(counts))
}

/// Seven bits a byte, lowest first; the last byte is the first one below 128.
fn write_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[inline]
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.split_off_first()?;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
