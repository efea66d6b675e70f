//! Errors in a configuration.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a configuration is refused; the message names the file, the line and the key.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error(
        "{}: there is no such file: `skimmer init` writes a configuration with every key explained, `--config FILE` \
         names one that is elsewhere",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The path is that of a folder.
    #[error("{}: this is a folder: name the configuration file in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot read the configuration: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// 1-based line of the key, or of the YAML error.
        line: usize,
        /// What is wrong, with the key's name.
        problem: String,
    },
    /// Something in an override is wrong.
    #[error("--set {argument}: {problem}")]
    Set {
        /// The override, as `KEY=VALUE`.
        argument: String,
        /// What is wrong, with the key's name.
        problem: String,
    },
}

/// Where a key was set.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// In this 1-based line of the file.
    Line(usize),
    /// By this override.
    Set(String),
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) location: Location,
    pub(super) problem: String,
}

impl Wrong {
    pub(super) fn at(location: Location, problem: impl Into<String>) -> Self {
        Self { location, problem: problem.into() }
    }

    /// As an error in the file at `path`.
    pub(super) fn of(self, path: PathBuf) -> ConfigError {
        match self.location {
            Location::Line(line) => ConfigError::Wrong { path, line, problem: self.problem },
            Location::Set(argument) => ConfigError::Set { argument, problem: self.problem },
        }
    }
}
