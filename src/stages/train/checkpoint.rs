//! A training's state on disk, from which it goes on as if it had not been interrupted.
//!
//! ```text
//! checkpoint/
//!   state.json            position, curve and measures so far; what the weights depend on; a checksum of these
//!   trainer.safetensors   weights, running statistics, moments, step count
//! ```
//!
//! The folder appears whole, in place of the one before. Nothing random is in it: the records' order and the network's
//! start follow from the seed.

use std::io::Write;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use skimlog_network::{AdamW, Shape, Trainer};
use skimlog_runtime::files::{AtomicFolder, write_file};
use xxhash_rust::xxh3::xxh3_64;

use super::error::TrainError;
use super::options::Checkpointing;
use super::state::State;

const STATE: &str = "state.json";
const TRAINER: &str = "trainer.safetensors";

/// Writing one must not take more than this share of the time since the last, unless it has become too long.
const LARGEST_SHARE: u32 = 50;

/// Writes checkpoints when it is time to.
pub(super) struct Checkpoints<'a> {
    saving: Option<&'a Checkpointing>,
    last: Instant,
    /// How long writing the last one took.
    cost: Duration,
}

/// What stands in `state.json`.
#[derive(Serialize)]
struct Written<'a> {
    fingerprint: &'a str,
    state: &'a State,
    xxh3: String,
}

#[derive(Deserialize)]
struct Read {
    fingerprint: String,
    state: State,
    /// Missing in the files of older versions.
    xxh3: Option<String>,
}

impl Read {
    /// Whether the values are those that were written, as far as there is a checksum.
    fn is_intact(&self) -> bool {
        let found = checksum(&self.fingerprint, &self.state).ok();
        self.xxh3.is_none() || self.xxh3 == found
    }
}

/// XXH3-64 of the values as JSON, 16 hexadecimal digits.
fn checksum(fingerprint: &str, state: &State) -> serde_json::Result<String> {
    Ok(format!("{:016x}", xxh3_64(&serde_json::to_vec(&(fingerprint, state))?)))
}

impl Checkpointing {
    /// Where the training stands that would go on from this folder, in words; `None` if there is nothing to go on
    /// from. Reads the state and the weights whole.
    ///
    /// # Errors
    /// [`TrainError::DamagedState`] or [`TrainError::Damaged`] if the state is one of this training, but damaged.
    pub fn standing(&self, shape: Shape) -> Result<Option<String>, TrainError> {
        let resumed = Checkpoints::new(Some(self)).resume(shape, AdamW::default())?;
        Ok(resumed.map(|(state, _)| state.position()))
    }
}

impl<'a> Checkpoints<'a> {
    pub(super) fn new(saving: Option<&'a Checkpointing>) -> Self {
        Self { saving, last: Instant::now(), cost: Duration::ZERO }
    }

    /// What a training goes on from: the last state, if there is one that was made from the same and reads back.
    /// Anything else counts for nothing, and will be replaced.
    ///
    /// # Errors
    /// [`TrainError::DamagedState`] or [`TrainError::Damaged`] if the state is one of this training, but it or its
    /// weights are damaged.
    pub(super) fn resume(&mut self, shape: Shape, optimiser: AdamW) -> Result<Option<(State, Trainer)>, TrainError> {
        let Some(saving) = self.saving else { return Ok(None) };
        let Ok(text) = std::fs::read(saving.folder.join(STATE)) else { return Ok(None) };
        let read = serde_json::from_slice::<Read>(&text);
        let Some(read) = read.ok().filter(|read| read.fingerprint == saving.fingerprint) else { return Ok(None) };
        if !read.is_intact() {
            return Err(TrainError::DamagedState { path: saving.folder.join(STATE) });
        }
        let trainer = Trainer::load(&saving.folder.join(TRAINER), shape, optimiser).map_err(TrainError::Damaged)?;
        Ok(Some((read.state, trainer)))
    }

    /// Whether one should be written now.
    pub(super) fn due(&self, day_ends: bool) -> bool {
        let Some(saving) = self.saving else { return false };
        let since = self.last.elapsed();
        since >= saving.every || day_ends && since >= self.cost * LARGEST_SHARE
    }

    /// Writes one.
    pub(super) fn write(&mut self, state: &State, trainer: &Trainer) -> Result<(), TrainError> {
        let Some(saving) = self.saving else { return Ok(()) };
        let begun = Instant::now();
        let folder = AtomicFolder::create(&saving.folder)?;
        let path = |name: &str| folder.temporary().join(name);
        trainer.save(&path(TRAINER))?;
        let text = checksum(&saving.fingerprint, state)
            .and_then(|xxh3| serde_json::to_vec(&Written { fingerprint: &saving.fingerprint, state, xxh3 }))
            .map_err(|source| TrainError::State { path: saving.folder.join(STATE), source })?;
        write_file(&path(STATE), |out| out.write_all(&text))?;
        folder.commit()?;
        self.last = Instant::now();
        self.cost = begun.elapsed();
        Ok(())
    }

    /// What to say when the training stops here.
    pub(super) fn interrupted(&self, state: &State) -> TrainError {
        TrainError::Interrupted {
            position: state.position(),
            checkpoint: self.saving.map(|saving| saving.folder.clone()),
        }
    }
}
