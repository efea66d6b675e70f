//! Records from memory and a sink into memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use skimlog_features::counts::{
    BoxError, COUNTS, CountBlock, CountColumn, CountInputs, CountOptions, CountSink, CountSummary, CountedBlock,
    RecordSource, SimilarLookup, Table, TotalsBlock, count,
};
use skimlog_features::key::Key;
use skimlog_formats::record::{NO_REACTION, RecordBatch};
use skimlog_formats::{Id, Lists, PerReaction, Reaction};
use skimlog_runtime::progress::Silent;

/// What counting looks at.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) author: Id,
    pub(crate) reader: Id,
    pub(crate) tweet: Id,
    pub(crate) language: Id,
    pub(crate) hashtags: Vec<Id>,
    pub(crate) tweet_time: i64,
    pub(crate) reactions: PerReaction<Option<i64>>,
}

/// A part in memory, read in blocks of any size.
pub(crate) struct MemoryPart {
    pub(crate) name: String,
    pub(crate) records: Vec<Record>,
    pub(crate) block_rows: usize,
}

impl RecordSource for MemoryPart {
    fn name(&self) -> &str {
        &self.name
    }

    fn rows(&self) -> u64 {
        self.records.len() as u64
    }

    fn blocks(&self) -> usize {
        self.records.len().div_ceil(self.block_rows)
    }

    fn block_rows(&self, block: usize) -> usize {
        self.records.chunks(self.block_rows).nth(block).expect("a block").len()
    }

    fn read(&self, block: usize) -> Result<CountedBlock, BoxError> {
        let records = self.records.chunks(self.block_rows).nth(block).ok_or("no such block")?;
        let mut batch = RecordBatch { rows: records.len(), ..RecordBatch::default() };
        batch.author.id = records.iter().map(|record| record.author).collect();
        batch.reader.id = records.iter().map(|record| record.reader).collect();
        batch.tweet = records.iter().map(|record| record.tweet).collect();
        batch.language = records.iter().map(|record| record.language).collect();
        batch.tweet_time = records.iter().map(|record| record.tweet_time).collect();
        batch.hashtags = records.iter().map(|record| &record.hashtags[..]).collect::<Lists<Id>>();
        let times = |reaction| records.iter().map(|record| record.reactions[reaction].unwrap_or(NO_REACTION)).collect();
        batch.reactions = Some(PerReaction::<Vec<i64>>::from_fn(times));
        Ok(batch.into())
    }
}

/// Similar authors by author.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimilarLists(pub(crate) HashMap<Key, (Vec<Key>, Vec<f64>)>);

impl SimilarLookup for SimilarLists {
    fn get(&self, author: Key) -> (&[Key], &[f64]) {
        self.0.get(&author).map_or((&[], &[]), |(authors, scores)| (authors, scores))
    }
}

/// The 65 counts of a record: counts as they are, reals as their bits.
pub(crate) type Row = [u64; COUNTS];

/// One row of a table: key; like, reply, retweet, quote; records with no reaction (0 where the table has none).
pub(crate) type Total = (u64, [u32; 4], u32);

/// Everything that counting gives.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Collected {
    pub(crate) parts: Vec<Vec<Row>>,
    pub(crate) totals: Vec<Vec<Total>>,
}

struct MemorySink(Mutex<Collected>);

impl CountSink for MemorySink {
    type Encoded = (u64, Vec<Row>);

    fn encode(&self, _part: usize, first_row: u64, block: &CountBlock) -> Result<Self::Encoded, BoxError> {
        let mut rows = vec![[0; COUNTS]; block.rows()];
        for column in 0..COUNTS {
            match block.column(column) {
                CountColumn::Counts(counts) => {
                    rows.iter_mut().zip(counts).for_each(|(row, &count)| row[column] = u64::from(count));
                }
                CountColumn::Reals(reals) => {
                    rows.iter_mut().zip(reals).for_each(|(row, &real)| row[column] = real.to_bits());
                }
            }
        }
        Ok((first_row, rows))
    }

    fn append(&self, part: usize, (first_row, rows): Self::Encoded) -> Result<(), BoxError> {
        let parts = &mut self.0.lock().expect("not poisoned").parts;
        assert_eq!(parts[part].len() as u64, first_row, "blocks come in order");
        assert!(parts[part + 1..].iter().all(Vec::is_empty), "parts come in order");
        parts[part].extend(rows);
        Ok(())
    }

    fn totals(&self, table: Table, block: &TotalsBlock) -> Result<(), BoxError> {
        let rows = &mut self.0.lock().expect("not poisoned").totals[table.index()];
        for (row, &key) in block.keys.iter().enumerate() {
            let unreacted = if table.has_unreacted() { block.unreacted[row] } else { 0 };
            assert!(table.has_unreacted() || block.unreacted.is_empty());
            rows.push((key, Reaction::ALL.map(|reaction| block.reactions[reaction][row]), unreacted));
        }
        assert!(rows.is_sorted_by(|a, b| a.0 < b.0), "keys ascend");
        Ok(())
    }
}

/// Counts into memory.
pub(crate) fn collect(
    inputs: &CountInputs<'_>,
    memory_budget: u64,
    threads: usize,
    block_rows: usize,
) -> (Collected, CountSummary) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let scratch = directory.path().join("scratch");
    let options = CountOptions { memory_budget, threads, scratch: scratch.clone(), block_rows };
    let parts = inputs.training.len() + usize::from(inputs.validation.is_some()) + inputs.test.len();
    let empty = Collected { parts: vec![Vec::new(); parts], totals: vec![Vec::new(); Table::ALL.len()] };
    let sink = MemorySink(Mutex::new(empty));
    let summary = count(inputs, &options, &sink, &Silent).expect("counted");
    assert!(!Path::new(&scratch).exists(), "nothing is left behind");
    (sink.0.into_inner().expect("not poisoned"), summary)
}
