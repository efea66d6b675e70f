//! The lock file of a directory, and the directory itself as far as it was made for the lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::FileError;

/// A directory held by this process alone. Dropped while the directory lacks the file that tells it is in use, the lock
/// takes with it what was made for it: the lock file, the directory and the folders above.
#[derive(Debug)]
pub struct DirectoryLock {
    path: PathBuf,
    /// Name of the file that tells that the directory is in use.
    kept_for: &'static str,
    // The system gives the lock back when the process ends, however it ends.
    _file: File,
    /// Whether the lock file was made now.
    is_new: bool,
    _folders: NewFolders,
}

impl DirectoryLock {
    /// Makes the directory if need be and locks it; `kept_for` names the file in it without which it is removed again.
    ///
    /// # Errors
    /// [`FileError::Locked`] if another process holds it, [`FileError::Io`] if it cannot be made or locked.
    pub fn take(root: &Path, kept_for: &'static str) -> Result<Self, FileError> {
        let folders = NewFolders::make(root)?;
        let path = root.join(".lock");
        loop {
            let is_new = !path.exists();
            let file = File::options().create(true).append(true).open(&path);
            let file = file.map_err(FileError::io("open the lock file", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(FileError::Locked { path }),
                Err(TryLockError::Error(source)) => return Err(FileError::io("lock", &path)(source)),
            }
            // The process that held it before may just have removed it: whoever comes next would make and lock another.
            if stands_at(&file, &path).map_err(FileError::io("lock", &path))? {
                return Ok(Self { path, kept_for, _file: file, is_new, _folders: folders });
            }
        }
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        if self.is_new && !self.path.with_file_name(self.kept_for).exists() {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Folders that were not there before, the innermost first. Dropped, those that are empty go.
#[derive(Debug)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn make(root: &Path) -> Result<Self, FileError> {
        let named = |folder: &&Path| !folder.as_os_str().is_empty();
        let new = root.ancestors().filter(named).take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        let folders = Self(new);
        fs::create_dir_all(root).map_err(FileError::io("make the folder", root))?;
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
