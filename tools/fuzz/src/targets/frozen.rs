//! Frozen counts: tables and similar authors.

use std::path::Path;

use skimlog_features::counts::ReactionCounts;
use skimlog_features::counts::frozen::{FrozenError, FrozenSimilar, FrozenTable, FrozenTableWriter};
use skimlog_features::key::Key;
use skimlog_features::similar::SimilarAuthors;
use skimlog_formats::{Id, PerReaction};

use crate::random::Random;
use crate::scratch::Scratch;
use crate::{Exact, Target, Verdict, digest, sealed};

const NAME: &str = "input.frozen";

/// A table of frozen counts.
pub(super) struct Table {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
    keys: Vec<Key>,
}

/// Writes a table of so many keys, enough different counts among them to be written out.
pub(super) fn write_table(path: &Path, keys: &[Key], unreacted: bool) -> Result<(), FrozenError> {
    let mut writer = FrozenTableWriter::create(path, keys.len() as u64, unreacted)?;
    for (number, &key) in (0u32..).zip(keys) {
        let reactions =
            PerReaction::from_count_order([number, number % 3, number * number, u32::from(number % 7 == 0)]);
        writer.push(key, &ReactionCounts { reactions, unreacted: number % 11 })?;
    }
    writer.finish().map(drop)
}

impl Table {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let mut keys: Vec<Key> = (0..400u32).map(|number| Key::of(Id(u128::from(number).to_be_bytes()))).collect();
        keys.sort_unstable();
        let table = |keys: &[Key], unreacted| scratch.written(NAME, |path| write_table(path, keys, unreacted));
        let seeds = vec![table(&keys, true), table(&keys[..30], false), table(&[], true)];
        Self { scratch, seeds, keys }
    }
}

impl Target for Table {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(NAME, input);
        let read = || {
            let table = FrozenTable::open(&path)?;
            let mut counts = vec![ReactionCounts::default(); self.keys.len()];
            // A look-up does not wait for the checksums: it must stand whatever it finds.
            let together = table.get_batch(&self.keys, &mut counts);
            let alone = self.keys.iter().map(|&key| table.get(key)).collect::<Result<Vec<_>, _>>();
            assert_eq!(together.is_ok(), alone.is_ok(), "look-ups together and alone differ");
            table.verify()?;
            together?;
            assert!(alone? == counts, "look-ups together and alone differ");
            Ok((table.rows(), counts))
        };
        match read() {
            Ok(values) => Verdict::Accepted(digest(&values)),
            Err::<_, FrozenError>(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn exact(&self) -> Exact {
        Exact::Always
    }

    fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
        Some(sealed::mutant(&self.seeds, random, sealed::frozen))
    }

    fn named(&self) -> &str {
        NAME
    }
}

/// Similar authors, frozen.
pub(super) struct Similar {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

/// Some authors and whom they resemble.
pub(super) fn similar_authors() -> SimilarAuthors {
    let list =
        |author: u8| (0..author % 5).map(move |place| (Id([author ^ (place + 1); 16]), 1.0 / f64::from(place + 1)));
    SimilarAuthors::from_lists((0..60).map(|author| (Id([author; 16]), list(author).collect())))
}

impl Similar {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let write = |similar: &SimilarAuthors| scratch.written(NAME, |path| FrozenSimilar::write(path, similar));
        let seeds = vec![write(&similar_authors()), write(&SimilarAuthors::from_lists([]))];
        Self { scratch, seeds }
    }
}

impl Target for Similar {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(NAME, input);
        let read = || {
            let similar = FrozenSimilar::open(&path)?;
            let lists = (0..=255u8).map(|author| similar.get(Key::of(Id([author; 16]))));
            let lists = lists.map(|(keys, scores)| {
                assert_eq!(keys.len(), scores.len(), "as many authors as similarities");
                (keys.to_vec(), scores.to_vec())
            });
            let lists: Vec<_> = lists.collect();
            similar.verify()?;
            Ok(lists)
        };
        match read() {
            Ok(lists) => Verdict::Accepted(digest(&lists)),
            Err::<_, FrozenError>(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn exact(&self) -> Exact {
        Exact::Always
    }

    fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
        Some(sealed::mutant(&self.seeds, random, sealed::frozen))
    }

    fn named(&self) -> &str {
        NAME
    }
}
