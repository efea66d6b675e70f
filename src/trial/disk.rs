//! Bytes on disk.

use std::fs;
use std::path::Path;

use crate::workspace::WorkspaceError;

/// Bytes of a file, or of all files in a folder; nothing if there is none.
pub fn bytes_at(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |metadata| metadata.len()) };
    entries.flatten().map(|entry| bytes_at(&entry.path())).sum()
}

/// Room on the disk of a folder, for this user.
///
/// # Errors
/// [`WorkspaceError::File`] if the system does not say.
pub fn free_bytes(folder: &Path) -> Result<u64, WorkspaceError> {
    let room =
        rustix::fs::statvfs(folder).map_err(|error| WorkspaceError::io("ask for the room on", folder)(error.into()))?;
    Ok(room.f_bavail * room.f_frsize)
}
