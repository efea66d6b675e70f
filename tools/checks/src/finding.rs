//! What a check found, and where.

use std::fmt;
use std::path::PathBuf;

/// A violation of a rule.
#[derive(Debug)]
pub struct Finding {
    /// Path from the workspace's root.
    pub file: PathBuf,
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong, in one line.
    pub what: String,
    /// Where it comes from, a line each.
    pub causes: Vec<String>,
}

impl Finding {
    /// A finding that needs no further explanation.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>, line: usize, what: String) -> Self {
        Self { file: file.into(), line, what, causes: Vec::new() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file.display(), self.line, self.what)?;
        self.causes.iter().try_for_each(|cause| write!(out, "\n    {cause}"))
    }
}
