//! The directory of the spill files.

use std::path::{Path, PathBuf};

use super::error::ShuffleError;

/// A directory for spill files. It starts without any, whatever an earlier run left there, and is removed when dropped.
///
/// Only files named `*.spill` are ever deleted, so that a directory given by mistake loses nothing.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the directory (and those above it) or empties it of spill files.
    ///
    /// # Errors
    /// [`ShuffleError::Scratch`] if that cannot be done.
    pub fn prepare(path: PathBuf) -> Result<Self, ShuffleError> {
        let prepared = std::fs::create_dir_all(&path).and_then(|()| remove_spill_files(&path));
        match prepared {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(ShuffleError::Scratch { path, source }),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the directory is prepared again.
        let _ = remove_spill_files(&self.path);
        let _ = std::fs::remove_dir(&self.path);
    }
}

fn remove_spill_files(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "spill") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wipes_what_a_crash_left_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("scratch");
        std::fs::create_dir(&path).expect("made");
        std::fs::write(path.join("visits-3.spill"), b"half a run").expect("written");
        std::fs::write(path.join("thesis.txt"), b"years of work").expect("written");
        let scratch = Scratch::prepare(path.clone()).expect("prepared");
        assert!(!path.join("visits-3.spill").exists());
        drop(scratch);
        assert!(path.join("thesis.txt").exists());
        std::fs::remove_file(path.join("thesis.txt")).expect("removed");
        drop(Scratch::prepare(path.clone()).expect("prepared"));
        assert!(!path.exists());
    }
}
