//! The lock file of a working directory, and the directory itself if it was made for the lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{MANIFEST, WorkspaceError};

/// A held lock. Dropped while the directory has no manifest, it takes with it what was made for it: the lock file, the
/// directory and the folders above.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    // The system gives the lock back when the process ends, however it ends.
    _file: File,
    /// Whether the lock file was made now.
    is_new: bool,
    _folders: NewFolders,
}

impl Lock {
    /// Makes the directory if need be and locks it.
    pub(super) fn take(root: &Path) -> Result<Self, WorkspaceError> {
        let folders = NewFolders::make(root)?;
        let path = root.join(".lock");
        loop {
            let is_new = !path.exists();
            let file = File::options().create(true).append(true).open(&path);
            let file = file.map_err(WorkspaceError::io("open the lock file", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(WorkspaceError::Locked { path }),
                Err(TryLockError::Error(source)) => return Err(WorkspaceError::io("lock", &path)(source)),
            }
            // The process that held it before may just have removed it: whoever comes next would make and lock another.
            if stands_at(&file, &path).map_err(WorkspaceError::io("lock", &path))? {
                return Ok(Self { path, _file: file, is_new, _folders: folders });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_new && !self.path.with_file_name(MANIFEST).exists() {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Folders that were not there before, the innermost first. Dropped, those that are empty go.
#[derive(Debug)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn make(root: &Path) -> Result<Self, WorkspaceError> {
        let named = |folder: &&Path| !folder.as_os_str().is_empty();
        let new = root.ancestors().filter(named).take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        let folders = Self(new);
        fs::create_dir_all(root).map_err(WorkspaceError::io("make the folder", root))?;
        Ok(folders)
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        // Only an empty folder can be removed.
        self.0.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Whether an open file still stands under its name.
#[cfg(unix)]
fn stands_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn stands_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
