//! From a pipe of records to lines of CSV.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use skimlog_formats::record::{ReadError, RecordBatch, RecordError, RecordOptions, RecordReader};
use skimlog_formats::{PerReaction, Reaction};
use skimlog_runtime::ordered::ordered_map_with;
use skimlog_runtime::stream::{Origin, expect_text};

use super::input::Watched;
use super::{EngagementModel, Input, Latencies, PredictError, Predictor, Times};

/// What to do with a line that is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Stop there, after everything before it was written.
    Stop,
    /// Report it and leave its line out.
    Skip,
}

/// How a stream is predicted. The predictions are the same for any batch size and number of threads.
#[derive(Clone, Copy, Debug)]
pub struct StreamOptions {
    /// What the parser expects.
    pub records: RecordOptions,
    /// Most records in a batch, at least 1.
    pub batch: usize,
    /// Threads. One is the calling thread; more of them work on a batch each.
    pub threads: NonZeroUsize,
    /// What to do with a line that is no record.
    pub on_error: OnError,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { records: RecordOptions::default(), batch: 256, threads: NonZeroUsize::MIN, on_error: OnError::Stop }
    }
}

/// Milliseconds a record takes in each part of the work, added up over the threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Split {
    /// Parsing lines.
    pub parse: f64,
    /// Looking up counts.
    pub counts: f64,
    /// Making the network's input.
    pub features: f64,
    /// The network.
    pub network: f64,
    /// Writing lines.
    pub write: f64,
}

/// Totals of a stream of predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PredictSummary {
    /// Records predicted.
    pub records: u64,
    /// Malformed lines left out.
    pub skipped: u64,
    /// Batches they came in.
    pub batches: u64,
    /// From the first byte of input to the last line written.
    pub seconds: f64,
    /// Of these, how long there was no input.
    pub waited: f64,
    /// How long a record took; nothing where there was none.
    #[serde(flatten)]
    pub times: Option<RecordTimes>,
}

/// How long a record took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RecordTimes {
    /// Milliseconds a record, the mean.
    pub split: Split,
    /// Median time from the first byte of a record's batch to its line's being written, in milliseconds.
    pub median_milliseconds: f64,
    /// The 99th percentile of the same.
    pub p99_milliseconds: f64,
}

impl PredictSummary {
    /// Whether the input was empty: neither a record nor a malformed line.
    pub fn is_empty(&self) -> bool {
        self.records == 0 && self.skipped == 0
    }
}

/// Records that came together.
pub struct Arrived<P> {
    /// The records.
    pub records: RecordBatch,
    /// What else is known of them, for whoever writes the predictions.
    pub rows: P,
    /// When the first of them came.
    pub arrived: Instant,
    /// How long they were parsed.
    pub parsing: Duration,
    /// How long there was no input.
    pub waited: Duration,
    /// Malformed records that were left out.
    pub skipped: u64,
}

/// Predicts batch after batch on some threads. `format` turns the probabilities of a batch into what `write` takes, in
/// the order of the batches.
///
/// # Errors
/// Those of `batches`, `format` and `write`, and [`PredictError`] for a damaged model.
pub fn predict_batches<P: Send, T: Send, E: From<PredictError> + Send>(
    model: &Arc<EngagementModel>,
    threads: NonZeroUsize,
    batches: impl Iterator<Item = Result<Arrived<P>, E>> + Send,
    format: impl Fn(&Arrived<P>, &[PerReaction<f32>]) -> Result<T, E> + Sync,
    mut write: impl FnMut(T, &Arrived<P>) -> Result<(), E>,
    mut done: impl FnMut(Arrived<P>),
) -> Result<PredictSummary, E> {
    let mut summary = PredictSummary::default();
    let (mut parse, mut times, mut writing) = (Duration::ZERO, Times::default(), Duration::ZERO);
    let mut latencies = Latencies::default();
    let mut begun = None;
    let state = || (model.predictor(), Vec::new());
    let work = |(predictor, probabilities): &mut (Predictor, Vec<_>), batch: Arrived<P>| {
        let times = predictor.predict(&batch.records, probabilities)?;
        let begun = Instant::now();
        let formatted = format(&batch, probabilities)?;
        Ok((batch, times, formatted, begun.elapsed()))
    };
    ordered_map_with(threads, batches, state, work, |(batch, batch_times, formatted, formatting)| {
        let begun_writing = Instant::now();
        write(formatted, &batch)?;
        writing += formatting + begun_writing.elapsed();
        begun.get_or_insert(batch.arrived);
        summary.records += batch.records.rows as u64;
        summary.batches += u64::from(batch.records.rows > 0);
        summary.waited += batch.waited.as_secs_f64();
        summary.skipped += batch.skipped;
        latencies.add(batch.arrived.elapsed(), batch.records.rows as u64);
        parse += batch.parsing;
        times.counts += batch_times.counts;
        times.features += batch_times.features;
        times.network += batch_times.network;
        done(batch);
        Ok::<(), E>(())
    })?;
    summary.seconds = begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
    let each = |time: Duration| time.as_secs_f64() * 1e3 / summary.records as f64;
    if let (Some(median_milliseconds), Some(p99_milliseconds)) = (latencies.quantile(0.5), latencies.quantile(0.99)) {
        let split = Split {
            parse: each(parse),
            counts: each(times.counts),
            features: each(times.features),
            network: each(times.network),
            write: each(writing),
        };
        summary.times = Some(RecordTimes { split, median_milliseconds, p99_milliseconds });
    }
    Ok(summary)
}

/// Reads records to the end of the input and writes a line of CSV for each, in their order:
/// `tweet_id,reader_id,reply,retweet,quote,like`. Lines are written as soon as no more input is ready, or `batch`
/// records have been read. Memory does not depend on the input's length.
///
/// # Errors
/// [`PredictError`]. With [`OnError::Skip`] malformed lines are passed to `skipped` instead.
pub fn predict_stream(
    model: &Arc<EngagementModel>,
    input: impl Input,
    mut output: impl Write,
    options: &StreamOptions,
    mut skipped: impl FnMut(&RecordError),
) -> Result<PredictSummary, PredictError> {
    let spare = Mutex::new(Vec::new());
    let source = Batches {
        reader: RecordReader::new(Watched::new(input), options.records),
        options: *options,
        spare: &spare,
        next: Next::Batch,
    };
    let format = |batch: &ParsedBatch, probabilities: &[PerReaction<f32>]| {
        let mut text = Vec::new();
        for (row, probability) in probabilities.iter().enumerate() {
            write_line(&batch.records, row, probability, &mut text)?;
        }
        Ok::<_, PredictError>(text)
    };
    let write = |text: Vec<u8>, batch: &ParsedBatch| {
        if !text.is_empty() {
            output.write_all(&text)?;
            output.flush()?;
        }
        batch.rows.iter().for_each(&mut skipped);
        Ok(())
    };
    let done = |batch: ParsedBatch| spare.lock().unwrap_or_else(PoisonError::into_inner).push(batch.records);
    predict_batches(model, options.threads, source, format, write, done)
}

/// Parsed records, and the malformed line that follows them.
type ParsedBatch = Arrived<Option<RecordError>>;

struct Batches<'a, I> {
    reader: RecordReader<Watched<I>>,
    options: StreamOptions,
    /// Batches whose memory can be used again.
    spare: &'a Mutex<Vec<RecordBatch>>,
    next: Next,
}

/// What comes after a batch.
enum Next {
    Batch,
    End,
    Error(PredictError),
}

impl<I: Input> Iterator for Batches<'_, I> {
    type Item = Result<ParsedBatch, PredictError>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Batch => {}
            Next::End => return None,
            Next::Error(error) => return Some(Err(error)),
        }
        let mut records = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        records.clear();
        let begun = Instant::now();
        (self.reader.input().first_read, self.reader.input().waited) = (None, Duration::ZERO);
        let left_over = self.reader.has_unparsed_input();
        let outcome = self.reader.read_while(&mut records, self.options.batch.max(1), Input::ready);
        let input = self.reader.input();
        let arrived = if left_over { begun } else { input.first_read.unwrap_or(begun) };
        let waited = input.waited;
        let parsing = begun.elapsed().saturating_sub(waited);
        // What is no text at all is one error, not one a line.
        let at_first_line = matches!(&outcome, Err(ReadError::Record(error)) if error.line == 1);
        let refusal = if at_first_line { expect_text(input.origin(), input.head()).err() } else { None };
        let (Origin::File(name) | Origin::Pipe(name)) = input.origin();
        let name = name.to_owned();
        let mut batch = ParsedBatch { records, rows: None, arrived, parsing, waited, skipped: 0 };
        self.next = match outcome {
            Ok(true) => Next::Batch,
            Ok(false) => Next::End,
            Err(ReadError::Record(error)) if self.options.on_error == OnError::Skip => {
                (batch.rows, batch.skipped) = (Some(error), 1);
                Next::Batch
            }
            // The records before it come first.
            Err(ReadError::Record(error)) => Next::Error(PredictError::Record { input: name, source: error }),
            Err(error) => Next::Error(PredictError::Read { input: name, source: error }),
        };
        if let Some(refusal) = refusal {
            (self.next, batch.rows, batch.skipped) = (Next::Error(refusal.into()), None, 0);
        }
        Some(Ok(batch))
    }
}

fn write_line(
    records: &RecordBatch,
    row: usize,
    probabilities: &PerReaction<f32>,
    text: &mut Vec<u8>,
) -> io::Result<()> {
    text.extend_from_slice(&records.tweet[row].to_hex());
    text.push(b',');
    text.extend_from_slice(&records.reader.id[row].to_hex());
    for probability in probabilities.in_order(Reaction::RECORD_ORDER) {
        write!(text, ",{probability}")?;
    }
    text.push(b'\n');
    Ok(())
}
