//! The manifest as a file: version 2, and version 1, which had a size and a time instead of a file's state.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skimlog_runtime::files::write_file;

use super::{FileState, Fingerprint, Manifest, TaskRecord};
use crate::workspace::fingerprint::Input;
use crate::workspace::{MANIFEST, WorkspaceError};

/// The version of the manifest's layout.
const VERSION: u64 = 2;

/// What stands in the file.
#[derive(Serialize)]
struct Stored<'a> {
    version: u64,
    tasks: &'a BTreeMap<String, TaskRecord>,
}

/// A task in a manifest of version 1.
#[derive(Deserialize)]
struct FirstRecord {
    fingerprint: BTreeMap<String, String>,
    outputs: BTreeMap<PathBuf, String>,
    seconds: f64,
    #[serde(default)]
    peak_memory: Option<u64>,
    summary: Value,
}

impl Manifest {
    /// Reads the manifest of a directory that may be in use; an empty one if there is none yet.
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn read(root: &Path) -> Result<Self, WorkspaceError> {
        let (root, path) = (root.to_owned(), root.join(MANIFEST));
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { root, path, other_version: false, changed: false, tasks: BTreeMap::new() });
            }
            Err(error) => return Err(WorkspaceError::io("read", &path)(error)),
        };
        let unreadable =
            |error: serde_json::Error| WorkspaceError::Manifest { path: path.clone(), reason: error.to_string() };
        let mut stored: Value = serde_json::from_slice(&text).map_err(unreadable)?;
        let version = stored.get("version").and_then(Value::as_u64);
        let tasks = stored.get_mut("tasks").map(Value::take).unwrap_or_else(|| Value::Object(Default::default()));
        let tasks = match version {
            Some(VERSION) => Some(serde_json::from_value(tasks).map_err(unreadable)?),
            Some(1) => {
                let tasks: BTreeMap<String, FirstRecord> = serde_json::from_value(tasks).map_err(unreadable)?;
                Some(tasks.into_iter().filter_map(|(name, task)| Some((name, task.now()?))).collect())
            }
            _ => None,
        };
        let other_version = tasks.is_none();
        Ok(Self { root, path, other_version, changed: false, tasks: tasks.unwrap_or_default() })
    }

    pub(super) fn write(&mut self) -> Result<(), WorkspaceError> {
        let text = serde_json::to_vec_pretty(&Stored { version: VERSION, tasks: &self.tasks })
            .map_err(|error| WorkspaceError::Manifest { path: self.path.clone(), reason: error.to_string() })?;
        write_file(&self.path, |out| out.write_all(&text))?;
        self.changed = false;
        Ok(())
    }
}

impl FirstRecord {
    /// The record as it is written now; `None` if an output's state cannot be understood, so that the task is done
    /// anew.
    fn now(self) -> Option<TaskRecord> {
        let Self { fingerprint, outputs, seconds, peak_memory, summary } = self;
        let outputs = outputs.into_iter().map(|(name, stamp)| Some((name, state(&stamp)?)));
        let mut now = Fingerprint::default();
        for (label, value) in fingerprint {
            match state(&value) {
                Some(state) => drop(now.files.insert(label, Input { state, path: PathBuf::new() })),
                None => drop(now.values.insert(label, value)),
            }
        }
        Some(TaskRecord { fingerprint: now, outputs: outputs.collect::<Option<_>>()?, seconds, peak_memory, summary })
    }
}

/// The state that version 1 wrote as `7 bytes, changed at 1600000000000000000`.
fn state(stamp: &str) -> Option<FileState> {
    let (bytes, changed) = stamp.split_once(" bytes, changed at ")?;
    Some(FileState { bytes: bytes.parse().ok()?, changed: changed.parse().ok()?, checksum: None })
}
