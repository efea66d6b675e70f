//! The mean hidden state of each token, over as many records as one likes.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde::Serialize;
use skimmer_formats::Lists;

use super::{
    Encoder, Model, TextError, TokenBatch, TokenVectors,
    sums::{StopOnDrop, Sums, Turnstile},
    window::Window,
};
use crate::progress::Progress;

/// How mean vectors are computed.
#[derive(Clone, Copy, Debug)]
pub struct MeanOptions {
    /// Workers. The result does not depend on it.
    pub threads: usize,
    /// Padded tokens in a batch. The result depends on it in the last bits: rounding within the engine.
    pub batch_tokens: usize,
    /// Tokens of different sequences that are held before they are computed. Equal sequences among them are computed
    /// once; more of them need more memory (about 10 bytes a token).
    pub window_tokens: usize,
}

impl Default for MeanOptions {
    fn default() -> Self {
        Self { threads: 1, batch_tokens: 2048, window_tokens: 1 << 24 }
    }
}

/// What was computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MeanSummary {
    /// Records seen.
    pub records: u64,
    /// Token sequences that went through the model: equal ones of a window only once.
    pub computed: u64,
    /// Records longer than the model's longest sequence, of which the rest was left out.
    pub cut: u64,
}

/// Collects token sequences and the mean hidden state of each token, `[CLS]` and `[SEP]` included.
///
/// Same in, same out: which sequences share a batch depends on the records alone, each batch is computed by one thread,
/// and batches are added to the f64 sums in a fixed order.
pub struct MeanVectors<'m> {
    model: &'m Model,
    options: MeanOptions,
    encoders: Vec<Box<dyn Encoder + 'm>>,
    window: Window,
    sums: Sums,
    summary: MeanSummary,
}

impl<'m> MeanVectors<'m> {
    /// Makes an encoder for each thread.
    ///
    /// # Errors
    /// As [`Model::encoder`].
    pub fn new(model: &'m Model, options: MeanOptions) -> Result<Self, TextError> {
        let encoders = (0..options.threads.max(1)).map(|_| model.encoder()).collect::<Result<_, _>>()?;
        let (window, sums, summary) = (Window::default(), Sums::default(), MeanSummary::default());
        Ok(Self { model, options, encoders, window, sums, summary })
    }

    /// Takes a batch of records' tokens; advances `progress` by records as they are computed.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn add(&mut self, records: &Lists<u32>, progress: &dyn Progress) -> Result<(), TextError> {
        for tokens in records.iter().filter(|tokens| !tokens.is_empty()) {
            let kept = tokens.len().min(self.model.max_length());
            self.summary.records += 1;
            self.summary.cut += u64::from(kept < tokens.len());
            self.window.add(&tokens[..kept]);
            if self.window.tokens() >= self.options.window_tokens {
                self.compute(progress)?;
            }
        }
        Ok(())
    }

    /// Computes what is left and gives the means.
    ///
    /// # Errors
    /// As [`Encoder::encode`]; [`TextError::NoTokens`] if there was no record.
    pub fn finish(mut self, progress: &dyn Progress) -> Result<(TokenVectors, MeanSummary), TextError> {
        self.compute(progress)?;
        if self.summary.records == 0 {
            return Err(TextError::NoTokens);
        }
        Ok((self.sums.into_vectors(), self.summary))
    }

    /// Computes the window and empties it.
    fn compute(&mut self, progress: &dyn Progress) -> Result<(), TextError> {
        let (order, batches) = self.window.batches(self.options.batch_tokens);
        let (window, model) = (&self.window, self.model);
        let tickets = AtomicUsize::new(0);
        let turnstile = Turnstile::new(&mut self.sums);
        let work = |encoder: &mut dyn Encoder| -> Result<(), TextError> {
            loop {
                let ticket = tickets.fetch_add(1, Ordering::Relaxed);
                let Some(range) = batches.get(ticket) else { return Ok(()) };
                let unfinished = StopOnDrop(&turnstile);
                let numbers = &order[range.clone()];
                let batch = TokenBatch::new(numbers.iter().map(|&number| window.sequence(number)));
                let hidden = encoder.encode(&batch)?;
                let added = turnstile.pass(ticket, |sums| {
                    for (hidden, &number) in hidden.outer_iter().zip(numbers) {
                        for (hidden, &token) in hidden.outer_iter().zip(window.sequence(number)) {
                            if let Some(&value) = hidden.iter().find(|value| !value.is_finite()) {
                                return Err(TextError::NotFinite { path: model.path().to_owned(), token, value });
                            }
                            sums.add(token, window.weight(number), hidden);
                        }
                    }
                    Ok(())
                });
                match added {
                    Some(added) => added?,
                    // Another worker failed and says why.
                    None => return Ok(()),
                }
                std::mem::forget(unfinished);
                progress.advance(numbers.iter().map(|&number| window.weight(number)).sum());
            }
        };
        thread::scope(|scope| {
            let work = &work;
            let encoders = self.encoders.iter_mut();
            let workers: Vec<_> = encoders.map(|encoder| scope.spawn(move || work(encoder.as_mut()))).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        self.summary.computed += self.window.len() as u64;
        self.window.clear();
        Ok(())
    }
}
