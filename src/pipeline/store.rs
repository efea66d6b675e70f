//! Files that appear under their name when they are whole.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file under a temporary name, syncs it and gives it its final name.
///
/// # Errors
/// What `write` or the system gives; under the final name nothing changes then.
pub(super) fn store<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
) -> Result<(), E> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = NamedTempFile::new_in(folder)?;
    let mut out = BufWriter::new(file.as_file());
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    file.persist(path).map_err(io::Error::from)?;
    Ok(File::open(folder)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("file");
        store(&path, |out| out.write_all(b"first")).unwrap();
        let failed = store(&path, |out| out.write_all(b"second").and_then(|()| Err(io::Error::other("full"))));
        assert_eq!(failed.unwrap_err().to_string(), "full");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a temporary file is left over");
    }
}
