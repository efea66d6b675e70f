//! The folders `checkpoint-N` that a training leaves.

use std::fs;
use std::path::{Path, PathBuf};

/// Name of the encoder in a checkpoint.
pub const MODEL_FILE: &str = "model.onnx";

/// Prefix of a checkpoint's name, before the number of its steps.
pub(super) const PREFIX: &str = "checkpoint-";

/// The checkpoints in a folder with the steps of each, oldest first; none if there is no such folder.
pub(super) fn checkpoints(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let step = entry.file_name().to_str()?.strip_prefix(PREFIX)?.parse().ok()?;
            Some((step, entry.path()))
        })
        .collect();
    found.sort_unstable();
    found
}

/// The checkpoint of the most steps in a folder.
pub fn newest_checkpoint(folder: &Path) -> Option<PathBuf> {
    checkpoints(folder).pop().map(|(_, path)| path)
}
