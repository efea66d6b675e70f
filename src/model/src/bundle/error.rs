//! What can go wrong with a model bundle.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use skimlog_features::input::LanguagesError;
use skimlog_features::sketch::CodesFileError;
use skimlog_network::NetError;
use skimlog_runtime::files::FileError;

/// Why a model bundle cannot be written or used.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The directory has no manifest.
    #[error("{}: no manifest.json, so this is no model; `skimmer train` writes one", .directory.display())]
    NoBundle {
        /// The directory.
        directory: PathBuf,
    },
    /// A file cannot be read or copied.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest is not one.
    #[error("{}: {what}; take the model from its source again", .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Made by another version of the program.
    #[error(
        "{}: {what} version {found}, this program has {expected}: use the program that made the model, or train again",
        .path.display()
    )]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Version of what.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The version needed.
        expected: u32,
    },
    /// A file is longer or shorter than it was.
    #[error(
        "{}: {found} bytes, {expected} were written: the copy is incomplete or damaged, take it again",
        .path.display()
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Bytes written.
        expected: u64,
    },
    /// A file's bytes are not those that were written.
    #[error("{}: the checksum differs: the file is damaged, take it from its source again", .path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// The bundle has no such file.
    #[error("{}: the model has no {name}: it was made for another purpose or by another version", .directory.display())]
    NoFile {
        /// The directory.
        directory: PathBuf,
        /// The file's name.
        name: String,
    },
    /// The list of languages is not one.
    #[error("{}: {source}", .path.display())]
    Languages {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: LanguagesError,
    },
    /// The list of languages is not the one that the network was made for.
    #[error("{}: {found} languages, the network was made for {expected}", .path.display())]
    LanguageCount {
        /// The file.
        path: PathBuf,
        /// Languages found.
        found: usize,
        /// Languages needed.
        expected: usize,
    },
    /// The token codes make sketches of another size than the network takes.
    #[error(
        "{}: codes of sketch_depth {} and sketch_width {}, the network was made for {} and {}: \
         run the stages sketch and train with the same configuration",
        .path.display(), .found.0, .found.1, .expected.0, .expected.1
    )]
    Sketch {
        /// The codes.
        path: PathBuf,
        /// Depth and width of the codes.
        found: (usize, usize),
        /// Depth and width that the network takes.
        expected: (usize, usize),
    },
    /// A file cannot be written, or the bundle not be renamed to its destination.
    #[error(transparent)]
    Workspace(#[from] FileError),
    /// The token codes cannot be read.
    #[error(transparent)]
    Codes(#[from] CodesFileError),
    /// The network cannot be written or read.
    #[error(transparent)]
    Network(#[from] NetError),
}
