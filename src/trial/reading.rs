//! How fast raw parts are read.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::sample::{CELL, spread};
use crate::pipeline::PipelineError;
use crate::workspace::WorkspaceError;

/// Bytes of a part that are read one after the other to see how fast that goes, and how long parts are read for it.
const STRETCH: u64 = 1 << 26;
const LONGEST_READING: Duration = Duration::from_secs(1);

/// Bytes that the disk, or the system's cache of it, gives in a second when these files are read from one end to the
/// other, as conversion reads them: cells that are far apart come several times as slowly. Infinite if there is
/// nothing to read.
pub(super) fn reading_speed(paths: &[PathBuf]) -> Result<f64, PipelineError> {
    let begun = Instant::now();
    let (mut bytes, mut buffer) = (0, Vec::with_capacity(CELL as usize));
    for number in spread(paths.len() as u64) {
        let path = &paths[number as usize];
        let mut read = || {
            let mut file = File::open(path)?;
            // Not the beginning, which some program may just have looked at.
            file.seek(SeekFrom::Start(file.metadata()?.len() / 2))?;
            for _ in 0..STRETCH / CELL {
                buffer.clear();
                bytes += (&file).take(CELL).read_to_end(&mut buffer)? as u64;
            }
            Ok(())
        };
        read().map_err(WorkspaceError::io("read", path))?;
        if begun.elapsed() > LONGEST_READING {
            break;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(if bytes > 0 { bytes as f64 / seconds.max(1e-9) } else { f64::INFINITY })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn how_fast_files_are_read_is_known_of_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part-0");
        assert_eq!(reading_speed(&[]).unwrap(), f64::INFINITY);
        for (text, sound) in [("", f64::is_infinite as fn(f64) -> bool), ("some records", |speed| speed > 0.0)] {
            fs::write(&path, text).unwrap();
            assert!(sound(reading_speed(std::slice::from_ref(&path)).unwrap()));
        }
        fs::remove_file(&path).unwrap();
        assert!(reading_speed(&[path]).is_err());
    }
}
