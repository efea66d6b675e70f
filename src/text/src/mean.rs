//! The mean hidden state of each token, over any number of records.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use skimlog_runtime::ordered::ordered_map_with;
use skimlog_runtime::progress::Progress;

use crate::snapshot::Reached;
use crate::sums::Sums;
use crate::window::Window;
use crate::{Encoder, EncoderModel, MeanSummary, Snapshots, TextError, TokenBatch, TokenVectors};

/// How mean vectors are computed.
#[derive(Clone, Copy, Debug)]
pub struct MeanOptions {
    /// Workers. The result does not depend on it.
    pub threads: usize,
    /// Padded tokens in a batch; [`EncoderModel::batch_tokens`] if not given. The result depends on it in the last
    /// bits, by rounding within the engine.
    pub batch_tokens: Option<usize>,
    /// Tokens of distinct sequences collected before they are computed. Equal sequences among them are computed once.
    /// The memory is about 10 bytes a token.
    pub window_tokens: usize,
}

impl Default for MeanOptions {
    fn default() -> Self {
        Self { threads: 1, batch_tokens: None, window_tokens: 1 << 24 }
    }
}

/// Collects token sequences and the mean hidden state of each token, `[CLS]` and `[SEP]` included.
///
/// The result does not depend on the number of threads: which sequences share a batch depends on the records alone,
/// each batch is computed by one thread, and batches are added to the f64 sums in a fixed order. So a computation can
/// be resumed after any batch.
pub struct MeanVectors<'m> {
    model: &'m EncoderModel,
    batch_tokens: usize,
    window_tokens: usize,
    encoders: Vec<Box<dyn Encoder + 'm>>,
    snapshots: Option<Snapshots>,
    window: Window,
    sums: Sums,
    /// Records read, with and without tokens.
    read: u64,
    reached: Reached,
    kept: Kept,
    summary: MeanSummary,
}

/// The last snapshot.
struct Kept {
    at: Instant,
    /// How long it took.
    took: Duration,
}

/// What changes with every batch, in their order.
struct Shared<'s> {
    sums: &'s mut Sums,
    reached: &'s mut Reached,
    kept: &'s mut Kept,
}

impl<'m> MeanVectors<'m> {
    /// Makes an encoder for each thread.
    ///
    /// # Errors
    /// As [`EncoderModel::encoder`].
    pub fn new(model: &'m EncoderModel, options: MeanOptions) -> Result<Self, TextError> {
        let MeanOptions { threads, batch_tokens, window_tokens } = options;
        let batch_tokens = batch_tokens.unwrap_or(model.batch_tokens());
        let workers = model.workers(threads.max(1));
        let encoders = (0..workers).map(|_| model.encoder()).collect::<Result<_, _>>()?;
        let (window, sums, summary) = (Window::default(), Sums::default(), MeanSummary::default());
        let (reached, kept) = (Reached::default(), Kept { at: Instant::now(), took: Duration::ZERO });
        Ok(Self {
            model,
            batch_tokens,
            window_tokens,
            encoders,
            snapshots: None,
            window,
            sums,
            read: 0,
            reached,
            kept,
            summary,
        })
    }

    /// Stores snapshots from time to time, and resumes from the one that exists.
    pub fn resumed(mut self, mut snapshots: Snapshots) -> Self {
        let engine = self.model.engine();
        snapshots.identity = snapshots
            .identity
            .with("engine", engine)
            .with("batch_tokens", self.batch_tokens)
            .with("window_tokens", self.window_tokens);
        if let Some((reached, sums)) = snapshots.load() {
            (self.reached, self.sums) = (reached, sums);
            (self.read, self.summary) = (reached.start, reached.summary);
        }
        self.snapshots = Some(snapshots);
        self
    }

    /// Number of records to skip at the beginning: they are in the sums.
    pub fn skip(&self) -> u64 {
        self.reached.start
    }

    /// Number of records in the sums, including some after [`MeanVectors::skip`].
    pub fn resumed_records(&self) -> u64 {
        self.reached.records
    }

    /// Takes records' tokens, in their order; advances `progress` by records as they are computed.
    ///
    /// # Errors
    /// As [`Encoder::encode`]; [`TextError::Snapshot`].
    pub fn add<'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r [u32]>,
        progress: &dyn Progress,
    ) -> Result<(), TextError> {
        for tokens in records {
            self.read += 1;
            if tokens.is_empty() {
                continue;
            }
            let kept = tokens.len().min(self.model.max_length());
            self.summary.records += 1;
            self.summary.cut += u64::from(kept < tokens.len());
            self.window.add(&tokens[..kept]);
            if self.window.tokens() >= self.window_tokens {
                self.compute(progress)?;
            }
        }
        Ok(())
    }

    /// Computes the remaining sequences and gives the means.
    ///
    /// # Errors
    /// As [`MeanVectors::add`]; [`TextError::NoTokens`] if there was no record.
    pub fn finish(mut self, progress: &dyn Progress) -> Result<(TokenVectors, MeanSummary), TextError> {
        self.compute(progress)?;
        if self.summary.records == 0 {
            return Err(TextError::NoTokens);
        }
        Ok((self.sums.into_vectors(), self.summary))
    }

    /// Computes the window, except for batches that are in the sums already, and empties it.
    fn compute(&mut self, progress: &dyn Progress) -> Result<(), TextError> {
        let step = self.model.length_step();
        let (order, batches) = self.window.batches(self.batch_tokens, step);
        let (window, model, snapshots) = (&self.window, self.model, self.snapshots.as_ref());
        // Those that an earlier run computed are in the sums.
        let left = batches.into_iter().skip(self.reached.batches).map(Ok);
        let mut shared = Shared { sums: &mut self.sums, reached: &mut self.reached, kept: &mut self.kept };
        let threads = NonZeroUsize::new(self.encoders.len()).unwrap_or(NonZeroUsize::MIN);
        let idle = Mutex::new(self.encoders.iter_mut().collect::<Vec<_>>());
        let encoder = || {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.pop().expect("there are as many encoders as threads")
        };
        let encode = |encoder: &mut &mut Box<dyn Encoder + 'm>, range: Range<usize>| {
            let numbers = &order[range];
            let batch = TokenBatch::in_steps(numbers.iter().map(|&number| window.sequence(number)), step);
            Ok((numbers, encoder.encode(&batch)?))
        };
        ordered_map_with(threads, left, encoder, encode, |(numbers, hidden)| {
            for (hidden, &number) in hidden.outer_iter().zip(numbers) {
                for (hidden, &token) in hidden.outer_iter().zip(window.sequence(number)) {
                    if let Some(&value) = hidden.iter().find(|value| !value.is_finite()) {
                        return Err(TextError::NotFinite { path: model.path().to_owned(), token, value });
                    }
                    shared.sums.add(token, window.weight(number), hidden);
                }
            }
            let records = numbers.iter().map(|&number| window.weight(number)).sum();
            shared.advance(records, snapshots)?;
            progress.advance(records);
            Ok(())
        })?;
        self.summary.computed += self.window.len() as u64;
        self.window.clear();
        self.reached = Reached { start: self.read, summary: self.summary, batches: 0, records: self.reached.records };
        Ok(())
    }
}

impl Shared<'_> {
    /// Notes that another batch is in the sums, and stores a snapshot if one is due.
    fn advance(&mut self, records: u64, snapshots: Option<&Snapshots>) -> Result<(), TextError> {
        self.reached.batches += 1;
        self.reached.records += records;
        if let Some(snapshots) = snapshots
            // However slow the disk, most of the time is spent on computing.
            && self.kept.at.elapsed() >= snapshots.every.max(20 * self.kept.took)
        {
            let begun = Instant::now();
            snapshots.store(*self.reached, self.sums).map_err(TextError::Snapshot)?;
            *self.kept = Kept { at: Instant::now(), took: begun.elapsed() };
        }
        Ok(())
    }
}
