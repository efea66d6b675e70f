//! The parts' records in a random order, in bounded memory, from any position on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skimlog_formats::Lists;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;

use super::random::{Draws, Purpose};
use crate::finetune::FinetuneError;

/// Blocks whose records are mixed with each other; with those of a part of 65,536 records each, some 40 MB of tokens.
const WINDOW: usize = 4;

/// A record's tokens, cut to the longest sequence.
pub(super) type Record = Vec<u32>;

/// The records of some parts: a random share is held out, the rest is trained on.
pub(super) struct Records {
    parts: Vec<PathBuf>,
    blocks: Vec<Block>,
    seed: u64,
    share: f64,
    max_length: usize,
    vocabulary: usize,
    /// Records that are trained on.
    pub(super) training: u64,
    /// All records.
    pub(super) all: u64,
}

#[derive(Clone, Copy)]
struct Block {
    part: usize,
    number: usize,
    /// Number of its first record in the part.
    first: u64,
}

/// A position in the order of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// How many times all records were seen.
    pub(super) epoch: u64,
    /// Windows seen in this epoch.
    pub(super) window: u64,
    /// Records seen in this window.
    pub(super) record: u64,
}

impl Records {
    /// Records of these parts, a `share` of them held out.
    pub(super) fn open(
        parts: Vec<PathBuf>,
        share: f64,
        seed: u64,
        max_length: usize,
        vocabulary: usize,
    ) -> Result<Self, FinetuneError> {
        let mut records = Self { parts, blocks: Vec::new(), seed, share, max_length, vocabulary, training: 0, all: 0 };
        for part in 0..records.parts.len() {
            let reader = PartReader::open(&records.parts[part])?;
            records.all += reader.rows();
            for block in 0..reader.blocks() {
                records.blocks.push(Block { part, number: block, first: reader.block_rows(block).start });
            }
            let trained = (0..reader.rows()).filter(|&row| !records.is_held_out(part, row)).count();
            records.training += trained as u64;
        }
        if records.training == 0 {
            let held_out = records.all;
            return Err(FinetuneError::NoRecords { records: records.all, held_out });
        }
        Ok(records)
    }

    fn is_held_out(&self, part: usize, row: u64) -> bool {
        Draws::new(self.seed, Purpose::HoldOut, [part as u64, row]).unit(0) < self.share
    }

    /// Records of a block that are held out, or those that are not.
    fn read(&self, block: Block, held_out: bool, into: &mut Lists<u32>) -> Result<(), FinetuneError> {
        let path = &self.parts[block.part];
        let tokens = PartReader::open(path)?.read(block.number, Columns::TOKENS)?.tokens;
        for (row, tokens) in (block.first..).zip(tokens.iter()) {
            if self.is_held_out(block.part, row) != held_out {
                continue;
            }
            let tokens = &tokens[..tokens.len().min(self.max_length)];
            if let Some(&token) = tokens.iter().find(|&&token| token as usize >= self.vocabulary) {
                let (part, vocabulary) = (path.clone(), self.vocabulary);
                return Err(FinetuneError::Token { part, record: row, token, vocabulary });
            }
            into.push(tokens);
        }
        Ok(())
    }

    /// The first held-out records, at most so many.
    pub(super) fn held_out(&self, most: usize) -> Result<Vec<Record>, FinetuneError> {
        let mut found = Lists::default();
        for &block in &self.blocks {
            if found.len() >= most {
                break;
            }
            self.read(block, true, &mut found)?;
        }
        Ok(found.iter().take(most).map(<[u32]>::to_vec).collect())
    }

    /// The records from a position on, without end: epoch after epoch, each in another order.
    pub(super) fn stream(&self, position: Position) -> Stream<'_> {
        Stream { records: self, position, window: None }
    }
}

/// Training records in their random order.
pub(super) struct Stream<'r> {
    records: &'r Records,
    position: Position,
    window: Option<Window>,
}

struct Window {
    tokens: Lists<u32>,
    order: Vec<u32>,
}

impl Stream<'_> {
    /// Where the next record stands.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The next `size` records, fewer at an epoch's end, never none.
    pub(super) fn batch(&mut self, size: usize) -> Result<Vec<Record>, FinetuneError> {
        let mut batch = Vec::with_capacity(size);
        while batch.len() < size {
            let window = match self.window.take() {
                Some(window) => window,
                None => self.load()?,
            };
            let Some(&record) = window.order.get(self.position.record as usize) else {
                self.position = Position { window: self.position.window + 1, record: 0, ..self.position };
                if self.position.window as usize == self.records.blocks.len().div_ceil(WINDOW) {
                    self.position = Position { epoch: self.position.epoch + 1, ..Position::default() };
                    if !batch.is_empty() {
                        break;
                    }
                }
                continue;
            };
            batch.push(window.tokens.get(record as usize).to_vec());
            self.position.record += 1;
            self.window = Some(window);
        }
        Ok(batch)
    }

    /// Reads the blocks of the current window.
    fn load(&self) -> Result<Window, FinetuneError> {
        let Records { seed, blocks, .. } = self.records;
        let Position { epoch, window, .. } = self.position;
        let order = Draws::new(*seed, Purpose::OrderOfBlocks, [epoch, 0]).order(blocks.len());
        let mut tokens = Lists::default();
        for &block in order.iter().skip(window as usize * WINDOW).take(WINDOW) {
            self.records.read(blocks[block as usize], false, &mut tokens)?;
        }
        let order = Draws::new(*seed, Purpose::OrderOfRecords, [epoch, window]).order(tokens.len());
        Ok(Window { tokens, order })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::write_part;
    use super::*;

    #[test]
    fn every_record_comes_once_an_epoch_in_another_order_and_from_any_position() {
        let folder = tempfile::tempdir().unwrap();
        let rows = |numbers: std::ops::Range<u32>| numbers.map(|n| vec![101, 200 + n, 102]).collect::<Vec<_>>();
        let parts: Vec<PathBuf> = (0..6u32)
            .map(|part| write_part(folder.path(), &format!("{part}.skim"), &rows(40 * part..40 * (part + 1))))
            .collect();
        let records = Records::open(parts.clone(), 0.1, 1, 100, 2000).unwrap();
        let held_out: BTreeSet<u32> = records.held_out(1000).unwrap().iter().map(|record| record[1]).collect();
        assert_eq!(records.all, 240);
        assert_eq!(held_out.len() as u64 + records.training, 240);
        assert!((10..40).contains(&held_out.len()), "{}", held_out.len());

        let mut stream = records.stream(Position::default());
        let mut epochs = Vec::new();
        for _ in 0..2 {
            let mut seen = Vec::new();
            for _ in 0..records.training.div_ceil(16) {
                let position = stream.position();
                let batch = stream.batch(16).unwrap();
                assert_eq!(records.stream(position).batch(16).unwrap(), batch);
                seen.extend(batch.iter().map(|record| record[1]));
            }
            assert_eq!(seen.len() as u64, records.training);
            let all: BTreeSet<u32> = seen.iter().copied().chain(held_out.iter().copied()).collect();
            assert_eq!(all, (200..440).collect());
            epochs.push(seen);
        }
        assert_ne!(epochs[0], epochs[1]);
        assert!(!epochs[0].is_sorted());

        assert!(matches!(Records::open(parts.clone(), 1.0, 1, 100, 2000), Err(FinetuneError::NoRecords { .. })));
        let strict = Records::open(parts, 0.1, 1, 2, 230).unwrap();
        let found = strict.stream(Position::default()).batch(16).unwrap_err();
        assert!(matches!(found, FinetuneError::Token { vocabulary: 230, .. }), "{found}");
    }
}
