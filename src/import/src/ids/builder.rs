//! Collects the texts of a part's ids on any number of threads.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use skimlog_formats::Id;
use skimlog_runtime::files::AtomicFile;
use skimlog_runtime::machine::Workers;
use skimlog_runtime::shuffle::{OpenRuns, Pool, Router, Scratch, Shuffle};

use super::error::IdsError;
use super::partition::{Merge, PARTITIONS, append_record, partition_of};
use super::seen::RecentlySeen;
use super::writer::{DictionarySummary, DictionaryWriter};
use super::{LONGEST_TEXT, is_id};
use crate::identity::id_of;

/// What part of the pool's limit the collectors' tables of recently seen ids take together.
const SEEN_SHARE: u64 = 8;

/// A dictionary under way: takes the texts of a part's ids and writes each of them once.
///
/// The file depends on the set of texts alone: not on their order, on how often they were added, on the number of
/// threads or on the memory.
pub struct IdDictionaryBuilder<'a> {
    name: String,
    threads: NonZeroUsize,
    pool: &'a Pool,
    scratch: &'a Scratch,
    shuffle: Shuffle<'a>,
    /// What collectors left that are no longer there, for the next ones.
    idle: Mutex<Vec<Collected>>,
}

/// What a collector holds beside its place in a shuffle.
struct Collected {
    runs: OpenRuns,
    seen: RecentlySeen,
    /// The record of a text, for reuse.
    record: Vec<u8>,
}

impl<'a> IdDictionaryBuilder<'a> {
    /// A dictionary without texts, for at most so many collectors at a time.
    ///
    /// Texts take about as much memory as the pool's limit says, and another quarter of it for recently seen ids and
    /// for the texts that are being sorted; beyond that they go to disk. Several builders may share a pool. `name` must
    /// differ between the builders and shuffles of a scratch directory.
    pub fn new(name: &str, threads: NonZeroUsize, pool: &'a Pool, scratch: &'a Scratch) -> Self {
        let shuffle = Shuffle::new(name, PARTITIONS, threads.get(), pool, scratch);
        Self { name: name.to_owned(), threads, pool, scratch, shuffle, idle: Mutex::new(Vec::new()) }
    }

    /// What one thread adds texts with. It goes on with what an earlier one has collected, so that it may be had anew
    /// for each block of rows.
    pub fn collector(&self) -> IdCollector<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (router, seen, record) = match idle {
            Some(Collected { runs, seen, record }) => (Router::resume(&self.shuffle, runs), seen, record),
            None => {
                let seen = RecentlySeen::new(self.pool.limit() / (SEEN_SHARE * self.threads.get() as u64));
                (Router::new(&self.shuffle), seen, Vec::new())
            }
        };
        IdCollector { active: Some(Active { router, seen, record }), idle: &self.idle }
    }

    /// Writes the file, of all texts that were added, on as many threads as there could be collectors.
    ///
    /// # Errors
    /// [`IdsError::Spill`] if texts could not be put aside or read back, [`IdsError::SameHash`], [`IdsError::File`] or
    /// [`IdsError::Output`] if the file cannot be written. Nothing stands under its name then.
    pub fn finish(self, path: &Path) -> Result<DictionarySummary, IdsError> {
        let idle = self.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        idle.into_iter().try_for_each(|collected| Router::resume(&self.shuffle, collected.runs).finish())?;
        let mut writer = DictionaryWriter::new(AtomicFile::create(path)?, self.threads)?;
        let merge = Merge { threads: self.threads, pool: self.pool, scratch: self.scratch };
        let shuffle = self.shuffle;
        Workers::new(self.threads.get()).install(|| merge.write(&self.name, 0, shuffle, &mut writer))?;
        let (file, summary) = writer.finish()?;
        file.commit()?;
        Ok(summary)
    }
}

/// Adds one thread's texts to a dictionary. What it holds goes on to the builder's next collector.
pub struct IdCollector<'b> {
    /// There until this is dropped.
    active: Option<Active<'b>>,
    idle: &'b Mutex<Vec<Collected>>,
}

struct Active<'b> {
    router: Router<'b>,
    seen: RecentlySeen,
    record: Vec<u8>,
}

impl IdCollector<'_> {
    /// The id of a text, as [`id_of`] gives it, which the dictionary will turn back into the text.
    ///
    /// # Errors
    /// [`IdsError::TooLong`] for a text of more than [`LONGEST_TEXT`] bytes, [`IdsError::Spill`] if the memory is full
    /// and the disk too.
    #[inline]
    pub fn add(&mut self, text: &[u8]) -> Result<Id, IdsError> {
        if text.len() > LONGEST_TEXT {
            return Err(IdsError::too_long(text));
        }
        let id = id_of(text);
        let active = self.active.as_mut().expect("there until this is dropped");
        // A text that is an id must not stand for the text that it is the hash of.
        if !is_id(text) && !active.seen.replace(id) {
            active.put_aside(id, text)?;
        }
        Ok(id)
    }
}

impl Active<'_> {
    fn put_aside(&mut self, id: Id, text: &[u8]) -> Result<(), IdsError> {
        self.record.clear();
        append_record(text, &mut self.record);
        Ok(self.router.push(partition_of(id, 0), &self.record)?)
    }
}

impl Drop for IdCollector<'_> {
    fn drop(&mut self) {
        if let Some(Active { router, seen, record }) = self.active.take() {
            let collected = Collected { runs: router.pause(), seen, record };
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(collected);
        }
    }
}
