//! External partitioning of small records.
//!
//! Any number of threads route records to partitions; a partition is taken back later, whole, in no particular order.
//! Records travel in *runs* (a few kilobytes of whole records). Runs stay in memory while the [`Pool`] they share with
//! other shuffles has room; beyond that, a partition's runs are appended to its own file in one sequential write. The
//! content is the same either way, and a partition's file is removed once it was taken.

mod error;
mod pool;
mod router;
mod scratch;
mod spill;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use error::ShuffleError;
pub use pool::Pool;
pub use router::{OpenRuns, Router, append};
pub use scratch::Scratch;
use spill::SpillFile;

/// Largest run a [`Router`] collects before it hands it over, in bytes.
const LARGEST_RUN: u64 = 64 << 10;
/// Smallest run, in bytes, however small the memory.
const SMALLEST_RUN: u64 = 512;
/// A partition as large as this may always be written out when the pool is full: larger writes gain nothing.
const LARGEST_SPILL: u64 = 1 << 20;

/// Records on their way to partitions.
pub struct Shuffle<'a> {
    partitions: Vec<Mutex<Partition>>,
    pool: &'a Pool,
    /// Bytes a router collects for one partition.
    run: usize,
    /// Bytes a partition must hold before it is worth writing out.
    spill: usize,
}

struct Partition {
    runs: Vec<Vec<u8>>,
    held: usize,
    file: SpillFile,
}

impl<'a> Shuffle<'a> {
    /// A shuffle into `partitions` partitions by at most `writers` routers at a time.
    ///
    /// `name` must differ between the shuffles of a scratch directory. Runs are sized so that all routers' buffers
    /// together take about an eighth of the pool's limit.
    pub fn new(name: &str, partitions: usize, writers: usize, pool: &'a Pool, scratch: &Scratch) -> Self {
        let share = pool.limit() / partitions as u64;
        let run = (share / (8 * writers as u64)).clamp(SMALLEST_RUN, LARGEST_RUN);
        Self {
            partitions: (0..partitions)
                .map(|partition| {
                    let file = SpillFile::new(scratch.path().join(format!("{name}-{partition}.spill")));
                    Mutex::new(Partition { runs: Vec::new(), held: 0, file })
                })
                .collect(),
            pool,
            run: run as usize,
            spill: (share / 4).clamp(run, LARGEST_SPILL.max(run)) as usize,
        }
    }

    /// Number of partitions.
    pub fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// Bytes in a partition, in memory and on disk.
    pub fn bytes(&self, partition: usize) -> u64 {
        let partition = self.lock(partition);
        partition.held as u64 + partition.file.bytes()
    }

    /// Bytes of all partitions that went to disk so far.
    pub fn spilled(&self) -> u64 {
        (0..self.partitions()).map(|partition| self.lock(partition).file.bytes()).sum()
    }

    /// Adds a run of whole records to a partition.
    ///
    /// # Errors
    /// [`ShuffleError::Write`] if the run had to go to disk and could not.
    pub fn push(&self, partition: usize, run: Vec<u8>) -> Result<(), ShuffleError> {
        if run.is_empty() {
            return Ok(());
        }
        let mut partition = self.lock(partition);
        self.pool.hold(run.len());
        partition.held += run.len();
        partition.runs.push(run);
        if self.pool.is_full() && partition.held >= self.spill {
            let runs = std::mem::take(&mut partition.runs);
            let held = std::mem::take(&mut partition.held);
            self.pool.release(held);
            partition.file.append(&runs.concat())?;
        }
        Ok(())
    }

    /// Takes a partition: shows `each` every run that was pushed to it (several of them may come as one), then forgets
    /// them and removes the partition's file. A partition taken again is empty.
    ///
    /// # Errors
    /// [`ShuffleError::Read`] or [`ShuffleError::Damaged`] if spilled runs do not come back as they were written, and
    /// whatever `each` returns.
    pub fn take<E: From<ShuffleError>>(
        &self,
        partition: usize,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (runs, file) = {
            let mut partition = self.lock(partition);
            let empty = SpillFile::new(partition.file.path().to_owned());
            self.pool.release(std::mem::take(&mut partition.held));
            (std::mem::take(&mut partition.runs), std::mem::replace(&mut partition.file, empty))
        };
        file.read(&mut each)?;
        file.remove();
        runs.into_iter().try_for_each(|run| each(&run))
    }

    fn lock(&self, partition: usize) -> MutexGuard<'_, Partition> {
        // A panicking writer leaves whole runs behind, so the partition is sound even then.
        self.partitions[partition].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(limit: u64) -> Result<(u64, Vec<Vec<u32>>), ShuffleError> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let scratch = Scratch::prepare(directory.path().join("scratch"))?;
        let pool = Pool::new(limit);
        let shuffle = Shuffle::new("numbers", 7, 2, &pool, &scratch);
        std::thread::scope(|scope| {
            for writer in 0..2u32 {
                let shuffle = &shuffle;
                scope.spawn(move || {
                    let mut router = Router::new(shuffle);
                    for number in (writer..40_000).step_by(2) {
                        if number % 1_000 == writer {
                            router = Router::resume(shuffle, router.pause());
                        }
                        router.push(number as usize % 7, &number.to_le_bytes()).expect("room on disk");
                    }
                    router.finish().expect("room on disk");
                });
            }
        });
        let spilled = shuffle.spilled();
        let mut partitions = Vec::new();
        for partition in 0..7 {
            let mut numbers: Vec<u32> = Vec::new();
            let bytes = shuffle.bytes(partition);
            shuffle.take(partition, |run| {
                numbers.extend(run.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)));
                Ok::<(), ShuffleError>(())
            })?;
            assert_eq!(bytes, 4 * numbers.len() as u64);
            assert_eq!(shuffle.bytes(partition), 0);
            numbers.sort_unstable();
            partitions.push(numbers);
        }
        assert_eq!(pool.held(), 0);
        assert_eq!(std::fs::read_dir(scratch.path()).expect("the scratch directory").count(), 0, "files removed");
        Ok((spilled, partitions))
    }

    #[test]
    fn memory_and_disk_give_the_same_back() {
        let (in_memory, held) = round_trip(1 << 30).expect("in memory");
        let (on_disk, spilled) = round_trip(10_000).expect("on disk");
        assert_eq!(in_memory, 0);
        assert!(on_disk > 100_000, "{on_disk} bytes went to disk");
        assert_eq!(held, spilled);
        assert_eq!(held.concat().len(), 40_000);
        assert!(held[3].iter().all(|number| number % 7 == 3));
    }

    #[test]
    fn a_flipped_bit_on_disk_is_an_error() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let scratch = Scratch::prepare(directory.path().join("scratch")).expect("scratch");
        let pool = Pool::new(0);
        let shuffle = Shuffle::new("one", 1, 1, &pool, &scratch);
        shuffle.push(0, vec![7; 1000]).expect("room on disk");
        let path = scratch.path().join("one-0.spill");
        let mut bytes = std::fs::read(&path).expect("the spill file");
        bytes[500] ^= 4;
        std::fs::write(&path, bytes).expect("written");
        let error = shuffle.take(0, |_| Ok::<(), ShuffleError>(())).expect_err("damaged");
        assert!(matches!(error, ShuffleError::Damaged { offset: 0, .. }), "{error}");
        assert!(error.to_string().contains("one-0.spill"));
    }
}
