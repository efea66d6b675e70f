//! From routed visits to answers, a partition at a time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use skimlog_runtime::ordered::{Ordered, Worker};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::semaphore::Semaphore;
use skimlog_runtime::shuffle::{Pool, Router, Scratch, Shuffle, ShuffleError};

use super::answer::Answers;
use super::buckets::Buckets;
use super::entity::EntityResolver;
use super::error::CountsError;
use super::partition::partition_of;
use super::similar::SimilarLookup;
use super::totals::{Ranges, TotalsRouter};
use super::visit::Visit;

/// A partition that is too large is split into this many at a time, by the next bits of the entity's key.
const SPLIT: usize = 1 << SPLIT_BITS;
const SPLIT_BITS: u32 = 6;

/// Everything partitions are resolved with.
pub(super) struct Resolving<'a> {
    pub(super) similar: &'a dyn SimilarLookup,
    pub(super) answers: &'a Shuffle<'a>,
    /// Output blocks of a range of answers.
    pub(super) answer_range: usize,
    pub(super) totals: &'a Shuffle<'a>,
    pub(super) total_ranges: Ranges,
    /// Bytes of visits in memory at a time.
    pub(super) limit: u64,
    pub(super) threads: NonZeroUsize,
    pub(super) pool: &'a Pool,
    pub(super) scratch: &'a Scratch,
    pub(super) progress: &'a dyn Progress,
}

/// What all threads share.
struct Resolution<'a> {
    resolving: &'a Resolving<'a>,
    visits: &'a Shuffle<'a>,
    /// Bytes of visits in memory: partitions are let in while they fit together, and one that fits nowhere when alone.
    memory: Semaphore,
    /// Partitions split so far.
    splits: AtomicUsize,
}

/// One thread's part in it.
struct Resolver<'a> {
    shared: &'a Resolution<'a>,
    entities: EntityResolver<'a>,
    answers: Answers<'a>,
    totals: TotalsRouter<'a>,
    visits: Buckets<Visit>,
}

impl Resolving<'_> {
    /// Counts and answers all visits, and empties `visits`. Its partitions are a power of two many.
    pub(super) fn resolve(&self, visits: &Shuffle<'_>) -> Result<(), CountsError> {
        debug_assert!(visits.partitions().is_power_of_two());
        let splits = AtomicUsize::new(0);
        let shared = Resolution { resolving: self, visits, memory: Semaphore::new(self.limit), splits };
        let worker = || {
            Ok(Resolver {
                shared: &shared,
                entities: EntityResolver::new(self.similar),
                answers: Answers::new(Router::new(self.answers), self.answer_range),
                totals: TotalsRouter::new(Router::new(self.totals), self.total_ranges),
                visits: Buckets::default(),
            })
        };
        // There is nothing to hold back: a resolved partition leaves nothing for the sink.
        let engine = Ordered::new(self.threads).in_flight(usize::MAX);
        engine.run((0..visits.partitions()).map(Ok), worker, |()| Ok(()))
    }
}

impl Worker<usize> for Resolver<'_> {
    type Output = ();
    type Error = CountsError;

    fn work(&mut self, partition: usize) -> Result<(), CountsError> {
        let visits = self.shared.visits;
        self.resolve(visits, partition, visits.partitions().trailing_zeros())?;
        self.shared.resolving.progress.advance(1);
        Ok(())
    }

    fn finish(self) -> Result<(), CountsError> {
        self.answers.finish()?;
        Ok(self.totals.finish()?)
    }
}

impl Resolver<'_> {
    /// Resolves a partition whose entities have the first `bits` bits of their keys in common.
    ///
    /// One that is larger than a thread's share of the limit is split by further bits first, unless it is all one
    /// entity: that one must be held whole, so memory grows with the visits of the busiest entity beyond the limit.
    fn resolve(&mut self, visits: &Shuffle<'_>, partition: usize, bits: u32) -> Result<(), CountsError> {
        let Resolution { resolving, memory, splits, .. } = self.shared;
        let due = visits.bytes(partition) / size_of::<Visit>() as u64;
        let bytes = Buckets::<Visit>::memory(due);
        let is_large = bytes > resolving.limit / resolving.threads.get() as u64;
        if is_large && bits < u64::BITS {
            let name = format!("visits-{}", splits.fetch_add(1, Ordering::Relaxed));
            let parts = Shuffle::new(&name, SPLIT, 1, resolving.pool, resolving.scratch);
            let mut router = Router::new(&parts);
            let (mut entity, mut several) = (None, false);
            visits.take(partition, |run| {
                each_visit(run).try_for_each(|visit| {
                    several |= *entity.get_or_insert(visit.major) != visit.major;
                    router.push(partition_of(visit.major, bits, SPLIT), bytemuck::bytes_of(&visit))
                })
            })?;
            router.finish()?;
            // Further bits do not divide a single entity.
            let bits = if several { bits + SPLIT_BITS } else { u64::BITS };
            return (0..SPLIT).try_for_each(|part| self.resolve(&parts, part, bits));
        }
        let _permit = memory.acquire_many(bytes);
        self.visits.restart(due, bits);
        visits.take(partition, |run| {
            each_visit(run).for_each(|visit| self.visits.push(visit));
            Ok::<(), ShuffleError>(())
        })?;
        self.entities.resolve(self.visits.sorted(), &mut self.answers, &mut self.totals)?;
        if is_large {
            self.visits = Buckets::default();
        }
        Ok(())
    }
}

/// The visits of a run, which need not be aligned.
fn each_visit(run: &[u8]) -> impl Iterator<Item = Visit> {
    run.chunks_exact(size_of::<Visit>()).map(bytemuck::pod_read_unaligned)
}
