//! Predictions and labels, in memory or on disk, and each reaction's ranking from them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use skimlog_formats::PerReaction;

/// A record: for each reaction its prediction and whether it happened, and how many accounts follow the author.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) outcomes: PerReaction<Outcome>,
    pub(super) author_followers: u32,
}

/// A prediction and whether it came true, in 31 bits that ascend with the prediction: a probability's 30 bits as a
/// floating-point number (positive ones order as their bits do), then one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome(u32);

impl Outcome {
    /// Of a prediction within [0, 1].
    pub(super) fn new(prediction: f32, happened: bool) -> Self {
        // A negative zero would have its sign among the bits.
        Self((prediction + 0.0).to_bits() << 1 | u32::from(happened))
    }

    pub(super) fn prediction(self) -> f32 {
        f32::from_bits(self.0 >> 1)
    }

    pub(super) fn happened(self) -> bool {
        self.0 & 1 == 1
    }

    /// Its bin of a [`Histogram`].
    fn bin(self) -> usize {
        (self.0 >> FINE_BITS) as usize
    }

    fn within_bin(self) -> usize {
        (self.0 & ((1 << FINE_BITS) - 1)) as usize
    }
}

/// Bits of an outcome below those of its bin.
const FINE_BITS: u32 = 15;
/// Bins of outcomes.
pub(super) const BINS: usize = 1 << (31 - FINE_BITS);

/// How many outcomes of a reaction lie in each bin.
pub(super) struct Histogram(Vec<u64>);

impl Histogram {
    pub(super) fn new() -> Self {
        Self(vec![0; BINS])
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.0[outcome.bin()] += 1;
    }

    /// The bins in ranges from the highest to the lowest, each of at most `most` outcomes or of a single bin.
    fn ranges(&self, most: u64) -> Vec<Range> {
        let mut ranges: Vec<Range> = Vec::new();
        for (bin, &outcomes) in self.0.iter().enumerate().rev().filter(|(_, outcomes)| **outcomes > 0) {
            match ranges.last_mut().filter(|range| range.outcomes + outcomes <= most) {
                Some(range) => {
                    range.first = bin;
                    range.outcomes += outcomes;
                }
                None => ranges.push(Range { first: bin, last: bin, outcomes }),
            }
        }
        ranges
    }
}

/// Bins `first..=last`.
struct Range {
    first: usize,
    last: usize,
    outcomes: u64,
}

/// Bytes of a record in memory and on disk.
pub(super) const ROW_BYTES: u64 = 20;

/// Records, in memory as long as there is room, then in a nameless file.
pub(super) struct Rows {
    held: Vec<Row>,
    most_held: usize,
    spilled: Option<BufWriter<File>>,
    records: u64,
}

impl Rows {
    /// Keeps at most so many records in memory.
    pub(super) fn new(most_held: usize) -> Self {
        Self { held: Vec::new(), most_held, spilled: None, records: 0 }
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Adds a record; should memory be full, the file is made in `folder`.
    pub(super) fn push(&mut self, row: Row, folder: &Path) -> io::Result<()> {
        if self.held.len() == self.most_held {
            if self.spilled.is_none() {
                self.spilled = Some(BufWriter::new(tempfile::tempfile_in(folder)?));
            }
            let rows = std::mem::take(&mut self.held);
            self.spilled
                .as_mut()
                .map_or(Ok(()), |file| rows.iter().try_for_each(|row| file.write_all(&row.bytes())))?;
            self.held = rows;
            self.held.clear();
        }
        self.held.push(row);
        self.records += 1;
        Ok(())
    }

    /// Shows `each` every record, in the order in which they came.
    pub(super) fn visit(&mut self, mut each: impl FnMut(&Row)) -> io::Result<()> {
        if let Some(file) = &mut self.spilled {
            file.flush()?;
            let file = file.get_mut();
            file.rewind()?;
            let (mut reader, mut bytes) = (BufReader::with_capacity(1 << 16, &*file), [0; ROW_BYTES as usize]);
            for _ in 0..self.records - self.held.len() as u64 {
                reader.read_exact(&mut bytes)?;
                each(&Row::from_bytes(bytes));
            }
            file.seek(io::SeekFrom::End(0))?;
        }
        self.held.iter().for_each(each);
        Ok(())
    }

    /// Shows `each` all outcomes of a reaction from the highest prediction to the lowest, with the group that
    /// `group_of` puts the record into (below 8) and a number of outcomes that are the same. Takes about 8 bytes for
    /// each of `most` outcomes.
    pub(super) fn descending(
        &mut self,
        outcome_of: impl Fn(&Row) -> Outcome,
        group_of: impl Fn(&Row) -> usize,
        histogram: &Histogram,
        most: u64,
        mut each: impl FnMut(Outcome, usize, u64),
    ) -> io::Result<()> {
        for range in histogram.ranges(most) {
            if range.outcomes > most {
                // One bin: there are few different outcomes in it, and they can be counted.
                let mut counts = vec![0u64; 8 << FINE_BITS];
                self.visit(|row| {
                    let outcome = outcome_of(row);
                    if outcome.bin() == range.first {
                        counts[outcome.within_bin() << 3 | group_of(row)] += 1;
                    }
                })?;
                for (index, &count) in counts.iter().enumerate().rev().filter(|(_, count)| **count > 0) {
                    each(Outcome((range.first << FINE_BITS | index >> 3) as u32), index & 7, count);
                }
                continue;
            }
            let mut found = Vec::with_capacity(range.outcomes as usize);
            self.visit(|row| {
                let outcome = outcome_of(row);
                if (range.first..=range.last).contains(&outcome.bin()) {
                    found.push(u64::from(outcome.0) << 3 | group_of(row) as u64);
                }
            })?;
            found.sort_unstable();
            for found in found.into_iter().rev() {
                each(Outcome((found >> 3) as u32), (found & 7) as usize, 1);
            }
        }
        Ok(())
    }
}

impl Row {
    fn bytes(&self) -> [u8; ROW_BYTES as usize] {
        let [a, b, c, d] = self.outcomes.in_order(skimlog_formats::Reaction::ALL).map(|outcome| outcome.0);
        let words = [a, b, c, d, self.author_followers];
        bytemuck::cast(words.map(u32::to_ne_bytes))
    }

    fn from_bytes(bytes: [u8; ROW_BYTES as usize]) -> Self {
        let [a, b, c, d, author_followers] = bytemuck::cast::<_, [[u8; 4]; 5]>(bytes).map(u32::from_ne_bytes);
        Self { outcomes: PerReaction::from_count_order([a, b, c, d].map(Outcome)), author_followers }
    }
}
