//! Texts on their way to the file: partitioned by the first byte of their ids, a partition that is too large by the
//! next one, then sorted a few partitions at a time.

use std::cell::OnceCell;
use std::io::Write;
use std::num::NonZeroUsize;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use skimlog_formats::Id;
use skimlog_runtime::shuffle::{Pool, Router, Scratch, Shuffle};

use super::error::IdsError;
use super::text_set::{SortedTexts, TextSet};
use super::writer::DictionaryWriter;

/// Partitions of a level: one for each value of a byte.
pub(super) const PARTITIONS: usize = 256;
/// What part of the pool's limit the partitions that are in memory at a time may take together.
const SORTED_SHARE: u64 = 8;
/// The most bytes of one partition in memory; a set of texts takes at most 4 GiB.
const LARGEST: u64 = 1 << 30;
/// Bytes of a record before its text.
const HEADER: usize = size_of::<u16>();

/// The partition of an id on a level, the first of which is 0.
pub(super) fn partition_of(id: Id, level: usize) -> usize {
    usize::from(id.0[level])
}

/// Appends the record of a text of at most [`LONGEST_TEXT`](super::LONGEST_TEXT) bytes: `length:u16 text`.
pub(super) fn append_record(text: &[u8], record: &mut Vec<u8>) {
    let length: u16 = text.len().try_into().expect("a text has at most 65,535 bytes");
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(text);
}

/// The texts of a run of whole records.
fn texts_of(mut run: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = run.split_first_chunk::<HEADER>()?;
        let (text, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)));
        run = rest;
        Some(text)
    })
}

/// What partitions are turned into sorted texts with.
pub(super) struct Merge<'a> {
    pub(super) threads: NonZeroUsize,
    pub(super) pool: &'a Pool,
    pub(super) scratch: &'a Scratch,
}

/// The content of a partition.
enum Content<'a> {
    /// Small enough for the memory.
    Whole(SortedTexts),
    /// Partitioned by the next byte of the ids.
    Split(Shuffle<'a>),
}

impl<'a> Merge<'a> {
    /// Writes the texts of all partitions in the order of their ids. Uses the threads of the current rayon pool.
    pub(super) fn write<W: Write + Send>(
        &self,
        name: &str,
        level: usize,
        shuffle: Shuffle<'a>,
        writer: &mut DictionaryWriter<W>,
    ) -> Result<(), IdsError> {
        let at_once = self.threads.get();
        for first in (0..PARTITIONS).step_by(at_once) {
            let group = (first..PARTITIONS.min(first + at_once)).into_par_iter();
            let contents = group.map(|partition| self.load(&finer_name(name, partition), level, &shuffle, partition));
            let contents: Vec<Content<'a>> = contents.collect::<Result<_, _>>()?;
            for (partition, content) in (first..).zip(contents) {
                match content {
                    Content::Whole(sorted) => sorted.iter().try_for_each(|(id, text)| writer.push(id, text))?,
                    Content::Split(finer) => self.write(&finer_name(name, partition), level + 1, finer, writer)?,
                }
            }
        }
        Ok(())
    }

    /// Takes a partition. If its distinct texts need too much memory, they go into a shuffle of this name.
    fn load(&self, name: &str, level: usize, shuffle: &Shuffle<'a>, partition: usize) -> Result<Content<'a>, IdsError> {
        let room = (self.pool.limit() / (SORTED_SHARE * self.threads.get() as u64)).min(LARGEST) as usize;
        let mut set = TextSet::default();
        let finer = OnceCell::new();
        let mut router: Option<Router<'_>> = None;
        shuffle.take(partition, |run| {
            for text in texts_of(run) {
                set.insert(text)?;
                // One text has to fit: it cannot be split.
                if set.bytes() > room && set.len() > 1 {
                    let make = || Shuffle::new(name, PARTITIONS, self.threads.get(), self.pool, self.scratch);
                    let router = router.get_or_insert_with(|| Router::new(finer.get_or_init(make)));
                    pass_on(&mut set, level + 1, router)?;
                }
            }
            Ok::<(), IdsError>(())
        })?;
        match router {
            None => Ok(Content::Whole(set.into_sorted())),
            Some(mut router) => {
                pass_on(&mut set, level + 1, &mut router)?;
                router.finish()?;
                Ok(Content::Split(finer.into_inner().expect("the router is one into it")))
            }
        }
    }
}

fn finer_name(name: &str, partition: usize) -> String {
    format!("{name}-{partition:02x}")
}

/// Moves the texts of a set into the partitions of a level.
fn pass_on(set: &mut TextSet, level: usize, router: &mut Router<'_>) -> Result<(), IdsError> {
    let mut record = Vec::new();
    for (id, text) in set.iter() {
        record.clear();
        append_record(text, &mut record);
        router.push(partition_of(id, level), &record)?;
    }
    set.clear();
    Ok(())
}
