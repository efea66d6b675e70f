//! Mutations with corrected checksums, which test the code behind a checksum.

mod skim;

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

pub use skim::SkimFile;

use crate::mutate::Mutator;
use crate::random::Random;

/// Puts the XXH3 of some bytes at a place; nothing where the file is too short for that.
fn put(bytes: &mut [u8], at: usize, checksum: u64) {
    if let Some(place) = bytes.get_mut(at..at + 8) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u64::from_le_bytes(*bytes)).ok()
}

/// A mutant of a seed, made right again by `seal`. It keeps its length more often than not: offsets stay what they
/// were.
pub fn mutant(seeds: &[Vec<u8>], random: &mut Random, seal: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let (mut bytes, _) = Mutator::new(seeds).mutant(random);
    seal(&mut bytes);
    bytes
}

/// Frozen counts: a header of 256 bytes with the places of four sections.
pub fn frozen(bytes: &mut [u8]) {
    const HEADER: usize = 256;
    const SECTIONS: Range<usize> = 48..144;
    if bytes.len() < HEADER {
        return;
    }
    for entry in SECTIONS.step_by(24) {
        let section = number(bytes, entry).zip(number(bytes, entry + 8));
        let section = section.and_then(|(offset, length)| bytes.get(offset..offset.checked_add(length)?));
        // An entry of zeros is no section.
        if let Some(checksum) = section.map(xxh3_64).filter(|_| number(bytes, entry) != Some(0)) {
            put(bytes, entry + 16, checksum);
        }
    }
    let checksum = xxh3_64(&bytes[..HEADER - 8]);
    put(bytes, HEADER - 8, checksum);
}

/// A packed network: a header of 128 bytes whose first 48 and all that follows the header are summed up at byte 48.
pub fn packed(bytes: &mut [u8]) {
    const HEADER: usize = 128;
    const DESCRIBED: usize = 48;
    if bytes.len() >= HEADER {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        hasher.update(&bytes[..DESCRIBED]);
        hasher.update(&bytes[HEADER..]);
        put(bytes, DESCRIBED, hasher.digest());
    }
}

/// A file that ends with the XXH3 of everything before.
pub fn trailing(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(8) {
        let checksum = xxh3_64(&bytes[..end]);
        put(bytes, end, checksum);
    }
}
