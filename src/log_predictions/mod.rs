//! Predictions for the rows of a log, under the log's own ids: a log through its mapping, the model, and rows out.

use std::collections::VecDeque;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skimlog_formats::record::RecordBatch;
use skimlog_formats::{PerReaction, Reaction};
use skimlog_import::importer::{BadRow, ImportError, Importer, LogReader, NameRows, NamedRecords};
use skimlog_import::log::{BlockShape, LogBlocks};
use skimlog_import::output::{OutputError, RowWriter, with_numbers};
use skimlog_model::predict::{Arrived, EngagementModel, PredictError, PredictSummary, predict_batches};

/// How the rows of a log are predicted.
#[derive(Clone, Copy, Debug)]
pub struct LogPredictOptions {
    /// Most records in a batch, at least 1.
    pub batch: usize,
    /// Threads; each works on a batch of its own.
    pub threads: NonZeroUsize,
    /// Whether rows that are no records are left out, instead of being the end.
    pub skip: bool,
}

/// Why the rows of a log cannot be predicted.
#[derive(Debug, thiserror::Error)]
pub enum LogPredictError {
    /// The model is damaged.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The log cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A row is no record.
    #[error("{}: {row}", path.display())]
    Row {
        /// The log.
        path: PathBuf,
        /// The row and what is wrong with it.
        row: Box<BadRow>,
    },
    /// The predictions cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Reads a log to its end and writes a row for each of its rows, in their order: the ids of post and reader, the
/// columns that the mapping keeps, and the probabilities of reply, retweet, quote and like under the mapping's names.
/// Rows are written as soon as they are predicted. Memory does not depend on the log's length.
///
/// # Errors
/// [`LogPredictError`]. Rows that are left out are passed to `skipped`.
pub fn predict_log<W: Write + Send>(
    model: &Arc<EngagementModel>,
    importer: &Importer,
    log: (PathBuf, LogBlocks, BlockShape),
    mut output: RowWriter<W>,
    options: &LogPredictOptions,
    mut skipped: impl FnMut(&BadRow),
) -> Result<PredictSummary, LogPredictError> {
    let (path, blocks, shape) = log;
    let reader = importer.reader();
    let waiting = VecDeque::new();
    let source = LogBatches { path, blocks, shape, reader, options: *options, waiting, over: false };
    let names = importer.mapping().reaction_names.clone();
    let format = |batch: &Arrived<Rows>, probabilities: &[PerReaction<f32>]| {
        let column = |reaction: Reaction| {
            (names[reaction].clone(), probabilities.iter().map(|probability| probability[reaction]).collect())
        };
        Ok(batch.rows.names.as_ref().map(|rows| with_numbers(rows, Reaction::RECORD_ORDER.map(column))))
    };
    let write = |rows: Option<_>, batch: &Arrived<Rows>| {
        rows.iter().try_for_each(|rows| output.write(rows))?;
        batch.rows.bad.iter().for_each(&mut skipped);
        Ok::<_, LogPredictError>(())
    };
    let summary = predict_batches(model, options.threads, source, format, write, drop)?;
    output.finish()?;
    Ok(summary)
}

/// What else is known of records: their names in the log, and the rows beside them that are none.
struct Rows {
    names: Option<NameRows>,
    bad: Vec<BadRow>,
}

/// The records of a log, batch by batch.
struct LogBatches {
    path: PathBuf,
    blocks: LogBlocks,
    shape: BlockShape,
    reader: LogReader,
    options: LogPredictOptions,
    waiting: VecDeque<Result<Arrived<Rows>, LogPredictError>>,
    over: bool,
}

impl Iterator for LogBatches {
    type Item = Result<Arrived<Rows>, LogPredictError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() && !self.over {
            self.read_block();
        }
        let next = self.waiting.pop_front();
        if matches!(next, Some(Err(_))) {
            (self.over, self.waiting) = (true, VecDeque::new());
        }
        next
    }
}

impl LogBatches {
    fn read_block(&mut self) {
        let asked = Instant::now();
        let block = match self.blocks.next() {
            Some(Ok(block)) => block,
            Some(Err(error)) => return self.waiting.push_back(Err(ImportError::from(error).into())),
            None => {
                self.over = true;
                return;
            }
        };
        let (arrived, mut waited) = (Instant::now(), asked.elapsed());
        let Self { path, shape, reader, options, waiting, .. } = self;
        let mut begun = arrived;
        let outcome = reader.read_named(&block, shape, options.batch, |named: NamedRecords| {
            let NamedRecords { first_row, records, names, bad } = named;
            let ends = !options.skip && !bad.is_empty();
            let skipped = if options.skip { bad.len() as u64 } else { 0 };
            let (bad, end) = if ends { (Vec::new(), bad.into_iter().next()) } else { (bad, None) };
            // The records before a bad row come first; those behind it do not count.
            let (records, names) = match &end {
                Some(bad) => before(records, names, (bad.row - first_row) as usize),
                None => (records, names),
            };
            let parsing = begun.elapsed();
            begun = Instant::now();
            let rows = Rows { names, bad };
            let waited = std::mem::replace(&mut waited, Duration::ZERO);
            waiting.push_back(Ok(Arrived { records, rows, arrived, parsing, waited, skipped }));
            match end {
                Some(row) => Err(LogPredictError::Row { path: path.clone(), row: Box::new(row) }),
                None => Ok(()),
            }
        });
        if let Err(error) = outcome {
            waiting.push_back(Err(error));
        }
    }
}

/// The first so many records and their names.
fn before(mut records: RecordBatch, names: Option<NameRows>, count: usize) -> (RecordBatch, Option<NameRows>) {
    records.truncate(count);
    (records, names.map(|names| names.slice(0, count.min(names.num_rows()))))
}
