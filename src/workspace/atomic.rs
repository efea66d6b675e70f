//! Files and folders that appear under their name when they are whole: written under a temporary name, synced, renamed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{WorkspaceError, entries, remove_if_there};

/// What the name of a file or folder begins with that is not finished.
const TEMPORARY: &str = ".unfinished-";
/// What the name of a folder begins with whose place is being taken by another.
const REPLACED: &str = ".replaced-";

fn beside(path: &Path, prefix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(path.file_name().unwrap_or(OsStr::new("file")));
    path.with_file_name(name)
}

/// The name of `path` while it is unfinished, under which it is removed should it be left over.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    beside(path, TEMPORARY)
}

/// Removes what a killed process left unfinished at `path`, and gives a folder its name back that was put aside for one
/// that never came. Anything else stays.
pub(super) fn clear_leftover(path: &Path) -> Result<(), WorkspaceError> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else { return Ok(()) };
    if name.starts_with(TEMPORARY) {
        return remove_if_there(path);
    }
    let Some(last) = name.strip_prefix(REPLACED).map(|name| path.with_file_name(name)) else { return Ok(()) };
    if last.exists() || !path.exists() {
        return remove_if_there(path);
    }
    fs::rename(path, &last).map_err(WorkspaceError::io("bring back", &last))
}

/// A file being written; nothing stands under its final name before [`AtomicFile::commit`]. Dropped without it, what
/// was written is removed.
#[derive(Debug)]
pub struct AtomicFile {
    // `None` once closed.
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
        let temporary = beside(path, TEMPORARY);
        let file = File::create(&temporary).map_err(WorkspaceError::io("create", path))?;
        Ok(Self { file: Some(file), temporary, path: path.to_owned() })
    }

    /// The file's name until it is whole, for those who write it through handles of their own.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs and closes the file, which keeps its temporary name: for files that are to appear together with others.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if it cannot be synced.
    pub fn close(&mut self) -> Result<(), WorkspaceError> {
        let synced = self.file.take().map_or(Ok(()), |file| file.sync_all());
        synced.map_err(WorkspaceError::io("write", &self.path))
    }

    /// Syncs the file and gives it its final name, in place of what stood there.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if it cannot be synced or renamed; then nothing changes under the final name.
    pub fn commit(self) -> Result<(), WorkspaceError> {
        Self::commit_all(vec![self])
    }

    /// [`AtomicFile::commit`] of several files: none gets its final name before all are synced, and a folder that
    /// several of them are in is synced once.
    ///
    /// # Errors
    /// As there.
    pub fn commit_all(mut files: Vec<Self>) -> Result<(), WorkspaceError> {
        files.iter_mut().try_for_each(Self::close)?;
        for file in &files {
            fs::rename(&file.temporary, &file.path).map_err(WorkspaceError::io("finish", &file.path))?;
        }
        let folders: BTreeSet<&Path> = files.iter().map(|file| folder_of(&file.path)).collect();
        folders.into_iter().try_for_each(sync)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::other("the file is closed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Gone already if it got its final name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A folder being filled; nothing changes under its final name before [`AtomicFolder::commit`]. Dropped without it, what
/// was put into it is removed.
#[derive(Debug)]
pub struct AtomicFolder {
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFolder {
    /// Starts filling the folder that is to stand at `path`, making the folder above if need be.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] if that cannot be done, or what a killed process left there cannot be removed.
    pub fn create(path: &Path) -> Result<Self, WorkspaceError> {
        let temporary = beside(path, TEMPORARY);
        clear_leftover(&temporary)?;
        clear_leftover(&beside(path, REPLACED))?;
        fs::create_dir_all(&temporary).map_err(WorkspaceError::io("make the folder", path))?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// The folder to put things into; its name will be another.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs everything in the folder and gives it its final name, in place of the folder that stood there.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`]; then what stood under the final name stands there still.
    pub fn commit(self) -> Result<(), WorkspaceError> {
        sync_all(&self.temporary)?;
        // A folder cannot be renamed onto one that is not empty: the old one steps aside first. Should this process be
        // killed in between, it comes back when the next one clears up.
        let replaced = beside(&self.path, REPLACED);
        let replaces = self.path.exists();
        if replaces {
            fs::rename(&self.path, &replaced).map_err(WorkspaceError::io("replace", &self.path))?;
        }
        if let Err(source) = fs::rename(&self.temporary, &self.path) {
            if replaces {
                // The error above is the one to report.
                let _ = fs::rename(&replaced, &self.path);
            }
            return Err(WorkspaceError::io("finish", &self.path)(source));
        }
        sync_folder_of(&self.path)?;
        remove_if_there(&replaced)
    }
}

impl Drop for AtomicFolder {
    fn drop(&mut self) {
        // Gone already if it got its final name.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

/// Writes a whole file: nothing stands under its name before everything is written and synced.
///
/// # Errors
/// [`WorkspaceError::Io`] with what `write` or the system gives; then nothing changes under the name.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<AtomicFile>) -> io::Result<()>,
) -> Result<(), WorkspaceError> {
    let mut out = BufWriter::new(AtomicFile::create(path)?);
    write(&mut out).map_err(WorkspaceError::io("write", path))?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error);
    file.map_err(WorkspaceError::io("write", path))?.commit()
}

/// Syncs the folder in which `path` stands, so that its name lasts.
fn sync_folder_of(path: &Path) -> Result<(), WorkspaceError> {
    sync(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs a folder and everything in it.
fn sync_all(folder: &Path) -> Result<(), WorkspaceError> {
    for path in entries(folder)? {
        if path.is_dir() { sync_all(&path)? } else { sync(&path)? }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<(), WorkspaceError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(WorkspaceError::io("sync", path))
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
    fn a_folder_takes_the_place_of_another_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/model");
        let fill = |text: &str| {
            let new = AtomicFolder::create(&path).unwrap();
            fs::create_dir(new.temporary().join("counts")).unwrap();
            fs::write(new.temporary().join("counts/pair"), text).unwrap();
            new
        };
        let held = || fs::read_to_string(path.join("counts/pair")).unwrap();
        let first = fill("first");
        assert!(!path.exists());
        first.commit().unwrap();
        drop(fill("given up"));
        assert_eq!(held(), "first");
        fill("second").commit().unwrap();
        assert_eq!(held(), "second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

        // Killed after the old folder stepped aside: it comes back. Killed after the new one came: the old one goes.
        fs::rename(&path, beside(&path, REPLACED)).unwrap();
        std::mem::forget(fill("never finished"));
        drop(AtomicFolder::create(&path).unwrap());
        assert_eq!(held(), "second");
        fs::create_dir(beside(&path, REPLACED)).unwrap();
        drop(AtomicFolder::create(&path).unwrap());
        assert_eq!(held(), "second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_file(&path, |out| out.write_all(b"first")).unwrap();
        let failed = write_file(&path, |out| out.write_all(b"second").and_then(|()| Err(io::Error::other("full"))));
        assert!(failed.unwrap_err().to_string().ends_with("full"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file is left over");
    }
}
