//! Which ids a thread has seen recently, so that most repetitions cost one look into a small table.

use skimlog_formats::Id;

/// Fewest and most ids that are remembered. Measured: 8 million ids, 198,000 of them distinct, as rows of a log have
/// them, take 14 ns each with 65,536 places (1 MiB, which second-level caches hold) and 19 to 25 ns with 524,288. With
/// 65,536 places 11 % of them are not remembered, with 524,288 4 %.
const FEWEST: u64 = 1 << 8;
const MOST: u64 = 1 << 16;

/// A table with one place for each value of an id's first bits. An id takes the place of the one that was there.
pub(super) struct RecentlySeen {
    ids: Vec<Id>,
    /// Bits of the id's first eight bytes that follow its place.
    shift: u32,
}

impl RecentlySeen {
    /// A table that takes about so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let places = (bytes / size_of::<Id>() as u64).clamp(FEWEST, MOST);
        let bits = places.ilog2();
        let mut ids = vec![Id::default(); 1 << bits];
        // Id 0 belongs in place 0 and has not been seen. This one belongs in the last place.
        ids[0] = Id([0xFF; 16]);
        Self { ids, shift: u64::BITS - bits }
    }

    /// Remembers an id; says whether it was remembered already.
    #[inline]
    pub(super) fn replace(&mut self, id: Id) -> bool {
        let first = u64::from_be_bytes(*id.0.first_chunk().expect("an id has 16 bytes"));
        std::mem::replace(&mut self.ids[(first >> self.shift) as usize], id) == id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_seen_is_remembered() {
        for bytes in [0, 1 << 14, 1 << 30] {
            let mut seen = RecentlySeen::new(bytes);
            let near = |last: u8| Id([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            for id in [near(0), Id([0xFF; 16]), Id([0x7A; 16])] {
                assert!(!seen.replace(id), "{id:?}");
                assert!(seen.replace(id), "{id:?}");
            }
            assert!(!seen.replace(near(1)), "another id of the same place");
            assert!(!seen.replace(near(0)), "it has lost its place");
        }
    }
}
