//! One thread's way into a shuffle.

use super::{Shuffle, ShuffleError};

/// Collects one thread's records into runs, one open run a partition.
///
/// [`Router::finish`] must be called at the end: open runs of a dropped router are lost.
pub struct Router<'a> {
    shuffle: &'a Shuffle<'a>,
    open: Vec<Vec<u8>>,
}

impl<'a> Router<'a> {
    /// A router into `shuffle`.
    pub fn new(shuffle: &'a Shuffle<'a>) -> Self {
        Self { shuffle, open: vec![Vec::new(); shuffle.partitions()] }
    }

    /// Adds a record to a partition.
    ///
    /// # Errors
    /// [`ShuffleError::Write`] if the pool is full and the disk too.
    #[inline]
    pub fn push(&mut self, partition: usize, record: &[u8]) -> Result<(), ShuffleError> {
        let run = &mut self.open[partition];
        if run.len() + record.len() > run.capacity() {
            let full = std::mem::replace(run, Vec::with_capacity(self.shuffle.run.max(record.len())));
            self.shuffle.push(partition, full)?;
        }
        self.open[partition].extend_from_slice(record);
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
