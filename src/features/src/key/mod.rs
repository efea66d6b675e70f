//! The 64-bit keys under which records are counted.
//!
//! A user's, tweet's, hashtag's or language's key is SipHash-2-4 with the all-zero 128-bit key over the 32 digits of
//! its id, the hash of the published solution. A key of two entities is the same hash over their two keys: it
//! separates pairs as well as hashing the text `"{first}_{second}"` would, at a fraction of the cost.

mod lanes;

use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use skimlog_formats::Id;

/// SipHash-2-4 with the all-zero key, of a byte string.
#[inline]
pub fn siphash(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(bytes);
    hasher.finish()
}

/// The key of a user, tweet, hashtag or language.
///
/// ```
/// use skimlog_features::key::Key;
/// use skimlog_formats::Id;
///
/// let (author, reader) = (Key::of(Id([1; 16])), Key::of(Id([2; 16])));
/// assert_ne!(author.pair(reader), reader.pair(author));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Key(pub u64);

impl Key {
    /// The key of an entity: the hash of its id's 32 hexadecimal digits.
    #[inline]
    pub fn of(id: Id) -> Self {
        Self(siphash(&id.to_hex()))
    }

    /// The keys of many entities in place of what `keys` holds: the same as [`Key::of`] each, several times as fast.
    pub fn of_all(ids: &[Id], keys: &mut Vec<Self>) {
        keys.resize(ids.len(), Self(0));
        lanes::hash_ids(ids, bytemuck::cast_slice_mut(keys));
    }

    /// The key of an ordered pair of entities.
    #[inline]
    pub fn pair(self, second: Self) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.0.to_le_bytes());
        bytes[8..].copy_from_slice(&second.0.to_le_bytes());
        Self(siphash(&bytes))
    }
}

/// The validation chunk of the finetune record with this 0-based number among the finetune records.
pub fn chunk(finetune_number: u64, chunks: u32) -> u32 {
    (siphash(finetune_number.to_string().as_bytes()) % u64::from(chunks)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_hash() {
        // The columns are length, string, hash in decimal, in hexadecimal, modulo 10.
        for line in include_str!("../../../../fixtures/golden/siphash.tsv").lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(siphash(fields[1].as_bytes()).to_string(), fields[2], "{line}");
        }
    }

    #[test]
    fn a_pair_has_an_order() {
        let (a, b) = (Key::of(Id([1; 16])), Key::of(Id([2; 16])));
        assert_ne!(a.pair(b), b.pair(a));
    }
}
