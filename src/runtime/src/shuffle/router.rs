//! How one thread writes to a shuffle.

use super::{Shuffle, ShuffleError};
use crate::prefetch::prefetch;

/// A record of up to so many bytes is copied at once.
const SHORT: usize = 64;
/// Bytes ahead of a run's end that are asked for: there are more runs than a processor sees coming, and each is written
/// to again only after most of the others.
const AHEAD: usize = 128;

/// Appends the first `length` bytes of `bytes`. Where these are few and more of them follow, the same number is copied
/// whatever the length, which processors would guess wrong half of the time.
#[inline]
pub fn append(to: &mut Vec<u8>, bytes: &[u8], length: usize) {
    match bytes.first_chunk::<SHORT>() {
        Some(bytes) if length <= SHORT => {
            let end = to.len() + length;
            to.extend_from_slice(bytes);
            to.truncate(end);
        }
        _ => to.extend_from_slice(&bytes[..length]),
    }
    prefetch(to.spare_capacity_mut(), AHEAD);
}

/// Collects one thread's records into runs, one open run a partition.
///
/// [`Router::finish`] must be called at the end: open runs of a dropped router are lost. So are those of a paused one
/// that is not resumed.
pub struct Router<'a> {
    shuffle: &'a Shuffle<'a>,
    open: Vec<Vec<u8>>,
}

/// The open runs of a router that pauses.
#[derive(Debug)]
pub struct OpenRuns(Vec<Vec<u8>>);

impl<'a> Router<'a> {
    /// A router into `shuffle`.
    pub fn new(shuffle: &'a Shuffle<'a>) -> Self {
        Self { shuffle, open: vec![Vec::new(); shuffle.partitions()] }
    }

    /// Goes on where a router into the same shuffle paused.
    pub fn resume(shuffle: &'a Shuffle<'a>, OpenRuns(open): OpenRuns) -> Self {
        assert_eq!(open.len(), shuffle.partitions(), "the runs are of another shuffle");
        Self { shuffle, open }
    }

    /// Keeps the open runs for [`Router::resume`], on this thread or another, without handing them over.
    pub fn pause(self) -> OpenRuns {
        OpenRuns(self.open)
    }

    /// Adds a record to a partition.
    ///
    /// # Errors
    /// [`ShuffleError::Write`] if the pool is full and the disk too.
    #[inline]
    pub fn push(&mut self, partition: usize, record: &[u8]) -> Result<(), ShuffleError> {
        self.push_start(partition, record, record.len())
    }

    /// Adds a record, the first `length` bytes of `bytes`, to a partition: as `append` does.
    ///
    /// # Errors
    /// As [`Router::push`].
    #[inline]
    pub fn push_start(&mut self, partition: usize, bytes: &[u8], length: usize) -> Result<(), ShuffleError> {
        let run = &mut self.open[partition];
        if run.capacity() - run.len() < length.max(SHORT) {
            let full = std::mem::replace(run, Vec::with_capacity(self.shuffle.run.max(length.max(SHORT))));
            self.shuffle.push(partition, full)?;
        }
        append(&mut self.open[partition], bytes, length);
        Ok(())
    }

    /// Hands all open runs over.
    ///
    /// # Errors
    /// As [`Router::push`].
    pub fn finish(self) -> Result<(), ShuffleError> {
        for (partition, mut run) in self.open.into_iter().enumerate() {
            run.shrink_to_fit();
            self.shuffle.push(partition, run)?;
        }
        Ok(())
    }
}
