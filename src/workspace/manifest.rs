//! Which task made which artefacts from what, in `manifest.json`.
//!
//! A task is up to date if it depends on the same values and files as then and every file it made is as it left it (size
//! and time of change). Files are known by their names in the working directory, which may be moved. Before a task is
//! done anew, files that it made and will not make again are removed: the features of a raw part that was taken away
//! must not lie among those of the others. Each part's conversion is a task of its own, so a converted part stays when
//! its raw part goes, unused, and is right again when the raw part comes back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Workspace, WorkspaceError, entries, file_stamp, remove_if_there, write_file};

/// The version of the manifest's layout.
const VERSION: u64 = 1;

/// What is known of every finished task.
#[derive(Debug)]
pub struct Manifest {
    /// The working directory. Whoever moves it, or names it in another way, need not make anything anew.
    root: PathBuf,
    path: PathBuf,
    /// Whether there was a manifest of another version, which counts for nothing.
    other_version: bool,
    tasks: BTreeMap<String, TaskRecord>,
}

/// What stands in the file.
#[derive(Serialize)]
struct Stored<'a> {
    version: u64,
    tasks: &'a BTreeMap<String, TaskRecord>,
}

/// What is known of one finished task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// What the outputs were made from.
    pub fingerprint: Fingerprint,
    /// The files made, as named in the working directory, with their size and time of change.
    pub outputs: BTreeMap<PathBuf, String>,
    /// How long the task took.
    pub seconds: f64,
    /// Peak resident memory of the process meanwhile, in bytes, where the kernel tells.
    #[serde(default)]
    pub peak_memory: Option<u64>,
    /// The task's own summary.
    pub summary: serde_json::Value,
}

/// Why a task has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// It never ran to its end.
    NotMade,
    /// It may have run to its end, but the manifest is another version's.
    OtherVersion,
    /// An output is gone or was changed by something else.
    Output(PathBuf),
    /// Something it depends on changed: label, value then, value now.
    Input(String, Option<String>, Option<String>),
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMade => f.write_str("not made yet"),
            Self::OtherVersion => f.write_str("manifest.json was written by another version"),
            Self::Output(path) => write!(f, "{} is gone or was changed", path.display()),
            Self::Input(label, Some(then), Some(now)) => write!(f, "{label} changed from {then} to {now}"),
            Self::Input(label, None, _) => write!(f, "it is made from {label}, too, now"),
            Self::Input(label, _, None) => write!(f, "it is no longer made from {label}"),
        }
    }
}

impl Manifest {
    /// Reads the manifest of a working directory; an empty one if there is none yet.
    ///
    /// # Errors
    /// [`WorkspaceError::Manifest`] if it is not a manifest, [`WorkspaceError::Io`] if it cannot be read.
    pub fn open(workspace: &Workspace) -> Result<Self, WorkspaceError> {
        Self::read(workspace.root())
    }

    /// Reads the manifest of a directory that may be in use; an empty one if there is none yet.
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn read(root: &Path) -> Result<Self, WorkspaceError> {
        let root = root.to_owned();
        let path = root.join("manifest.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { root, path, other_version: false, tasks: BTreeMap::new() });
            }
            Err(error) => return Err(WorkspaceError::io("read", &path)(error)),
        };
        let unreadable =
            |error: serde_json::Error| WorkspaceError::Manifest { path: path.clone(), reason: error.to_string() };
        let mut stored: serde_json::Value = serde_json::from_slice(&text).map_err(unreadable)?;
        let other_version = stored.get("version").and_then(serde_json::Value::as_u64) != Some(VERSION);
        let tasks = stored.get_mut("tasks").filter(|_| !other_version).map(serde_json::Value::take);
        let tasks = tasks.map(serde_json::from_value).transpose().map_err(unreadable)?.unwrap_or_default();
        Ok(Self { root, path, other_version, tasks })
    }

    /// Why `task` has to run, or `None` if its outputs are there and were made from just this.
    pub fn outdated(&self, task: &str, fingerprint: &Fingerprint) -> Option<Outdated> {
        let Some(record) = self.tasks.get(task) else {
            return Some(if self.other_version { Outdated::OtherVersion } else { Outdated::NotMade });
        };
        if let Some((label, then, now)) = record.fingerprint.difference(fingerprint) {
            return Some(Outdated::Input(label.into(), then.map(Into::into), now.map(Into::into)));
        }
        let unchanged = |path: &Path, stamp: &String| file_stamp(path).is_ok_and(|now| now == *stamp);
        let mut outputs = record.outputs.iter().map(|(name, stamp)| (self.root.join(name), stamp));
        outputs.find(|(path, stamp)| !unchanged(path, stamp)).map(|(path, _)| Outdated::Output(path))
    }

    /// Notes that `task` is done, and writes the manifest. An output that is a folder stands for the files in it.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if an output is not there or the manifest cannot be written.
    pub fn finish<S: Serialize>(
        &mut self,
        task: &str,
        fingerprint: Fingerprint,
        outputs: &[PathBuf],
        seconds: f64,
        peak_memory: Option<u64>,
        summary: &S,
    ) -> Result<(), WorkspaceError> {
        let mut files = Vec::new();
        outputs.iter().try_for_each(|path| add_files(path, &mut files))?;
        let named = |path: &PathBuf| path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        let outputs = files.iter().map(|path| Ok((named(path), file_stamp(path)?)));
        let outputs = outputs.collect::<Result<_, WorkspaceError>>()?;
        let summary = serde_json::to_value(summary).unwrap_or_default();
        self.tasks.insert(task.into(), TaskRecord { fingerprint, outputs, seconds, peak_memory, summary });
        self.write()
    }

    /// Forgets what is known of tasks, before they are done anew, and removes the files they made that are not among the
    /// outputs given with them: nobody is to take them for their results.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if such a file cannot be removed or the manifest cannot be written.
    pub fn forget<'t>(
        &mut self,
        tasks: impl IntoIterator<Item = (&'t str, &'t [PathBuf])>,
    ) -> Result<(), WorkspaceError> {
        // Only names within the working directory: a manifest that was tampered with must not cost other files.
        let ours = |name: &&PathBuf| name.components().all(|part| matches!(part, Component::Normal(_)));
        let known = self.tasks.len();
        for (task, outputs) in tasks {
            let Some(record) = self.tasks.get(task) else { continue };
            for path in record.outputs.keys().filter(ours).map(|name| self.root.join(name)) {
                if path.is_file() && !outputs.iter().any(|output| path.starts_with(output)) {
                    remove_if_there(&path)?;
                }
            }
            self.tasks.remove(task);
        }
        if self.tasks.len() < known { self.write() } else { Ok(()) }
    }

    /// The files that finished tasks made.
    pub fn outputs(&self) -> Vec<PathBuf> {
        self.tasks.values().flat_map(|record| record.outputs.keys().map(|name| self.root.join(name))).collect()
    }

    /// Every finished task by its name.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, &TaskRecord)> {
        self.tasks.iter().map(|(name, record)| (name.as_str(), record))
    }

    /// What is known of a finished task.
    pub fn task(&self, task: &str) -> Option<&TaskRecord> {
        self.tasks.get(task)
    }

    fn write(&self) -> Result<(), WorkspaceError> {
        let text = serde_json::to_vec_pretty(&Stored { version: VERSION, tasks: &self.tasks })
            .map_err(|error| WorkspaceError::Manifest { path: self.path.clone(), reason: error.to_string() })?;
        write_file(&self.path, |out| out.write_all(&text))
    }
}

/// Adds a file, or all files in a folder.
fn add_files(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), WorkspaceError> {
    if path.is_dir() {
        return entries(path)?.iter().try_for_each(|path| add_files(path, files));
    }
    files.push(path.to_owned());
    Ok(())
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
        manifest.finish("similar", fingerprint(0.1), std::slice::from_ref(&output), 1.0, None, &"fine").unwrap();

        let manifest = Manifest::open(&workspace).unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), None);
        let reason = manifest.outdated("similar", &fingerprint(0.2)).unwrap();
        assert_eq!(reason.to_string(), "authors_similarity_threshold changed from 0.1 to 0.2");
        std::fs::write(&output, "spoilt").unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), Some(Outdated::Output(output)));
    }

    #[test]
    fn a_folder_stands_for_the_files_in_it_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("working_dir");
        let workspace = Workspace::open(&root).unwrap();
        std::fs::create_dir_all(workspace.model().join("counts")).unwrap();
        for name in ["weights", "counts/pair"] {
            std::fs::write(workspace.model().join(name), name).unwrap();
        }
        let mut manifest = Manifest::open(&workspace).unwrap();
        manifest.finish("train", Fingerprint::new(), &[workspace.model()], 1.0, None, &()).unwrap();
        drop(workspace);

        let moved = folder.path().join("elsewhere");
        std::fs::rename(&root, &moved).unwrap();
        let workspace = Workspace::open(&moved).unwrap();
        let manifest = Manifest::open(&workspace).unwrap();
        assert_eq!(manifest.outputs(), ["counts/pair", "weights"].map(|name| moved.join("model").join(name)));
        // Something added is none of our business; something that is gone is.
        std::fs::write(workspace.model().join("notes.txt"), "the best so far").unwrap();
        assert_eq!(manifest.outdated("train", &Fingerprint::new()), None);
        let gone = workspace.model().join("weights");
        std::fs::remove_file(&gone).unwrap();
        assert_eq!(manifest.outdated("train", &Fingerprint::new()), Some(Outdated::Output(gone)));
    }

    #[test]
    fn what_a_task_no_longer_makes_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(&folder.path().join("working_dir")).unwrap();
        std::fs::create_dir(workspace.features()).unwrap();
        let [first, second] = ["part-0", "part-1"].map(|name| workspace.features().join(name));
        let other = folder.path().join("not ours");
        let made = [first.clone(), second.clone(), workspace.root().join("../not ours")];
        made.iter().for_each(|path| std::fs::write(path, "made").unwrap());
        let mut manifest = Manifest::open(&workspace).unwrap();
        manifest.finish("features", Fingerprint::new(), &made, 1.0, None, &()).unwrap();
        manifest.forget([("features", std::slice::from_ref(&first))]).unwrap();
        assert_eq!([&first, &second, &other].map(|path| path.exists()), [true, false, true]);
        assert_eq!(manifest.outdated("features", &Fingerprint::new()), Some(Outdated::NotMade));
    }

    #[test]
    fn a_manifest_of_another_version_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let path = folder.path().join("manifest.json");
        for text in [r#"{"version": 2, "tasks": [1]}"#, r#"{"similar": {"fingerprint": {}}}"#] {
            std::fs::write(&path, text).unwrap();
            let mut manifest = Manifest::open(&workspace).unwrap();
            assert_eq!(manifest.outdated("similar", &Fingerprint::new()), Some(Outdated::OtherVersion), "{text}");
            std::fs::write(workspace.similar(), "made").unwrap();
            manifest.finish("similar", Fingerprint::new(), &[workspace.similar()], 1.0, None, &()).unwrap();
            assert_eq!(Manifest::open(&workspace).unwrap().outdated("similar", &Fingerprint::new()), None);
        }
    }

    #[test]
    fn a_damaged_manifest_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("manifest.json"), "{").unwrap();
        assert!(matches!(Manifest::open(&workspace), Err(WorkspaceError::Manifest { .. })));
    }
}
