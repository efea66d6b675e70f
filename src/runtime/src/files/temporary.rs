//! Temporary names of unfinished files, and files with such names.
//!
//! The name identifies what a killed process left. A lock on the file, which the system releases when the process ends,
//! shows that the file is still being written.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::{FileError, remove_if_there};

/// What the name of a file or folder begins with that is not finished.
const TEMPORARY: &str = ".unfinished-";
/// What the name of a folder begins with whose place is being taken by another.
const REPLACED: &str = ".replaced-";
/// Longest name, in bytes, that is left as it is: file systems take 255.
const LONGEST: usize = 200;
/// How often a file is made anew that another process took away.
const ATTEMPTS: usize = 16;

fn beside(path: &Path, prefix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    match path.file_name().unwrap_or(OsStr::new("file")) {
        long if long.len() > LONGEST => name.push(format!("{:016x}", xxh3_64(long.as_encoded_bytes()))),
        short => name.push(short),
    }
    path.with_file_name(name)
}

/// The name of `path` while it is unfinished, under which it is removed should it be left over.
pub fn unfinished(path: &Path) -> PathBuf {
    beside(path, TEMPORARY)
}

/// The name of the folder at `path` while another takes its place.
pub(super) fn replaced(path: &Path) -> PathBuf {
    beside(path, REPLACED)
}

/// Removes what a killed process left unfinished at `path`, and gives a folder its name back that was put aside for one
/// that never came. Anything else stays, a file that somebody is still writing included.
pub fn clear_leftover(path: &Path) -> Result<(), FileError> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else { return Ok(()) };
    if name.starts_with(TEMPORARY) {
        return if is_in_use(path) { Ok(()) } else { remove_if_there(path) };
    }
    let Some(last) = name.strip_prefix(REPLACED).map(|name| path.with_file_name(name)) else { return Ok(()) };
    if last.exists() || !path.exists() {
        return remove_if_there(path);
    }
    fs::rename(path, &last).map_err(FileError::io("bring back", &last))
}

/// Whether a process is at work on the unfinished file.
fn is_in_use(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file && File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Makes the unfinished file that is to become `path`, empty and locked; what a killed process left of it goes.
///
/// # Errors
/// [`FileError::Busy`] while another process, or another part of this one, is at it, [`FileError::Io`].
pub(super) fn create(path: &Path) -> Result<(PathBuf, File), FileError> {
    let temporary = unfinished(path);
    for _ in 0..ATTEMPTS {
        match File::options().write(true).create_new(true).open(&temporary) {
            Ok(file) if is_taken(&file) => {}
            // Whoever found it before it was locked took it for a leftover.
            Ok(file) if stands_at(&file, &temporary) => return Ok((temporary, file)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if is_in_use(&temporary) {
                    return Err(FileError::Busy { path: path.to_owned() });
                }
                remove_if_there(&temporary)?;
            }
            Err(source) => return Err(not_created(path, source)),
        }
    }
    Err(FileError::Busy { path: path.to_owned() })
}

/// Locks the file; `true` if somebody else was faster. A file system without locks gives none to anybody.
fn is_taken(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether the file still has this name.
#[cfg(unix)]
fn stands_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let number = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (own, there) = (file.metadata().map(number), fs::symlink_metadata(path).map(number));
    own.is_ok_and(|own| there.is_ok_and(|there| own == there))
}

#[cfg(not(unix))]
fn stands_at(_file: &File, _path: &Path) -> bool {
    true
}

/// The folder in which `path` stands.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder is what stands in the way of a file beside the one wanted.
fn not_created(path: &Path, source: io::Error) -> FileError {
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            FileError::io("make a file in this folder", folder_of(path))(source)
        }
        _ => FileError::io("create", path)(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_belongs_to_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let (temporary, file) = create(&path).unwrap();
        assert!(matches!(create(&path), Err(FileError::Busy { .. })));
        clear_leftover(&temporary).unwrap();
        assert!(temporary.exists(), "somebody is writing it");
        drop(file);
        let (again, _file) = create(&path).unwrap();
        assert_eq!(again, temporary);
    }

    #[test]
    fn whatever_is_left_over_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(unfinished(&path), "half of it").unwrap();
        let (temporary, file) = create(&path).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        drop(file);
        clear_leftover(&temporary).unwrap();
        fs::create_dir_all(temporary.join("folder")).unwrap();
        drop(create(&path).unwrap());
        fs::remove_file(&temporary).unwrap();
        #[cfg(unix)]
        {
            fs::write(folder.path().join("precious"), "mine").unwrap();
            std::os::unix::fs::symlink("precious", &temporary).unwrap();
            drop(create(&path).unwrap());
            assert_eq!(fs::read(folder.path().join("precious")).unwrap(), b"mine");
        }
    }

    #[test]
    fn names_fit_whatever_is_asked_for() {
        let long = "n".repeat(255);
        let folder = tempfile::tempdir().unwrap();
        create(&folder.path().join(&long)).unwrap();
        assert_ne!(unfinished(Path::new(&long)), unfinished(Path::new(&"m".repeat(255))));
    }
}
