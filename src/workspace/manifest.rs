//! `manifest.json`: which task made which files, and from what.
//!
//! A task is up to date if it depends on the same values and files as before and every file it made is unchanged. Size
//! and modification time decide that; if only the time differs, a checksum does, and the new time is recorded. Files
//! are identified by their names in the working directory, which may be moved. Before a task runs again, files that it
//! made and will not make again are removed: the features of a raw part that was removed must not remain among the
//! others. Each part's conversion is a task of its own, so a converted part stays, unused, when its raw part is
//! removed, and is valid again when the raw part comes back.

mod stored;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use skimlog_runtime::files::{entries, remove_if_there};

use super::content::{Checksum, Comparison, FileState};
use super::{Difference, Fingerprint, Workspace, WorkspaceError};

/// What is known of every finished task.
#[derive(Debug)]
pub struct Manifest {
    /// The working directory. Whoever moves it, or names it in another way, need not make anything anew.
    root: PathBuf,
    path: PathBuf,
    /// Whether there was a manifest of another version, which counts for nothing.
    other_version: bool,
    /// Whether something is known that is not in the file yet.
    changed: bool,
    tasks: BTreeMap<String, TaskRecord>,
}

/// What is known of one finished task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskRecord {
    /// What the outputs were made from.
    pub fingerprint: Fingerprint,
    /// The files made, as named in the working directory.
    pub outputs: BTreeMap<PathBuf, FileState>,
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
    /// An output is gone.
    Gone(PathBuf),
    /// An output holds something else than what was made.
    Altered(PathBuf),
    /// Something it depends on changed.
    Input(Difference),
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMade => f.write_str("it was never made"),
            Self::OtherVersion => f.write_str("manifest.json was written by another version"),
            Self::Gone(name) => write!(f, "{} is gone", name.display()),
            Self::Altered(name) => write!(f, "{} has other content than when it was made", name.display()),
            Self::Input(difference) => difference.fmt(f),
        }
    }
}

impl Manifest {
    /// Reads the manifest of a working directory; an empty one if there is none yet.
    ///
    /// # Errors
    /// [`WorkspaceError::Manifest`] if it is not a manifest, [`WorkspaceError::File`] if it cannot be read.
    pub fn open(workspace: &Workspace) -> Result<Self, WorkspaceError> {
        Self::read(workspace.root())
    }

    /// Why `task` has to run, or `None` if its outputs are there and were made from just this. What was touched and
    /// holds the same is known in its new state from then on.
    pub fn outdated(&mut self, task: &str, fingerprint: &Fingerprint) -> Option<Outdated> {
        let Some(record) = self.tasks.get_mut(task) else {
            return Some(if self.other_version { Outdated::OtherVersion } else { Outdated::NotMade });
        };
        let mut difference = None;
        match record.fingerprint.compare(fingerprint) {
            Ok(now) => {
                self.changed |= !record.fingerprint.is_untouched(&now);
                record.fingerprint = now;
            }
            // Unless an output is not right either, what comes of it may well be the same.
            Err(touched @ Difference::Touched(_)) => difference = Some(Outdated::Input(touched)),
            Err(other) => return Some(Outdated::Input(other)),
        }
        for (name, state) in &mut record.outputs {
            let path = self.root.join(name);
            let Ok(now) = FileState::of(&path) else { return Some(Outdated::Gone(name.clone())) };
            match state.compare(&now, &path) {
                Comparison::Same if state.is_untouched(&now) => {}
                Comparison::Same => {
                    *state = FileState { checksum: state.checksum.take(), ..now };
                    self.changed = true;
                }
                Comparison::Other | Comparison::Unknown => return Some(Outdated::Altered(name.clone())),
            }
        }
        difference
    }

    /// The checksum of the only file that `task` made, if it made one and its checksum is known.
    pub(crate) fn only_output(&self, task: &str) -> Option<&Checksum> {
        let mut outputs = self.tasks.get(task)?.outputs.values();
        let only = outputs.next()?.checksum.as_ref();
        only.filter(|_| outputs.next().is_none())
    }

    /// Notes that a finished task would make the same from this, and writes the manifest.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if the manifest cannot be written.
    pub(crate) fn confirm(&mut self, task: &str, fingerprint: Fingerprint) -> Result<(), WorkspaceError> {
        if let Some(record) = self.tasks.get_mut(task) {
            record.fingerprint = fingerprint;
        }
        self.write()
    }

    /// Notes that `task` is done, and writes the manifest. An output that is a folder stands for the files in it.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if an output is not there or the manifest cannot be written.
    pub fn finish<S: Serialize>(
        &mut self,
        task: &str,
        fingerprint: Fingerprint,
        outputs: &[PathBuf],
        seconds: f64,
        peak_memory: Option<u64>,
        summary: &S,
    ) -> Result<(), WorkspaceError> {
        let named = |path: &Path| path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        let outputs = files_in(outputs)?.into_iter().map(|path| {
            let mut state = FileState::of(&path)?;
            state.complete(&path);
            Ok((named(&path), state))
        });
        let outputs = outputs.collect::<Result<_, WorkspaceError>>()?;
        let summary = serde_json::to_value(summary).unwrap_or_default();
        self.tasks.insert(task.into(), TaskRecord { fingerprint, outputs, seconds, peak_memory, summary });
        self.write()
    }

    /// Forgets what is known of tasks, before they are done anew, and removes the files they made that are not among
    /// the outputs given with them: nobody is to take them for their results.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if such a file cannot be removed or the manifest cannot be written.
    pub fn forget<'t>(
        &mut self,
        tasks: impl IntoIterator<Item = (&'t str, &'t [PathBuf])>,
    ) -> Result<(), WorkspaceError> {
        // Only names within the working directory: a manifest that was tampered with must not cost other files.
        let ours = |name: &&PathBuf| name.components().all(|part| matches!(part, Component::Normal(_)));
        for (task, outputs) in tasks {
            let Some(record) = self.tasks.get(task) else { continue };
            for path in record.outputs.keys().filter(ours).map(|name| self.root.join(name)) {
                if path.is_file() && !outputs.iter().any(|output| path.starts_with(output)) {
                    remove_if_there(&path)?;
                }
            }
            self.tasks.remove(task);
            self.changed = true;
        }
        if self.changed { self.write() } else { Ok(()) }
    }

    /// The files that finished tasks made, as they were when they were last looked at.
    pub fn outputs(&self) -> BTreeMap<PathBuf, FileState> {
        let outputs = self.tasks.values().flat_map(|record| &record.outputs);
        outputs.map(|(name, state)| (self.root.join(name), state.clone())).collect()
    }

    /// Every finished task by its name.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, &TaskRecord)> {
        self.tasks.iter().map(|(name, record)| (name.as_str(), record))
    }

    /// What is known of a finished task.
    pub fn task(&self, task: &str) -> Option<&TaskRecord> {
        self.tasks.get(task)
    }
}

/// The files among these paths, and those in the folders among them.
fn files_in(paths: &[PathBuf]) -> Result<Vec<PathBuf>, WorkspaceError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() { files.extend(files_in(&entries(path)?)?) } else { files.push(path.clone()) }
    }
    Ok(files)
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

        let mut manifest = Manifest::open(&workspace).unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), None);
        let reason = manifest.outdated("similar", &fingerprint(0.2)).unwrap();
        assert_eq!(reason.to_string(), "authors_similarity_threshold changed from 0.1 to 0.2");
        std::fs::write(&output, "spoilt").unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint(0.1)), Some(Outdated::Altered("similar.skim".into())));
        std::fs::remove_file(&output).unwrap();
        let reason = manifest.outdated("similar", &fingerprint(0.1)).unwrap();
        assert_eq!(reason.to_string(), "similar.skim is gone");
    }

    #[test]
    fn what_is_touched_and_holds_the_same_is_up_to_date_and_noted() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(&folder.path().join("working_dir")).unwrap();
        let (input, output) = (folder.path().join("input"), workspace.codes());
        let write = |path: &Path, text: &str, seconds: u64| {
            std::fs::write(path, text).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            std::fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        write(&input, "what goes in", 1000);
        write(&output, "what comes out", 1000);
        let fingerprint = || Fingerprint::new().with_file("the input", &input).unwrap();
        let mut complete = fingerprint();
        complete.complete();
        let mut manifest = Manifest::open(&workspace).unwrap();
        manifest.finish("sketch", complete, std::slice::from_ref(&output), 1.0, None, &()).unwrap();
        write(&input, "what goes in", 2000);
        write(&output, "what comes out", 2000);
        assert_eq!(manifest.outdated("sketch", &fingerprint()), None);
        manifest.forget([]).unwrap();
        let noted = Manifest::open(&workspace).unwrap().task("sketch").unwrap().clone();
        assert_eq!(noted.outputs[Path::new("codes.skim")].changed, 2_000_000_000_000);
        assert_eq!(noted.fingerprint.files["the input"].state.changed, 2_000_000_000_000);
        write(&input, "what goes IN", 2000 + 1);
        let reason = manifest.outdated("sketch", &fingerprint()).unwrap();
        assert_eq!(reason.to_string(), "the input has other content than when this was made");
    }

    #[test]
    fn a_manifest_of_version_1_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let (input, output) = (folder.path().join("input"), workspace.similar());
        std::fs::write(&input, "in").unwrap();
        std::fs::write(&output, "out").unwrap();
        let stamp = |path: &Path| {
            let state = FileState::of(path).unwrap();
            format!("{} bytes, changed at {}", state.bytes, state.changed)
        };
        let values = Fingerprint::new().with("seed", 3).values;
        let mut fingerprint = serde_json::to_value(values).unwrap();
        fingerprint["the input"] = stamp(&input).into();
        let task = serde_json::json!({
            "fingerprint": fingerprint,
            "outputs": {"similar.skim": stamp(&output)},
            "seconds": 1.0,
            "summary": {"records": 3},
        });
        let text = serde_json::json!({"version": 1, "tasks": {"similar": task}}).to_string();
        std::fs::write(folder.path().join("manifest.json"), text).unwrap();
        let fingerprint = || Fingerprint::new().with("seed", 3).with_file("the input", &input).unwrap();
        let mut manifest = Manifest::open(&workspace).unwrap();
        assert_eq!(manifest.outdated("similar", &fingerprint()), None);
        assert_eq!(manifest.task("similar").unwrap().summary["records"], 3);
        // Nothing is known of what it held: a touched file may be another.
        std::fs::File::options().append(true).open(&input).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let reason = manifest.outdated("similar", &fingerprint());
        assert_eq!(reason, Some(Outdated::Input(Difference::Touched("the input".into()))));
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
        let mut manifest = Manifest::open(&workspace).unwrap();
        assert!(
            manifest.outputs().into_keys().eq(["counts/pair", "weights"].map(|name| moved.join("model").join(name)))
        );
        // Something added is none of our business; something that is gone is.
        std::fs::write(workspace.model().join("notes.txt"), "the best so far").unwrap();
        assert_eq!(manifest.outdated("train", &Fingerprint::new()), None);
        std::fs::remove_file(workspace.model().join("weights")).unwrap();
        assert_eq!(manifest.outdated("train", &Fingerprint::new()), Some(Outdated::Gone("model/weights".into())));
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
        for text in [r#"{"version": 3, "tasks": [1]}"#, r#"{"similar": {"fingerprint": {}}}"#] {
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
