//! What an artefact was made from, as labelled values and files that can be compared one by one.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use skimlog_runtime::identity::Identity;

use super::content::Comparison;
use super::{FileState, WorkspaceError};

/// Everything a task's result depends on: label to value, and label to file. Two equal ones make equal artefacts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    pub(super) values: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) files: BTreeMap<String, Input>,
}

/// A file that something is made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    pub(super) state: FileState,
    /// Where it is now.
    #[serde(skip)]
    pub(super) path: PathBuf,
}

/// In what two fingerprints differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Values: the label of each, the value then and now.
    Values(Vec<(String, String, String)>),
    /// Something is made from this, too, now.
    More(String),
    /// It is no longer made from this.
    Less(String),
    /// This file holds something else.
    Content(String),
    /// This file was changed at another time, and what it held then is not known. Nothing else differs.
    Touched(String),
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(changed) => {
                let change = |(label, then, now): &_| format!("{label} changed from {then} to {now}");
                f.write_str(&changed.iter().map(change).collect::<Vec<String>>().join(", "))
            }
            Self::More(label) => write!(f, "it is made from {label}, too, now"),
            Self::Less(label) => write!(f, "it is no longer made from {label}"),
            Self::Content(label) => write!(f, "{label} has other content than when this was made"),
            Self::Touched(label) => write!(f, "{label} was written again after this was made"),
        }
    }
}

impl Fingerprint {
    /// A fingerprint that depends on the program's version alone.
    pub fn new() -> Self {
        let values = BTreeMap::from([("skimmer".into(), env!("CARGO_PKG_VERSION").into())]);
        Self { values, files: BTreeMap::new() }
    }

    /// Adds a value the result depends on, for example a configuration key.
    pub fn with(mut self, label: &str, value: impl Display) -> Self {
        self.values.insert(label.into(), value.to_string());
        self
    }

    /// Adds an input file. The label should not change with the folder from which the program is started.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if the file is not there.
    pub fn with_file(self, label: &str, path: &Path) -> Result<Self, WorkspaceError> {
        self.with_known_file(label, path, None)
    }

    /// [`Fingerprint::with_file`] for a file that was in the state `known` when it was last looked at: its checksum, if
    /// it has not been touched since.
    ///
    /// # Errors
    /// As there.
    pub fn with_known_file(
        mut self,
        label: &str,
        path: &Path,
        known: Option<&FileState>,
    ) -> Result<Self, WorkspaceError> {
        let now = FileState::of(path)?;
        let state = known.filter(|known| known.is_untouched(&now)).cloned().unwrap_or(now);
        self.files.insert(label.into(), Input { state, path: path.to_owned() });
        Ok(self)
    }

    /// Takes the checksums of all files, those that were touched meanwhile left out.
    pub(crate) fn complete(&mut self) {
        self.files.values_mut().for_each(|Input { state, path }| state.complete(path));
    }

    /// Compares what something was made from with what it would be made from now. Files are read where size and time of
    /// change do not tell. Gives the new one, with what is known of its files.
    ///
    /// # Errors
    /// The first difference; values that changed together come together.
    pub(super) fn compare(&self, now: &Self) -> Result<Self, Difference> {
        let (then, mut refreshed, mut touched) = (self, now.clone(), None);
        let labels = |of: fn(&Self) -> Vec<&String>| (of(then), of(now));
        for (then, now) in [labels(|one| one.values.keys().collect()), labels(|one| one.files.keys().collect())] {
            if let Some(label) = then.iter().find(|label| !now.contains(label)) {
                return Err(Difference::Less((*label).clone()));
            }
            if let Some(label) = now.iter().find(|label| !then.contains(label)) {
                return Err(Difference::More((*label).clone()));
            }
        }
        let changed = then.values.iter().filter(|(label, value)| now.values[*label] != **value);
        let changed = changed.map(|(label, value)| (label.clone(), value.clone(), now.values[label].clone()));
        let changed: Vec<_> = changed.collect();
        if !changed.is_empty() {
            return Err(Difference::Values(changed));
        }
        for (label, Input { state, .. }) in &then.files {
            let Some(Input { state: current, path }) = refreshed.files.get_mut(label) else { continue };
            match state.compare(current, path) {
                Comparison::Same => current.checksum = current.checksum.take().or_else(|| state.checksum.clone()),
                Comparison::Other => return Err(Difference::Content(label.clone())),
                Comparison::Unknown => touched = touched.or(Some(label.clone())),
            }
        }
        touched.map_or(Ok(refreshed), |label| Err(Difference::Touched(label)))
    }

    /// Whether files were touched between the two, so that the one to be kept is the newer.
    pub(super) fn is_untouched(&self, other: &Self) -> bool {
        let untouched = |(label, file): (&String, &Input)| {
            other.files.get(label).is_some_and(|other| file.state.is_untouched(&other.state))
        };
        self.files.iter().all(untouched)
    }

    /// What it comes to.
    pub fn identity(&self) -> Identity {
        let content = |file: &Input| match &file.state {
            FileState { checksum: Some(checksum), .. } => checksum.to_string(),
            FileState { bytes, changed, .. } => format!("{bytes} bytes, changed at {changed}"),
        };
        let files = self.files.iter().map(|(label, file)| (label.clone(), content(file)));
        self.values.clone().into_iter().chain(files).collect::<BTreeMap<_, _>>().into()
    }
}
