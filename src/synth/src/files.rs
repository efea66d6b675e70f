//! Files that are moved to their place once all of them are complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::options::SynthError;

/// Directory within the output directory of what is not complete yet.
const UNFINISHED: &str = ".unfinished";

/// The directory of what is not complete yet.
pub(crate) struct Unfinished {
    out: PathBuf,
    path: PathBuf,
}

impl Unfinished {
    /// Makes the directory in `out`, where nothing of these names may be; what an interrupted run left is removed.
    pub(crate) fn begin(out: &Path, names: &[&str]) -> Result<Self, SynthError> {
        if let Some(path) = names.iter().map(|name| out.join(name)).find(|path| path.exists()) {
            return Err(SynthError::Exists { path });
        }
        let path = out.join(UNFINISHED);
        if path.exists() {
            attempt("remove", &path, fs::remove_dir_all(&path))?;
        }
        attempt("make this directory", &path, fs::create_dir_all(&path))?;
        Ok(Self { out: out.to_owned(), path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves what there is of these names to the output directory.
    pub(crate) fn complete(self, names: &[&str]) -> Result<(), SynthError> {
        for name in names {
            let (from, to) = (self.path.join(name), self.out.join(name));
            if from.exists() {
                attempt("move here what was generated", &to, fs::rename(&from, &to))?;
            }
        }
        attempt("remove", &self.path, fs::remove_dir(&self.path))
    }
}

/// An outcome of the file system, with what was to be done.
pub(crate) fn attempt<T>(action: &'static str, path: &Path, outcome: io::Result<T>) -> Result<T, SynthError> {
    outcome.map_err(|source| SynthError::Io { action, path: path.to_owned(), source })
}

/// A file being written.
pub(crate) struct Output {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Output {
    pub(crate) fn create(path: PathBuf) -> Result<Self, SynthError> {
        let file = BufWriter::new(attempt("create", &path, File::create(&path))?);
        Ok(Self { path, file })
    }

    pub(crate) fn write(&mut self, text: &[u8]) -> Result<(), SynthError> {
        attempt("write", &self.path, self.file.write_all(text))
    }

    pub(crate) fn finish(mut self) -> Result<(), SynthError> {
        attempt("write", &self.path, self.file.flush())
    }
}
