//! Files that appear under their name when they are whole: written under a temporary name, synced, renamed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{WorkspaceError, remove_if_there};

const TEMPORARY: &str = ".unfinished-";

/// Whether a file or folder of this name is one that was never finished.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(TEMPORARY);
    name.push(path.file_name().unwrap_or(OsStr::new("file")));
    path.with_file_name(name)
}

/// A file being written; nothing stands under its final name before [`AtomicFile::commit`]. Dropped without it, what
/// was written is removed.
#[derive(Debug)]
pub struct AtomicFile {
    // `None` once committed.
    file: Option<File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts writing the file that is to stand at `path`, making its folder if need be.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if the folder or the temporary file cannot be made.
    pub fn create(path: &Path) -> Result<Self, WorkspaceError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(WorkspaceError::io("make the folder", folder))?;
        }
        let temporary = temporary_name(path);
        let file = File::create(&temporary).map_err(WorkspaceError::io("create", &temporary))?;
        Ok(Self { file: Some(file), temporary, path: path.to_owned() })
    }

    /// Syncs the file and gives it its final name, in place of what stood there.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if it cannot be synced or renamed; then nothing changes under the final name.
    pub fn commit(mut self) -> Result<(), WorkspaceError> {
        let file = self.file.take();
        let moved = file.map_or(Ok(()), |file| file.sync_all()).and_then(|()| fs::rename(&self.temporary, &self.path));
        moved.map_err(|error| {
            let _ = fs::remove_file(&self.temporary);
            WorkspaceError::io("finish", &self.path)(error)
        })?;
        sync_folder(&self.path)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Fills a folder under a temporary name and puts it in the place of `path`, whatever stood there.
///
/// # Errors
/// What `fill` gives, and [`WorkspaceError::Io`] if the folder cannot be made, synced or renamed.
pub fn replace_directory<E: From<WorkspaceError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let temporary = temporary_name(path);
    remove_if_there(&temporary)?;
    fs::create_dir_all(&temporary).map_err(WorkspaceError::io("make the folder", &temporary))?;
    let filled = fill(&temporary).and_then(|()| Ok(sync_files(&temporary)?));
    if let Err(error) = filled {
        let _ = fs::remove_dir_all(&temporary);
        return Err(error);
    }
    // A folder cannot be renamed over one that is not empty, so the old one goes first; a crash in between leaves no
    // folder, which reads as "not made yet".
    remove_if_there(path)?;
    fs::rename(&temporary, path).map_err(WorkspaceError::io("finish", path))?;
    Ok(sync_folder(path)?)
}

fn sync_files(folder: &Path) -> Result<(), WorkspaceError> {
    let entries = fs::read_dir(folder).map_err(WorkspaceError::io("list", folder))?;
    for entry in entries {
        let path = entry.map_err(WorkspaceError::io("list", folder))?.path();
        if path.is_dir() {
            sync_files(&path)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).map_err(WorkspaceError::io("sync", &path))?;
        }
    }
    Ok(())
}

fn sync_folder(path: &Path) -> Result<(), WorkspaceError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(WorkspaceError::io("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_under_the_name_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");

        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"newer").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let write = |name: &'static str| {
            replace_directory(&path, |new| fs::write(new.join(name), name).map_err(WorkspaceError::io("write", new)))
        };
        write("a").unwrap();
        write("b").unwrap();
        assert!(!path.join("a").exists() && path.join("b").exists());
        let failed: Result<(), WorkspaceError> =
            replace_directory(&path, |new| Err(WorkspaceError::io("write", new)(io::ErrorKind::StorageFull.into())));
        assert!(failed.is_err() && path.join("b").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
