//! Examples put aside and taken back in random order, in bounded memory.
//!
//! Every example has a random key, a seeded hash of its record's number, and an ascending sequence of keys is the order
//! in which a session's examples come back: a uniform shuffle. A bucket holds a range of keys, small enough to be
//! sorted in memory, so that the order does not depend on how many buckets there are.

use std::ops::Range;

use skimlog_features::input::{Example, ExampleError};
use skimlog_runtime::shuffle::{Pool, Router, Scratch, Shuffle, ShuffleError};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::error::TrainError;

/// What an example and its key are expected to take in memory, in bytes: about twice what short texts need.
const EXAMPLE_BYTES: u64 = 300;

/// Examples of some sessions on their way to a random order.
pub(super) struct Buckets<'a> {
    shuffle: Shuffle<'a>,
    /// Each session's buckets, by ascending keys.
    sessions: Vec<Range<usize>>,
    seed: u64,
}

impl<'a> Buckets<'a> {
    /// Buckets for sessions of so many records. A bucket takes about `bucket_bytes` of memory when it is sorted.
    pub(super) fn new(records: &[u64], seed: u64, bucket_bytes: u64, pool: &'a Pool, scratch: &Scratch) -> Self {
        let mut buckets = 0;
        let sessions: Vec<Range<usize>> = records
            .iter()
            .map(|records| {
                let first = buckets;
                buckets += (records * EXAMPLE_BYTES).div_ceil(bucket_bytes.max(EXAMPLE_BYTES)).max(1) as usize;
                first..buckets
            })
            .collect();
        Self { shuffle: Shuffle::new("examples", buckets, 1, pool, scratch), sessions, seed }
    }

    /// A way in; [`Filler::finish`] ends it.
    pub(super) fn fill(&self) -> Filler<'_> {
        Filler { buckets: self, router: Router::new(&self.shuffle), frame: Vec::new() }
    }

    /// Takes a session's examples out, in random order.
    pub(super) fn take(
        &self,
        session: usize,
        mut visit: impl FnMut(&Example) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let (mut bytes, mut order, mut example) = (Vec::new(), Vec::new(), Example::default());
        for bucket in self.sessions[session].clone() {
            bytes.clear();
            order.clear();
            bytes.reserve(self.shuffle.bytes(bucket) as usize);
            self.shuffle.take(bucket, |run| {
                bytes.extend_from_slice(run);
                Ok::<(), ShuffleError>(())
            })?;
            let mut start = 0;
            while start < bytes.len() {
                let (record, end) = read_head(&bytes, start)?;
                order.push((self.key(record), record, start));
                start = end;
            }
            // Records of equal keys come by their number.
            order.sort_unstable();
            for &(_, _, start) in &order {
                let (_, end) = read_head(&bytes, start)?;
                example.decode(&bytes[start + HEAD..end]).map_err(TrainError::Spilled)?;
                visit(&example)?;
            }
        }
        Ok(())
    }

    fn key(&self, record: u64) -> u64 {
        xxh3_64_with_seed(&record.to_le_bytes(), self.seed)
    }

    fn bucket(&self, session: usize, record: u64) -> usize {
        let buckets = &self.sessions[session];
        let share = u128::from(self.key(record)) * buckets.len() as u128;
        buckets.start + (share >> 64) as usize
    }
}

/// Puts examples into buckets.
pub(super) struct Filler<'a> {
    buckets: &'a Buckets<'a>,
    router: Router<'a>,
    frame: Vec<u8>,
}

impl Filler<'_> {
    /// Adds the example of a record to a session. A record's number occurs once.
    pub(super) fn push(&mut self, session: usize, record: u64, example: &Example) -> Result<(), ShuffleError> {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; HEAD]);
        example.encode(&mut self.frame);
        let length = (self.frame.len() - HEAD) as u32;
        self.frame[..8].copy_from_slice(&record.to_le_bytes());
        self.frame[8..HEAD].copy_from_slice(&length.to_le_bytes());
        self.router.push(self.buckets.bucket(session, record), &self.frame)
    }

    /// Makes everything available to [`Buckets::take`].
    pub(super) fn finish(self) -> Result<(), ShuffleError> {
        self.router.finish()
    }
}

/// Bytes before an example: its record's number and its length.
const HEAD: usize = 12;

/// The record's number and the end of the frame that begins at `start`.
fn read_head(bytes: &[u8], start: usize) -> Result<(u64, usize), TrainError> {
    let short = TrainError::Spilled(ExampleError::Short);
    let Some((record, rest)) = bytes[start..].split_first_chunk() else { return Err(short) };
    let Some((length, rest)) = rest.split_first_chunk() else { return Err(short) };
    let length = u32::from_le_bytes(*length) as usize;
    if rest.len() < length {
        return Err(short);
    }
    Ok((u64::from_le_bytes(*record), start + HEAD + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order in which the records of each session come back.
    fn order(sessions: &[u64], seed: u64, memory: u64) -> Vec<Vec<u32>> {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::prepare(directory.path().join("scratch")).unwrap();
        let pool = Pool::new(memory);
        let buckets = Buckets::new(sessions, seed, memory, &pool, &scratch);
        let mut filler = buckets.fill();
        let mut record = 0;
        for (session, &records) in sessions.iter().enumerate() {
            for _ in 0..records {
                let tokens = vec![record as u32; 1 + record as usize % 70];
                filler.push(session, record, &Example { tokens, ..Example::default() }).unwrap();
                record += 1;
            }
        }
        filler.finish().unwrap();
        (0..sessions.len())
            .map(|session| {
                let mut records = Vec::new();
                let visit = |example: &Example| {
                    assert_eq!(example.tokens.len(), 1 + example.tokens[0] as usize % 70);
                    records.push(example.tokens[0]);
                    Ok(())
                };
                buckets.take(session, visit).unwrap();
                records
            })
            .collect()
    }

    #[test]
    fn every_record_comes_once_in_an_order_that_memory_does_not_change() {
        let sessions = [700, 0, 1_500, 1];
        let roomy = order(&sessions, 7, 1 << 30);
        assert_eq!(roomy, order(&sessions, 7, 20_000));
        assert_ne!(roomy[0], order(&sessions, 8, 20_000)[0]);
        let mut first = 0;
        for (records, count) in roomy.into_iter().zip(sessions) {
            assert!(count < 2 || !records.is_sorted());
            let mut sorted = records;
            sorted.sort_unstable();
            assert_eq!(sorted, (first..first + count as u32).collect::<Vec<_>>());
            first += count as u32;
        }
    }

    #[test]
    fn every_position_is_equally_likely() {
        // Where record 0 of four comes back, over many seeds: chi-square with 3 degrees of freedom, 0.1 % at 16.3.
        let mut counts = [0f64; 4];
        for seed in 0..400 {
            let records = &order(&[4], seed, 1 << 20)[0];
            counts[records.iter().position(|&record| record == 0).unwrap()] += 1.0;
        }
        let chi_square: f64 = counts.iter().map(|count| (count - 100.0).powi(2) / 100.0).sum();
        assert!(chi_square < 16.3, "{counts:?}");
    }
}
