//! Sets of records as files.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use skimlog_runtime::ordered::ordered_map;

use crate::engagement::{Outcome, PlantedModel};
use crate::files::{Output, Unfinished, attempt};
use crate::line::{write_labels, write_record};
use crate::options::{SynthError, SynthOptions};
use crate::random::Purpose;
use crate::truth::{Truth, TruthSums};
use crate::vocabulary::Vocabulary;
use crate::world::{Set, World};

/// Records drawn from one sequence of random numbers; never changes with options, or the records would.
const BLOCK: u64 = 4096;
const NAMES: [&str; 5] = ["train", "validation", "test", "test_labels.tsv", "truth.json"];

/// What was generated.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SynthSummary {
    /// Records of all sets.
    pub records: u64,
    /// Bytes of all parts.
    pub bytes: u64,
    /// What `truth.json` holds.
    pub truth: Truth,
}

/// Generates the parts, the test labels and the truth about them in `options.out`; calls `progress` with the number of
/// records written so far, a block of 4,096 at a time.
///
/// * `train/part-00000` … (or the one of `options.only_part`), `validation/part-00000`: records of 24 fields;
/// * `test/part-00000`: records of 20 fields;
/// * `test_labels.tsv`: a line a test record: tweet id, reader id, then 0 or 1 for reply, retweet, quote and like, in
///   this order (that of the raw record's columns), TAB between them;
/// * `truth.json`: [`Truth`] of the records written.
///
/// Everything is written to `options.out/.unfinished` and moved from there once complete; what an interrupted run left
/// there is removed. Memory does not grow with the number of records.
///
/// # Errors
/// [`SynthError`] for an option out of range, for output that is there already, and from the file system.
pub fn generate(options: &SynthOptions, progress: &(dyn Fn(u64) + Sync)) -> Result<SynthSummary, SynthError> {
    options.check()?;
    let unfinished = Unfinished::begin(&options.out, &NAMES)?;
    let world = World::new(options);
    let records =
        Records { model: PlantedModel::calibrated(&world), vocabulary: Vocabulary::new(options.vocabulary), world };
    let mut writer =
        SetWriter { records: &records, options, unfinished: unfinished.path(), progress, written: 0, bytes: 0 };
    let train = writer.write(Set::Train, options.rows, options.parts)?;
    let validation = writer.write(Set::Validation, options.valid_rows, 1)?;
    let test = writer.write(Set::Test, options.test_rows, 1)?;
    let (records, bytes) = (writer.written, writer.bytes);
    let truth = Truth { seed: options.seed, train: train.truth(), validation: validation.truth(), test: test.truth() };

    let path = unfinished.path().join("truth.json");
    let json = serde_json::to_string_pretty(&truth).map_err(io::Error::from).map(|json| json + "\n");
    attempt("write", &path, json.and_then(|json| fs::write(&path, json)))?;
    unfinished.complete(&NAMES)?;
    Ok(SynthSummary { records, bytes, truth })
}

/// A block of records as text, and what to add to the sums.
struct Block {
    text: Vec<u8>,
    /// Where each record ends in the text.
    ends: Vec<usize>,
    labels: Vec<u8>,
    outcomes: Vec<Outcome>,
}

/// What records are drawn from.
struct Records {
    world: World,
    model: PlantedModel,
    vocabulary: Vocabulary,
}

struct SetWriter<'a> {
    records: &'a Records,
    options: &'a SynthOptions,
    unfinished: &'a Path,
    progress: &'a (dyn Fn(u64) + Sync),
    /// Records written so far.
    written: u64,
    bytes: u64,
}

impl SetWriter<'_> {
    /// Writes the parts of a set, and a test set's labels; a set of no records has no file.
    fn write(&mut self, set: Set, rows: u64, parts: u32) -> Result<TruthSums, SynthError> {
        let mut sums = TruthSums::new();
        if rows == 0 {
            return Ok(sums);
        }
        let mut labels = match set {
            Set::Test => Some(Output::create(self.unfinished.join("test_labels.tsv"))?),
            Set::Train | Set::Validation => None,
        };
        let shares = Shares { rows, count: u64::from(parts) };
        let (first, wanted) = match self.options.only_part.filter(|_| set == Set::Train) {
            Some(part) => (u64::from(part), shares.start(part.into())..shares.start(u64::from(part) + 1)),
            None => (0, 0..rows),
        };
        let mut parts = Parts::create(self.unfinished.join(NAMES[set as usize]), shares, first)?;
        let records = self.records;
        let make = |number: u64| Ok(records.block(set, number, BLOCK.min(rows - number * BLOCK), &wanted));
        let threads = NonZeroUsize::new(self.options.threads).unwrap_or(NonZeroUsize::MIN);
        let numbers = (wanted.start / BLOCK..wanted.end.div_ceil(BLOCK)).map(Ok);
        ordered_map(threads, numbers, make, |block: Block| {
            parts.write(&block.text, &block.ends)?;
            if let Some(labels) = &mut labels {
                labels.write(&block.labels)?;
            }
            block.outcomes.iter().for_each(|outcome| sums.add(outcome));
            self.written += block.outcomes.len() as u64;
            self.bytes += block.text.len() as u64;
            (self.progress)(self.written);
            Ok(())
        })?;
        parts.finish()?;
        labels.map_or(Ok(()), Output::finish)?;
        Ok(sums)
    }
}

impl Records {
    /// Draws a whole block, but keeps only the records whose numbers within the set are `wanted`.
    fn block(&self, set: Set, number: u64, rows: u64, wanted: &Range<u64>) -> Block {
        let Self { world, model, vocabulary } = self;
        let mut random = world.seed.random(Purpose::Block, set as u64, number);
        let rows = rows as usize;
        let mut block = Block {
            text: Vec::with_capacity(rows * 560),
            ends: Vec::with_capacity(rows),
            labels: Vec::new(),
            outcomes: Vec::with_capacity(rows),
        };
        for row in number * BLOCK..number * BLOCK + rows as u64 {
            let encounter = world.encounter(set, &mut random);
            let outcome = model.outcome(world, &encounter);
            if !wanted.contains(&row) {
                continue;
            }
            write_record(world, vocabulary, set, &encounter, &outcome, &mut block.text);
            block.ends.push(block.text.len());
            if set == Set::Test {
                write_labels(world, &encounter, &outcome, &mut block.labels);
            }
            block.outcomes.push(outcome);
        }
        block
    }
}

/// How the records of a set are shared between its parts: the first ones hold one more where it does not divide.
#[derive(Clone, Copy)]
struct Shares {
    rows: u64,
    count: u64,
}

impl Shares {
    /// The number of a part's first record; for the number of parts, that of records.
    fn start(self, part: u64) -> u64 {
        part * (self.rows / self.count) + part.min(self.rows % self.count)
    }

    fn size(self, part: u64) -> u64 {
        self.start(part + 1) - self.start(part)
    }
}

/// The parts of a set, one after the other.
struct Parts {
    directory: PathBuf,
    shares: Shares,
    /// The part being written, its number, and how many records it still takes.
    current: Output,
    number: u64,
    room: u64,
}

impl Parts {
    /// Begins with the part of number `first`.
    fn create(directory: PathBuf, shares: Shares, first: u64) -> Result<Self, SynthError> {
        attempt("make this directory", &directory, fs::create_dir_all(&directory))?;
        let current = Output::create(part_path(&directory, first))?;
        Ok(Self { directory, shares, current, number: first, room: shares.size(first) })
    }

    /// Appends records, given with the end of each.
    fn write(&mut self, text: &[u8], ends: &[usize]) -> Result<(), SynthError> {
        let (mut written, mut start) = (0, 0);
        while written < ends.len() {
            if self.room == 0 {
                self.next()?;
            }
            let taken = (ends.len() - written).min(self.room.try_into().unwrap_or(usize::MAX));
            written += taken;
            self.room -= taken as u64;
            let end = ends[written - 1];
            self.current.write(&text[start..end])?;
            start = end;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(), SynthError> {
        self.number += 1;
        self.room = self.shares.size(self.number);
        let next = Output::create(part_path(&self.directory, self.number))?;
        std::mem::replace(&mut self.current, next).finish()
    }

    fn finish(self) -> Result<(), SynthError> {
        self.current.finish()
    }
}

fn part_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("part-{number:05}"))
}
