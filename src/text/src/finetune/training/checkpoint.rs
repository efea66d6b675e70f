//! Checkpoints: folders `checkpoint-N` that `transformers` reads, with all that is needed to resume the training.
//!
//! `config.json` and `model.safetensors` are the model, `model.onnx` is its encoder; `optimizer.safetensors` holds the
//! moments of the gradients (`exp_avg.…`, `exp_avg_sq.…`) and `trainer_state.json` the progress. Random
//! numbers need no state: they follow from the seed and the step.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skimlog_runtime::files::AtomicFolder;
use xxhash_rust::xxh3::xxh3_64;

use super::records::Position;
use crate::distilbert::{DistilBertError, TensorFile, Weights, write_tensors};
use crate::finetune::checkpoints::{PREFIX, checkpoints};
use crate::finetune::{FinetuneError, LossEntry, MODEL_FILE, newest_checkpoint};

const STATE_FILE: &str = "trainer_state.json";
const OPTIMISER_FILE: &str = "optimizer.safetensors";
const MOMENTS: [&str; 2] = ["exp_avg", "exp_avg_sq"];
const VERSION: u32 = 1;
/// The key of the state's checksum.
const CHECKSUM: &str = "xxh3";

/// The progress of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    /// Steps taken.
    pub(super) step: u64,
    /// The next record.
    pub(super) position: Position,
    /// What the losses depend on.
    pub(super) settings: Map<String, Value>,
    /// Losses since the last entry of the history.
    pub(super) recent: Vec<f32>,
    /// Losses so far.
    pub(super) history: Vec<LossEntry>,
}

impl State {
    pub(super) fn new(settings: Map<String, Value>) -> Self {
        Self {
            version: VERSION,
            step: 0,
            position: Position::default(),
            settings,
            recent: Vec::new(),
            history: Vec::new(),
        }
    }
}

/// XXH3-64 of a state as JSON, 16 hexadecimal digits.
fn checksum(state: &State) -> serde_json::Result<String> {
    Ok(format!("{:016x}", xxh3_64(&serde_json::to_vec(state)?)))
}

/// The folder of checkpoint number `step`.
pub(super) fn path(folder: &Path, step: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{step}"))
}

/// Writes a checkpoint, which appears only when it is complete, and removes all but the newest `keep`.
pub(super) fn write(
    folder: &Path,
    state: &State,
    weights: &Weights,
    moments: &[Vec<f32>; 2],
    keep: usize,
) -> Result<PathBuf, FinetuneError> {
    let target = path(folder, state.step);
    let checkpoint = AtomicFolder::create(&target)?;
    weights.write(checkpoint.temporary())?;
    weights.onnx().save(&checkpoint.temporary().join(MODEL_FILE))?;
    let tensors = MOMENTS.iter().zip(moments).flat_map(|(moment, values)| {
        weights.tensors().map(move |tensor| {
            let name = format!("{moment}.{}", tensor.name());
            (name, weights.architecture().shape(tensor), &values[weights.range(tensor)])
        })
    });
    let store = |name: &str, write: &mut dyn FnMut(&mut BufWriter<File>) -> std::io::Result<()>| {
        let path = checkpoint.temporary().join(name);
        let failed = |source| FinetuneError::Model(DistilBertError::File { path: target.join(name), source });
        let mut out = BufWriter::new(File::create(path).map_err(failed)?);
        write(&mut out).and_then(|()| out.flush()).map_err(failed)
    };
    store(OPTIMISER_FILE, &mut |out| write_tensors(out, tensors.clone()))?;
    store(STATE_FILE, &mut |out| {
        let mut tree = serde_json::to_value(state)?;
        tree[CHECKSUM] = checksum(state)?.into();
        Ok(serde_json::to_writer_pretty(out, &tree)?)
    })?;
    checkpoint.commit()?;
    let all = checkpoints(folder);
    for (_, path) in &all[..all.len().saturating_sub(keep.max(1))] {
        let failed = |source| FinetuneError::Model(DistilBertError::File { path: path.clone(), source });
        fs::remove_dir_all(path).map_err(failed)?;
    }
    Ok(target)
}

/// What a training is resumed from.
pub(super) struct Stored {
    pub(super) state: State,
    pub(super) weights: Weights,
    pub(super) moments: [Vec<f32>; 2],
}

/// Reads the newest checkpoint of a folder, if there is one; it must have been made with these settings.
pub(super) fn read(folder: &Path, settings: &Map<String, Value>) -> Result<Option<Stored>, FinetuneError> {
    let Some(checkpoint) = newest_checkpoint(folder) else { return Ok(None) };
    let state = read_state(&checkpoint)?;
    let nothing = Value::Null;
    for key in settings.keys().chain(state.settings.keys()) {
        let [now, then] = [settings, &state.settings].map(|settings| settings.get(key).unwrap_or(&nothing));
        if now != then {
            return Err(FinetuneError::Settings { path: checkpoint, what: format!("{key}: {then}, now {now}") });
        }
    }
    read_weights(&checkpoint, state).map(Some)
}

/// The number of steps taken by the training that would be resumed from this folder; `None` if it has no checkpoint.
/// Reads the whole newest checkpoint, whatever settings it was made with.
///
/// # Errors
/// [`FinetuneError::Checkpoint`] and [`FinetuneError::Model`] for one that is damaged.
pub fn checkpoint_standing(folder: &Path) -> Result<Option<u64>, FinetuneError> {
    let Some(checkpoint) = newest_checkpoint(folder) else { return Ok(None) };
    let stored = read_weights(&checkpoint, read_state(&checkpoint)?)?;
    Ok(Some(stored.state.step))
}

fn read_state(checkpoint: &Path) -> Result<State, FinetuneError> {
    let path = checkpoint.join(STATE_FILE);
    let refuse = |problem: String| FinetuneError::Checkpoint { path: path.clone(), problem };
    let text = fs::read(&path).map_err(|error| refuse(error.to_string()))?;
    let mut tree: Value = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
    // Missing in the files of older versions.
    let written = tree.as_object_mut().and_then(|tree| tree.remove(CHECKSUM));
    let state: State = serde_json::from_value(tree).map_err(|error| refuse(error.to_string()))?;
    if written.is_some_and(|written| checksum(&state).ok().as_deref() != written.as_str()) {
        return Err(refuse("the checksum differs: the file is damaged".into()));
    }
    if state.version != VERSION {
        return Err(refuse(format!("version {} of a training's state, {VERSION} is wanted", state.version)));
    }
    Ok(state)
}

fn read_weights(checkpoint: &Path, state: State) -> Result<Stored, FinetuneError> {
    let weights = Weights::read(checkpoint)?;
    let file = TensorFile::open(&checkpoint.join(OPTIMISER_FILE))?;
    let tensors = file.tensors()?;
    let mut moments = [(); 2].map(|()| vec![0.0; weights.values().len()]);
    for (moment, values) in MOMENTS.iter().zip(&mut moments) {
        for tensor in weights.tensors() {
            let shape = weights.architecture().shape(tensor);
            tensors.read(&format!("{moment}.{}", tensor.name()), &shape, &mut values[weights.range(tensor)])?;
        }
    }
    Ok(Stored { state, weights, moments })
}
