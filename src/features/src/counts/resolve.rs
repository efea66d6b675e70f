//! From routed visits to answers, a partition at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use skimlog_runtime::progress::Progress;
use skimlog_runtime::shuffle::{Gate, Pool, Router, Scratch, Shuffle, ShuffleError};

use super::CountsError;
use super::answer::Answers;
use super::buckets::Buckets;
use super::place::Places;
use super::queue::Queue;
use super::route::partition_of;
use super::similar::SimilarLookup;
use super::totals::{Ranges, TotalsRouter};
use super::visit::Visit;

/// A partition that is too large is split into this many at a time, by the next bits of the place's key.
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
    pub(super) threads: usize,
    pub(super) pool: &'a Pool,
    pub(super) scratch: &'a Scratch,
    pub(super) progress: &'a dyn Progress,
}

struct Worker<'a> {
    gate: &'a Gate,
    places: Places<'a>,
    answers: Answers<'a>,
    totals: TotalsRouter<'a>,
    visits: Buckets<Visit>,
    splits: &'a AtomicUsize,
}

impl Resolving<'_> {
    /// Counts and answers all visits, and empties `visits`. Its partitions are a power of two many.
    pub(super) fn resolve(&self, visits: &Shuffle<'_>) -> Result<(), CountsError> {
        debug_assert!(visits.partitions().is_power_of_two());
        let (gate, splits) = (Gate::new(self.limit), AtomicUsize::new(0));
        Queue::run(visits.partitions(), self.threads, |queue| {
            let mut worker = Worker {
                gate: &gate,
                places: Places::new(self.similar),
                answers: Answers::new(Router::new(self.answers), self.answer_range),
                totals: TotalsRouter::new(Router::new(self.totals), self.total_ranges),
                visits: Buckets::default(),
                splits: &splits,
            };
            while let Some(partition) = queue.take() {
                self.resolve_partition(visits, partition, visits.partitions().trailing_zeros(), &mut worker)?;
                self.progress.advance(1);
            }
            worker.answers.finish()?;
            Ok(worker.totals.finish()?)
        })
    }

    /// Resolves a partition whose places have the first `bits` bits of their keys in common.
    ///
    /// One that is larger than a thread's share of the limit is split by further bits first, unless it is all one
    /// place: that one must be held whole, so memory grows with the visits of the busiest place beyond the limit.
    fn resolve_partition(
        &self,
        visits: &Shuffle<'_>,
        partition: usize,
        bits: u32,
        worker: &mut Worker<'_>,
    ) -> Result<(), CountsError> {
        let due = visits.bytes(partition) / size_of::<Visit>() as u64;
        let bytes = Buckets::<Visit>::memory(due);
        let is_large = bytes > self.limit / self.threads as u64;
        if is_large && bits < u64::BITS {
            let name = format!("visits-{}", worker.splits.fetch_add(1, Ordering::Relaxed));
            let parts = Shuffle::new(&name, SPLIT, 1, self.pool, self.scratch);
            let mut router = Router::new(&parts);
            let (mut place, mut several) = (None, false);
            visits.take(partition, |run| {
                each_visit(run).try_for_each(|visit| {
                    several |= *place.get_or_insert(visit.major) != visit.major;
                    router.push(partition_of(visit.major, bits, SPLIT), bytemuck::bytes_of(&visit))
                })
            })?;
            router.finish()?;
            // No more bits tell a single place apart.
            let bits = if several { bits + SPLIT_BITS } else { u64::BITS };
            return (0..SPLIT).try_for_each(|part| self.resolve_partition(&parts, part, bits, worker));
        }
        let _permit = worker.gate.admit(bytes);
        worker.visits.restart(due, bits);
        visits.take(partition, |run| {
            each_visit(run).for_each(|visit| worker.visits.push(visit));
            Ok::<(), ShuffleError>(())
        })?;
        worker.places.resolve(worker.visits.sorted(), &mut worker.answers, &mut worker.totals)?;
        if is_large {
            worker.visits = Buckets::default();
        }
        Ok(())
    }
}

/// The visits of a run, which need not be aligned.
fn each_visit(run: &[u8]) -> impl Iterator<Item = Visit> {
    run.chunks_exact(size_of::<Visit>()).map(bytemuck::pod_read_unaligned)
}
