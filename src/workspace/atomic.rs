//! Files that appear under their name when they are whole: written under a temporary name, synced, renamed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::WorkspaceError;

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
        let temporary = temporary_name(path);
        let file = File::create(&temporary).map_err(WorkspaceError::io("create", &temporary))?;
        Ok(Self { file: Some(file), temporary, path: path.to_owned() })
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
    pub fn commit(mut self) -> Result<(), WorkspaceError> {
        self.close()?;
        fs::rename(&self.temporary, &self.path).map_err(WorkspaceError::io("finish", &self.path))?;
        sync_folder(&self.path)
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
