//! Whether a file's content is unchanged: assumed while size and modification time are the same, decided by a checksum
//! if only the time differs.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use skimlog_formats::columnar::Reader;
use xxhash_rust::xxh3::Xxh3;

use super::WorkspaceError;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// A file as it was at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub changed: u64,
    /// What it held, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// How a file compares with what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It holds the same.
    Same,
    /// It holds something else.
    Other,
    /// It was changed at another time, and what it held then is not known.
    Unknown,
}

impl FileState {
    /// A file's size and time of change.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if the file is not there.
    pub fn of(path: &Path) -> Result<Self, WorkspaceError> {
        let metadata = path.metadata().map_err(WorkspaceError::io("read", path))?;
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed = changed.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default();
        Ok(Self { bytes: metadata.len(), changed, checksum: None })
    }

    /// Whether size and time of change are those of `other`.
    pub fn is_untouched(&self, other: &Self) -> bool {
        (self.bytes, self.changed) == (other.bytes, other.changed)
    }

    /// Takes the checksum of a file that is still as it was.
    pub(super) fn complete(&mut self, path: &Path) {
        if self.checksum.is_none()
            && let Ok(checksum) = Checksum::of(path)
            // It may have been changed while it was read.
            && Self::of(path).is_ok_and(|now| now.is_untouched(self))
        {
            self.checksum = Some(checksum);
        }
    }

    /// How the file at `path`, which is in the state `now`, compares with this. It is read only if that cannot be known
    /// without.
    pub(super) fn compare(&self, now: &Self, path: &Path) -> Comparison {
        if self.is_untouched(now) {
            return Comparison::Same;
        }
        if self.bytes != now.bytes {
            return Comparison::Other;
        }
        match (&self.checksum, &now.checksum) {
            (Some(then), Some(now)) if then == now => Comparison::Same,
            (Some(_), Some(_)) => Comparison::Other,
            (Some(then), None) if then.is_of(path) => Comparison::Same,
            (Some(_), None) => Comparison::Other,
            (None, _) => Comparison::Unknown,
        }
    }
}

/// What stands for the bytes of a file.
///
/// A `.skim` file holds checksums of everything in it, so only those are looked at: a file of any size costs a moment.
/// Any other file is read from one end to the other (XXH3, 128 bits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checksum(String);

impl Checksum {
    /// The checksum of a file.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] if it cannot be read.
    pub fn of(path: &Path) -> Result<Self, WorkspaceError> {
        match skim(path) {
            Some(file) => Ok(Self(format!("skim {:032x}", file.identity()))),
            None => Ok(Self(format!("xxh3 {:032x}", sum(path).map_err(WorkspaceError::io("read", path))?))),
        }
    }

    /// Whether a file holds just this: of a `.skim` file, every byte is looked at.
    fn is_of(&self, path: &Path) -> bool {
        Self::of(path).is_ok_and(|now| now == *self) && skim(path).is_none_or(|file| file.verify().is_ok())
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn skim(path: &Path) -> Option<Reader> {
    // What is being written has the ending, too.
    path.extension().filter(|&ending| ending == "skim").and_then(|_| Reader::open(path).ok())
}

fn sum(path: &Path) -> io::Result<u128> {
    let mut file = File::open(path)?;
    let (mut sum, mut piece) = (Xxh3::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(sum.digest128()),
            Ok(read) => sum.update(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;

    fn touch(path: &Path) {
        let later = SystemTime::now() + Duration::from_secs(10);
        File::options().append(true).open(path).unwrap().set_modified(later).unwrap();
    }

    #[test]
    fn a_touched_file_holds_the_same_and_a_changed_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "what it holds").unwrap();
        let unread = FileState::of(&path).unwrap();
        let mut then = unread.clone();
        then.complete(&path);
        let compare = |then: &FileState| then.compare(&FileState::of(&path).unwrap(), &path);
        assert_eq!([&then, &unread].map(compare), [Comparison::Same; 2]);
        touch(&path);
        assert_eq!([&then, &unread].map(compare), [Comparison::Same, Comparison::Unknown]);
        fs::write(&path, "what it HOLDS").unwrap();
        assert_eq!([&then, &unread].map(compare), [Comparison::Other, Comparison::Unknown]);
        fs::write(&path, "more than it held").unwrap();
        assert_eq!([&then, &unread].map(compare), [Comparison::Other; 2]);
        let mut of_another_time = unread;
        of_another_time.complete(&path);
        assert_eq!(of_another_time.checksum, None, "what a file holds now is not what it held then");
    }

    #[test]
    fn a_skim_file_is_known_by_its_end_and_trusted_only_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.skim");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/part-v1.skim");
        let bytes = fs::read(fixture).unwrap();
        fs::write(&path, &bytes).unwrap();
        let checksum = Checksum::of(&path).unwrap();
        assert!(checksum.to_string().starts_with("skim ") && checksum.is_of(&path));
        for at in [9, 70, bytes.len() / 2, bytes.len() - 40] {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1;
            fs::write(&path, &spoilt).unwrap();
            assert!(!checksum.is_of(&path), "byte {at}");
        }
    }
}
