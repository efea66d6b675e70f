//! Mutations without knowledge of a file's structure: bits, bytes, ranges, integers, and pieces of other files.

use crate::random::Random;

/// Most changes made to one input.
const MOST_CHANGES: usize = 5;
/// Bytes that an input may be longer than the longest seed.
const GROWTH: usize = 64 << 10;
/// Bytes at a file's ends that are changed more often than others: that is where headers and footers are.
const ENDS: usize = 256;

/// Texts that mean something in one of the formats, or that readers of numbers stumble over.
const TEXTS: [&str; 40] = [
    "",
    "0",
    "-0",
    "-1",
    "1e400",
    "1e-400",
    "NaN",
    "nan",
    ".nan",
    "inf",
    "-inf",
    "Infinity",
    "0x10",
    "1_000",
    "00",
    "+1",
    "99999999999999999999",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967295",
    "4294967296",
    "2147483648",
    "65536",
    "0.1",
    "true",
    "false",
    "null",
    "~",
    "\n",
    "\r\n",
    "\t",
    "\u{1}",
    "\u{FEFF}",
    "\"",
    "{}",
    "[]",
    ": ",
    "../",
];

/// Bytes that open or separate something; many of them in a row make readers nest.
const NESTING: &[u8] = b"[{(<\"'&*-?:,#\\ \t\n\x00\x01\xFF09";

/// Makes mutants of some seeds.
pub struct Mutator<'s> {
    seeds: &'s [Vec<u8>],
    longest: usize,
}

impl<'s> Mutator<'s> {
    /// A mutator of these seeds, of which there must be one at least.
    pub fn new(seeds: &'s [Vec<u8>]) -> Self {
        let longest = seeds.iter().map(Vec::len).max().unwrap_or(0) * 2 + GROWTH;
        Self { seeds, longest }
    }

    /// A seed with a few changes, and how many there are.
    pub fn mutant(&self, random: &mut Random) -> (Vec<u8>, usize) {
        let mut bytes = random.pick(self.seeds).clone();
        // One change alone reaches what lies behind the first check more often than many.
        let changes = if random.once_in(2) { 1 } else { random.length(MOST_CHANGES) };
        for _ in 0..changes {
            self.change(&mut bytes, random);
        }
        (bytes, changes)
    }

    /// Makes one change.
    pub fn change(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        match random.below(16) {
            0..=2 => flip(bytes, random),
            3 | 4 => set(bytes, random),
            5..=7 => integer(bytes, random),
            8 => drop(bytes.drain(range(bytes.len(), random))),
            9 => insert(bytes, random),
            10 => repeat(bytes, random),
            11 => overwrite(bytes, random),
            12 => bytes.truncate(place(bytes.len(), random)),
            13 => self.splice(bytes, random),
            _ => text(bytes, random),
        }
        bytes.truncate(self.longest);
    }

    /// Puts a piece of some seed in the place of a piece, or its end in the place of the end.
    fn splice(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        let other = random.pick(self.seeds);
        if random.once_in(2) {
            bytes.truncate(place(bytes.len(), random));
            bytes.extend_from_slice(&other[place(other.len(), random)..]);
        } else {
            let piece = other[range(other.len(), random)].to_vec();
            bytes.splice(range(bytes.len(), random), piece);
        }
    }
}

/// A place in so many bytes: anywhere, or near an end.
fn place(length: usize, random: &mut Random) -> usize {
    let near = random.below(length.min(ENDS));
    match random.below(4) {
        0 => near,
        1 => length.saturating_sub(1 + near),
        _ => random.below(length),
    }
}

/// A short range of so many bytes.
fn range(length: usize, random: &mut Random) -> std::ops::Range<usize> {
    let start = place(length, random);
    start..(start + random.length(length.max(1))).min(length)
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    let at = place(bytes.len(), random);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn set(bytes: &mut [u8], random: &mut Random) {
    let at = place(bytes.len(), random);
    let value = match random.below(3) {
        0 => *random.pick(NESTING),
        1 => *random.pick(&[0, 1, 0x7F, 0x80, 0xFE, 0xFF]),
        _ => random.word() as u8,
    };
    if let Some(byte) = bytes.get_mut(at) {
        *byte = value;
    }
}

/// Writes a little-endian integer that is often the edge of something, 1 to 8 bytes wide, anywhere.
fn integer(bytes: &mut [u8], random: &mut Random) {
    let width = *random.pick(&[1usize, 2, 4, 4, 8, 8]);
    if bytes.len() < width {
        return;
    }
    let at = place(bytes.len() - width + 1, random);
    let old = bytes[at..at + width].iter().rev().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    let length = bytes.len() as u64;
    let new = match random.below(6) {
        0 => random.below(5) as u64,
        1 => u64::MAX.wrapping_sub(random.below(3) as u64),
        2 => (1u64 << random.below(64)).wrapping_sub(random.below(3) as u64).wrapping_add(1),
        3 => length.wrapping_add(random.below(129) as u64).wrapping_sub(64),
        4 => old.wrapping_add(random.below(17) as u64).wrapping_sub(8),
        _ => random.word(),
    };
    bytes[at..at + width].copy_from_slice(&new.to_le_bytes()[..width]);
}

fn insert(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = place(bytes.len() + 1, random);
    let piece: Vec<u8> = if random.once_in(3) {
        // A few thousand of the same: deeper than any stack, if something nests.
        vec![*random.pick(NESTING); random.length(1 << 14)]
    } else {
        (0..random.length(64)).map(|_| random.word() as u8).collect()
    };
    bytes.splice(at..at, piece);
}

/// Repeats a range behind itself.
fn repeat(bytes: &mut Vec<u8>, random: &mut Random) {
    let range = range(bytes.len(), random);
    let times = random.length(if range.len() < 64 { 64 } else { 2 });
    let copies = bytes[range.clone()].repeat(times);
    bytes.splice(range.end..range.end, copies);
}

/// Copies a range over another.
fn overwrite(bytes: &mut [u8], random: &mut Random) {
    let from = range(bytes.len(), random);
    let to = random.below(bytes.len().saturating_sub(from.len()) + 1);
    bytes.copy_within(from, to);
}

/// Puts a text in the place of a number or a word, or between two bytes.
fn text(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = place(bytes.len(), random);
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-_".contains(byte);
    let start = at + bytes[at..].iter().take(ENDS).position(word).unwrap_or(0);
    let length = bytes[start..].iter().take(ENDS).take_while(|byte| word(byte)).count();
    let end = if random.once_in(3) { start } else { start + length };
    let new = random.pick(&TEXTS).bytes().collect::<Vec<_>>();
    bytes.splice(start..end, new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_made_again_from_its_number() {
        let seeds = [b"a first seed, 123".to_vec(), vec![0; 300]];
        let mutator = Mutator::new(&seeds);
        let make = |input| mutator.mutant(&mut Random::of_input(7, input)).0;
        let all: Vec<Vec<u8>> = (0..2_000).map(make).collect();
        assert!((0..2_000).all(|input| make(input) == all[input as usize]));
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert!(different.len() > 1_500, "{}", different.len());
    }

    #[test]
    fn an_empty_file_can_be_changed() {
        let seeds = [Vec::new()];
        let mutator = Mutator::new(&seeds);
        (0..2_000).for_each(|input| drop(mutator.mutant(&mut Random::of_input(1, input))));
    }
}
