//! What a computation depends on, for what it saves on its way.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// Labelled values that tell one computation from another: two of the same identity come to the same result, and one
/// may go on from what the other saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(BTreeMap<String, String>);

impl Identity {
    /// Adds a value the result depends on.
    pub fn with(mut self, label: &str, value: impl Display) -> Self {
        self.0.insert(label.into(), value.to_string());
        self
    }
}

impl From<BTreeMap<String, String>> for Identity {
    fn from(values: BTreeMap<String, String>) -> Self {
        Self(values)
    }
}
