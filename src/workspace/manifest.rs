//! Which task made which artefacts from what, in `manifest.json`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Workspace, WorkspaceError, file_stamp, write_file};

/// What is known of every finished task.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    tasks: BTreeMap<String, TaskRecord>,
}

/// What is known of one finished task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// What the outputs were made from.
    pub fingerprint: Fingerprint,
    /// The outputs with their size and time of change; a folder stands for itself.
    pub outputs: BTreeMap<PathBuf, String>,
    /// How long the task took.
    pub seconds: f64,
    /// The task's own summary.
    pub summary: serde_json::Value,
}

/// Why a task has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// It never ran to its end.
    NotMade,
    /// An output is gone or was changed by something else.
    Output(PathBuf),
    /// Something it depends on changed: label, value then, value now.
    Input(String, Option<String>, Option<String>),
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        match self {
            Self::NotMade => f.write_str("not made yet"),
            Self::Output(path) => write!(f, "{} is gone or was changed", path.display()),
            Self::Input(label, then, now) => write!(f, "{label} changed from {} to {}", shown(then), shown(now)),
        }
    }
}

impl Manifest {
    /// Reads the manifest of a working directory; an empty one if there is none yet.
    ///
    /// # Errors
    /// [`WorkspaceError::Manifest`] if it is not a manifest, [`WorkspaceError::Io`] if it cannot be read.
    pub fn open(workspace: &Workspace) -> Result<Self, WorkspaceError> {
        let path = workspace.root().join("manifest.json");
        let tasks = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| WorkspaceError::Manifest { path: path.clone(), reason: error.to_string() })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(WorkspaceError::io("read", &path)(error)),
        };
        Ok(Self { path, tasks })
    }

    /// Why `task` has to run, or `None` if its outputs are there and were made from just this.
    pub fn outdated(&self, task: &str, fingerprint: &Fingerprint) -> Option<Outdated> {
        let Some(record) = self.tasks.get(task) else { return Some(Outdated::NotMade) };
        if let Some((label, then, now)) = record.fingerprint.difference(fingerprint) {
            return Some(Outdated::Input(label.into(), then.map(Into::into), now.map(Into::into)));
        }
        let changed = record.outputs.iter().find(|(path, stamp)| stamp_of(path).as_ref() != Some(*stamp));
        changed.map(|(path, _)| Outdated::Output(path.clone()))
    }

    /// Notes that `task` is done, and writes the manifest.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if an output is not there or the manifest cannot be written.
    pub fn finish<S: Serialize>(
        &mut self,
        task: &str,
        fingerprint: Fingerprint,
        outputs: &[PathBuf],
        seconds: f64,
        summary: &S,
    ) -> Result<(), WorkspaceError> {
        let outputs = outputs
            .iter()
            .map(|path| match stamp_of(path) {
                Some(stamp) => Ok((path.clone(), stamp)),
                None => Err(WorkspaceError::io("find the output", path)(std::io::ErrorKind::NotFound.into())),
            })
            .collect::<Result<_, _>>()?;
        let summary = serde_json::to_value(summary).unwrap_or_default();
        self.tasks.insert(task.into(), TaskRecord { fingerprint, outputs, seconds, summary });
        self.write()
    }

    /// Forgets what is known of `task`, before it is done anew.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if the manifest cannot be written.
    pub fn forget(&mut self, task: &str) -> Result<(), WorkspaceError> {
        if self.tasks.remove(task).is_some() { self.write() } else { Ok(()) }
    }

    /// The files and folders that finished tasks made.
    pub fn outputs(&self) -> Vec<PathBuf> {
        self.tasks.values().flat_map(|record| record.outputs.keys().cloned()).collect()
    }

    /// What is known of a finished task.
    pub fn task(&self, task: &str) -> Option<&TaskRecord> {
        self.tasks.get(task)
    }

    fn write(&self) -> Result<(), WorkspaceError> {
        let text = serde_json::to_vec_pretty(&self.tasks)
            .map_err(|error| WorkspaceError::Manifest { path: self.path.clone(), reason: error.to_string() })?;
        write_file(&self.path, |out| out.write_all(&text))
    }
}

fn stamp_of(path: &Path) -> Option<String> {
    if path.is_dir() { Some("folder".into()) } else { file_stamp(path).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let output = workspace.similar();
        std::fs::write(&output, "made").unwrap();
        let fingerprint = |threshold: f64| Fingerprint::new().with("authors_similarity_threshold", threshold);

        let mut manifest = Manifest::open(&workspace).unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), Some(Outdated::NotMade));
        manifest.finish("similar", fingerprint(0.1), std::slice::from_ref(&output), 1.0, &"fine").unwrap();

        let manifest = Manifest::open(&workspace).unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), None);
        let reason = manifest.outdated("similar", &fingerprint(0.2)).unwrap();
        assert_eq!(reason.to_string(), "authors_similarity_threshold changed from 0.1 to 0.2");
        std::fs::write(&output, "spoilt").unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), Some(Outdated::Output(output)));
    }

    #[test]
    fn a_damaged_manifest_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("manifest.json"), "{").unwrap();
        assert!(matches!(Manifest::open(&workspace), Err(WorkspaceError::Manifest { .. })));
    }
}
