//! Outputs that appear under their name when they are whole: written under a temporary name, synced, renamed.
//!
//! One rule holds for all of them. A symbolic link is followed and stays; a device, a named pipe or an open file is
//! written to as a stream; permissions of a file that is replaced are kept; two writers never share a file.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::target::Target;
use super::temporary::folder_of;
use super::{FileError, temporary};

/// An output being written; where it goes to a file, nothing stands under its final name before [`AtomicFile::commit`].
/// Dropped without it, what was written is removed.
///
/// ```
/// use std::io::Write;
/// use skimlog_runtime::files::AtomicFile;
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("counts.txt");
/// let mut file = AtomicFile::create(&path).unwrap();
/// file.write_all(b"42\n").unwrap();
/// assert!(!path.exists());
/// file.commit().unwrap();
/// assert_eq!(std::fs::read(&path).unwrap(), b"42\n");
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    /// As it was asked for.
    path: PathBuf,
    sink: Sink,
    /// Whether the temporary name is somebody else's by now, or holds the last copy of what was written.
    is_settled: bool,
}

#[derive(Debug)]
enum Sink {
    /// Locked as long as it is open; `None` once closed.
    File {
        file: Option<File>,
        temporary: PathBuf,
        target: PathBuf,
    },
    Stream(File),
}

impl AtomicFile {
    /// Starts writing the output that is to stand at `path`, making its folder if need be. Whether the folder can be
    /// written to shows here, before any work is done.
    ///
    /// # Errors
    /// [`FileError::Io`] if the folder or the temporary file cannot be made, [`FileError::NoOutput`] if nothing
    /// can be written to what stands there, [`FileError::Busy`] if somebody is writing it.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let made = |sink| Self { path: path.to_owned(), sink, is_settled: false };
        let (target, replaced) = match Target::of(path)? {
            Target::Stream(file) => return Ok(made(Sink::Stream(file))),
            Target::File { path, replaced } => (path, replaced),
        };
        let folder = folder_of(&target);
        fs::create_dir_all(folder).map_err(FileError::io("make the folder", folder))?;
        let (temporary, file) = temporary::create(&target)?;
        if let Some(replaced) = replaced {
            keep_permissions(&file, &replaced);
        }
        Ok(made(Sink::File { file: Some(file), temporary, target }))
    }

    /// Where the file stands until it is whole; `None` for a stream.
    pub fn temporary(&self) -> Option<&Path> {
        match &self.sink {
            Sink::File { temporary, .. } => Some(temporary),
            Sink::Stream(_) => None,
        }
    }

    /// Another handle of the file, at its beginning, for those who write it in several places at a time.
    ///
    /// # Errors
    /// [`FileError::NoOutput`] if the output is no file, [`FileError::Io`].
    pub fn another_handle(&self) -> Result<File, FileError> {
        match &self.sink {
            Sink::File { temporary, .. } => {
                File::options().write(true).open(temporary).map_err(FileError::io("open", &self.path))
            }
            Sink::Stream(_) => {
                let problem = "it is a stream, but this is written in several places at a time";
                Err(FileError::NoOutput { path: self.path.clone(), problem })
            }
        }
    }

    /// Syncs and closes the file, which keeps its temporary name: for files that are to appear together with many
    /// others. Nothing but the lock of the working directory keeps other writers of the same file away from then on.
    ///
    /// # Errors
    /// [`FileError::Io`] if it cannot be synced.
    pub fn close(&mut self) -> Result<(), FileError> {
        self.sync()?;
        if let Sink::File { file, .. } = &mut self.sink {
            *file = None;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), FileError> {
        match &self.sink {
            Sink::File { file: Some(file), .. } => file.sync_all().map_err(FileError::io("write", &self.path)),
            // Synced when it was closed; or a stream, which takes what it is given.
            Sink::File { file: None, .. } | Sink::Stream(_) => Ok(()),
        }
    }

    /// Syncs the file and gives it its final name, in place of what stood there.
    ///
    /// # Errors
    /// [`FileError::Io`] if it cannot be synced or renamed; then nothing changes under the final name.
    pub fn commit(self) -> Result<(), FileError> {
        Self::commit_all(vec![self])
    }

    /// [`AtomicFile::commit`] of several files: none gets its final name before all are synced, and a folder that
    /// several of them are in is synced once.
    ///
    /// # Errors
    /// As there.
    pub fn commit_all(mut files: Vec<Self>) -> Result<(), FileError> {
        files.iter().try_for_each(Self::sync)?;
        let mut folders = BTreeSet::new();
        for file in &mut files {
            if let Sink::File { temporary, target, .. } = &file.sink {
                let placed = put_in_place(temporary, target, &file.path);
                file.is_settled = matches!(placed, Ok(()) | Err(FileError::MountPoint { .. }));
                placed?;
                folders.insert(folder_of(target).to_owned());
            }
        }
        // Closed first: to sync a folder is to open it, and this may have been the last file that could be.
        drop(files);
        folders.iter().try_for_each(|folder| sync(folder))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::File { file: Some(file), .. } | Sink::Stream(file) => file.write(bytes),
            Sink::File { file: None, .. } => Err(io::Error::other("the file is closed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Sink::File { temporary, .. } = &self.sink
            && !self.is_settled
        {
            // Should it stay, the next writer removes it.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Gives a file the owner and the permissions of the one it is going to replace, where user and file system allow it:
/// only root may give files away, and some file systems know neither.
#[cfg(unix)]
fn keep_permissions(file: &File, replaced: &Metadata) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let owner = |metadata: &Metadata| (metadata.uid(), metadata.gid());
    if !file.metadata().is_ok_and(|new| owner(&new) == owner(replaced)) {
        let _ = std::os::unix::fs::fchown(file, Some(replaced.uid()), Some(replaced.gid()));
    }
    // New content does not run with its owner's rights.
    let _ = file.set_permissions(fs::Permissions::from_mode(replaced.permissions().mode() & 0o777));
}

#[cfg(not(unix))]
fn keep_permissions(_file: &File, _replaced: &Metadata) {}

/// Renames a finished file to its name; `path` is the one it was asked for by.
fn put_in_place(temporary: &Path, target: &Path, path: &Path) -> Result<(), FileError> {
    match fs::rename(temporary, target) {
        // The file itself is a mount point, as a single file given to a container is: its name cannot be taken, so its
        // content is.
        Err(error) if is_mount(&error) => copy_in_place(temporary, target).map_err(|source| FileError::MountPoint {
            path: path.to_owned(),
            whole: temporary.to_owned(),
            source,
        }),
        renamed => renamed.map_err(FileError::io("finish", path)),
    }
}

fn is_mount(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices)
}

fn copy_in_place(temporary: &Path, target: &Path) -> io::Result<()> {
    let mut to = File::options().write(true).truncate(true).open(target)?;
    io::copy(&mut File::open(temporary)?, &mut to)?;
    to.sync_all()?;
    fs::remove_file(temporary)
}

/// Writes a whole file: nothing stands under its name before everything is written and synced.
///
/// # Errors
/// [`FileError::Io`] with what `write` or the system gives; then nothing changes under the name.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<AtomicFile>) -> io::Result<()>,
) -> Result<(), FileError> {
    let mut out = BufWriter::new(AtomicFile::create(path)?);
    write(&mut out).map_err(FileError::io("write", path))?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error);
    file.map_err(FileError::io("write", path))?.commit()
}

/// Whether files can be made in a folder, which is made if need be: tells a folder that cannot be written to, or a full
/// disk, before hours of work.
///
/// # Errors
/// [`FileError::Io`] with the folder's name.
pub fn ensure_writable(folder: &Path) -> Result<(), FileError> {
    let mut probe = AtomicFile::create(&folder.join("probe"))?;
    probe.write_all(&[0; 4096]).map_err(FileError::io("write to a file in this folder", folder))
}

pub(super) fn sync(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(FileError::io("sync", path))
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

    #[test]
    fn one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut first = AtomicFile::create(&path).unwrap();
        let refused = AtomicFile::create(&path).unwrap_err().to_string();
        assert!(refused.contains("file") && refused.contains("being written"), "{refused}");
        first.write_all(b"whole").unwrap();
        first.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        drop(AtomicFile::create(&path).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("elsewhere")).unwrap();
        fs::write(at("elsewhere/file"), "old").unwrap();
        std::os::unix::fs::symlink("elsewhere/file", at("link")).unwrap();
        std::os::unix::fs::symlink("elsewhere/new/file", at("dangling")).unwrap();
        write_file(&at("link"), |out| out.write_all(b"new")).unwrap();
        write_file(&at("dangling"), |out| out.write_all(b"made")).unwrap();
        assert!(at("link").is_symlink() && at("dangling").is_symlink());
        assert_eq!(fs::read(at("elsewhere/file")).unwrap(), b"new");
        assert_eq!(fs::read(at("elsewhere/new/file")).unwrap(), b"made");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "a temporary file is left over");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        for kept in [0o600, 0o640, 0o666] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            write_file(&path, |out| out.write_all(b"new")).unwrap();
            assert_eq!((mode(), fs::read(&path).unwrap()), (kept, b"new".to_vec()));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        write_file(&path, |out| out.write_all(b"through the pipe")).unwrap();
        assert_eq!(reader.join().unwrap(), b"through the pipe");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something stands beside the pipe");
        assert!(AtomicFile::create(Path::new("/dev/null")).unwrap().another_handle().is_err());
    }

    #[test]
    fn a_folder_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        ensure_writable(&folder.path().join("new")).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(ensure_writable(&folder.path().join("file")).is_err());
    }
}
