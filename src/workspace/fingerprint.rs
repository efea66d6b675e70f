//! What an artefact was made from, as labelled values that can be compared one by one.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::WorkspaceError;

/// Everything a task's result depends on: label to value. Two equal fingerprints make equal artefacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// A fingerprint that depends on the program's version alone.
    pub fn new() -> Self {
        Self(BTreeMap::from([("skimmer".into(), env!("CARGO_PKG_VERSION").into())]))
    }

    /// Adds a value the result depends on, for example a configuration key.
    pub fn with(mut self, label: &str, value: impl Display) -> Self {
        self.0.insert(label.into(), value.to_string());
        self
    }

    /// Adds an input file, by its size and its time of change. The label should not change with the folder from which
    /// the program is started.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if the file is not there.
    pub fn with_file(self, label: &str, path: &Path) -> Result<Self, WorkspaceError> {
        Ok(self.with(label, file_stamp(path)?))
    }

    /// The first label at which `other` differs, with this fingerprint's value and the other's.
    pub fn difference<'a>(&'a self, other: &'a Self) -> Option<(&'a str, Option<&'a str>, Option<&'a str>)> {
        let labels = self.0.keys().chain(other.0.keys());
        labels
            .map(|label| {
                (label.as_str(), self.0.get(label).map(String::as_str), other.0.get(label).map(String::as_str))
            })
            .find(|(_, ours, theirs)| ours != theirs)
    }
}

/// Size and time of change of a file, as text.
///
/// # Errors
/// [`WorkspaceError::Io`] if the file is not there.
pub fn file_stamp(path: &Path) -> Result<String, WorkspaceError> {
    let metadata = path.metadata().map_err(WorkspaceError::io("read", path))?;
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{} bytes, changed at {}", metadata.len(), changed.unwrap_or_default().as_nanos()))
}
