//! The working directory: the paths of all artefacts, and which of them are up to date.

mod content;
mod fingerprint;
mod layout;
mod manifest;

use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use skimlog_runtime::files::{
    DirectoryLock, FileError, behind_links, clear_leftover, ensure_replaceable, ensure_writable, entries,
    remove_if_there, remove_leftovers, unfinished,
};
use thiserror::Error;

pub use content::{Checksum, FileState};
pub use fingerprint::{Difference, Fingerprint};
pub use layout::Layout;
use layout::MANIFEST;
pub use manifest::{Manifest, Outdated, TaskRecord};

/// Why the working directory cannot be used.
#[derive(Debug, Error)]
pub enum WorkspaceError {
    /// A file or folder in it cannot be used, or another process holds it.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest is not one of ours.
    #[error("{}: not a readable manifest ({reason}); delete it to have everything made anew", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl WorkspaceError {
    /// Makes the error of what the system refused: `action`, a verb, was tried on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| FileError::io(action, path)(source).into()
    }
}

/// A working directory, held by this process alone. Dropped before any task was finished in it, it leaves nothing
/// behind that was not there before.
#[derive(Debug)]
pub struct Workspace {
    layout: Layout,
    // Held for what it does when it is dropped.
    _lock: DirectoryLock,
}

impl Workspace {
    /// Opens a working directory, making it if need be, and locks it. What an earlier run left half-done is removed.
    /// Tries whether everything that stages write can be written, which may be links to other disks.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if another process holds it, or if it, or a folder in it, cannot be made or written.
    pub fn open(root: &Path) -> Result<Self, WorkspaceError> {
        let workspace = Self { layout: Layout::of(root), _lock: DirectoryLock::take(root, MANIFEST)? };
        workspace.remove_leftovers()?;
        workspace.ensure_writable()?;
        Ok(workspace)
    }

    /// Removes the state of a training that has come to its end.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if it cannot be removed.
    pub fn remove_checkpoint(&self) -> Result<(), WorkspaceError> {
        // Under another name first: a process killed in the middle must not leave half of one.
        let checkpoint = behind_links(&self.checkpoint())?;
        let going = unfinished(&checkpoint);
        match fs::rename(&checkpoint, &going) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(WorkspaceError::io("remove", &checkpoint)(error)),
            Ok(()) => Ok(remove_if_there(&going)?),
        }
    }

    /// A folder for a task's spill files, empty; a later task of the same name finds it empty again.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if it cannot be made.
    pub fn scratch(&self, task: &str) -> Result<PathBuf, WorkspaceError> {
        let folder = self.scratch_root().join(task);
        remove_if_there(&folder)?;
        fs::create_dir_all(&folder).map_err(WorkspaceError::io("make the folder", &folder))?;
        Ok(folder)
    }

    /// Removes every spill file.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if one cannot be removed.
    pub fn remove_scratch(&self) -> Result<(), WorkspaceError> {
        Ok(remove_if_there(&self.scratch_root())?)
    }

    fn remove_leftovers(&self) -> Result<(), WorkspaceError> {
        self.remove_scratch()?;
        for folder in self.folders().into_iter().chain([self.root().to_owned()]) {
            if folder.is_dir() {
                entries(&folder)?.iter().try_for_each(|path| clear_leftover(path))?;
            }
        }
        // Where these are links, what was left over stands beside their targets.
        for folder in [self.model(), self.checkpoint()].iter().filter(|folder| folder.is_symlink()) {
            remove_leftovers(folder)?;
        }
        Ok(())
    }

    fn ensure_writable(&self) -> Result<(), WorkspaceError> {
        ensure_writable(self.root())?;
        self.folders().iter().filter(|folder| folder.is_dir()).try_for_each(|folder| ensure_writable(folder))?;
        [self.model(), self.checkpoint()].iter().try_for_each(|folder| ensure_replaceable(folder))?;
        Ok(())
    }
}

impl Deref for Workspace {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        &self.layout
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = self.remove_scratch();
        // Goes only if it is empty.
        self.folders().into_iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

#[cfg(test)]
mod tests {
    use skimlog_runtime::files::{AtomicFile, AtomicFolder};

    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Workspace::open(folder.path()).unwrap();
        assert!(matches!(Workspace::open(folder.path()), Err(WorkspaceError::File(FileError::Locked { .. }))));
        drop(first);
        Workspace::open(folder.path()).unwrap();
    }

    #[test]
    fn nothing_is_left_of_a_directory_in_which_nothing_was_finished() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("above/work");
        let workspace = Workspace::open(&root).unwrap();
        drop(AtomicFile::create(&workspace.part("part-00000")).unwrap());
        workspace.scratch("features").unwrap();
        assert!(root.join("parts").exists());
        drop(workspace);
        assert_eq!(entries(folder.path()).unwrap(), [""; 0].map(PathBuf::from));

        // What was there stays, and so does the lock file of a directory in which something was finished.
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("notes.txt"), "of the user").unwrap();
        drop(Workspace::open(&root).unwrap());
        assert_eq!(entries(&root).unwrap(), [root.join("notes.txt")]);
        let workspace = Workspace::open(&root).unwrap();
        let mut manifest = Manifest::open(&workspace).unwrap();
        manifest.finish("similar", Fingerprint::new(), &[], 1.0, None, &()).unwrap();
        drop(workspace);
        assert_eq!(entries(&root).unwrap().len(), 3);
    }

    #[test]
    fn leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let parts = folder.path().join("parts");
        fs::create_dir_all(&parts).unwrap();
        fs::create_dir_all(folder.path().join("scratch/features")).unwrap();
        fs::write(unfinished(&parts.join("part-00000.skim")), "half of it").unwrap();
        std::mem::forget(AtomicFolder::create(&folder.path().join("model")).unwrap());
        fs::create_dir(folder.path().join(".replaced-model")).unwrap();
        assert_eq!(fs::read_dir(&parts).unwrap().count(), 1);
        let _workspace = Workspace::open(folder.path()).unwrap();
        assert_eq!(fs::read_dir(&parts).unwrap().count(), 0);
        let mut left: Vec<_> = entries(folder.path()).unwrap();
        left.sort();
        assert_eq!(left, [".lock", "model", "parts"].map(|name| folder.path().join(name)));
        assert!(!folder.path().join("scratch").exists());
    }
}
