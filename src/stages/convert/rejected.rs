//! Quarantine: the lines of a part, or rows of a log, that are no records, and why.

use std::fs;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use skimlog_runtime::files::AtomicFile;

use super::bad_record::BadRecord;
use super::error::ConvertError;
use super::options::Quarantine;

/// A line or row that is no record.
pub(super) struct BadLine {
    pub(super) error: BadRecord,
    pub(super) text: Vec<u8>,
}

/// The rejected lines of a part. Files are made for the first line and get their names at the end.
pub(super) struct Rejected {
    lines: PathBuf,
    reasons: PathBuf,
    most: u64,
    count: u64,
    files: Option<Files>,
}

struct Files {
    lines: BufWriter<AtomicFile>,
    reasons: BufWriter<AtomicFile>,
}

impl Rejected {
    /// An empty quarantine, if there is to be one. What an earlier run rejected of this part is removed.
    pub(super) fn of(quarantine: Option<&Quarantine>) -> Result<Option<Self>, ConvertError> {
        let Some(Quarantine { directory, name, most, ending }) = quarantine else { return Ok(None) };
        let (lines, reasons) =
            (directory.join(format!("{name}.{ending}")), directory.join(format!("{name}.reasons.tsv")));
        for path in [&lines, &reasons] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(path, error)),
                _ => {}
            }
        }
        Ok(Some(Self { lines, reasons, most: *most, count: 0, files: None }))
    }

    /// Puts a line into quarantine, one too many as well, which is then the error.
    pub(super) fn add(&mut self, part: &Path, bad: BadLine) -> Result<(), ConvertError> {
        self.write(&bad)?;
        self.count += 1;
        if self.count > self.most {
            let (path, error, rejected) = (part.to_owned(), bad.error, self.lines.clone());
            return Err(ConvertError::TooManyBadRecords { path, error, most: self.most, rejected });
        }
        Ok(())
    }

    /// Gives the files their names and returns how many lines they hold.
    pub(super) fn finish(self) -> Result<u64, ConvertError> {
        if let Some(files) = self.files {
            for (file, path) in [(files.lines, &self.lines), (files.reasons, &self.reasons)] {
                let file = file.into_inner().map_err(IntoInnerError::into_error);
                file.map_err(|error| failed(path, error))?.commit()?;
            }
        }
        Ok(self.count)
    }

    fn write(&mut self, bad: &BadLine) -> Result<(), ConvertError> {
        let files = match &mut self.files {
            Some(files) => files,
            none => none.insert(Files {
                lines: BufWriter::new(AtomicFile::create(&self.lines)?),
                reasons: BufWriter::new(AtomicFile::create(&self.reasons)?),
            }),
        };
        let line = files.lines.write_all(&bad.text).and_then(|()| files.lines.write_all(b"\n"));
        line.map_err(|error| failed(&self.lines, error))?;
        let reason = writeln!(files.reasons, "{}\t{}", bad.error.number(), bad.error.reason());
        reason.map_err(|error| failed(&self.reasons, error))
    }
}

fn failed(path: &Path, source: io::Error) -> ConvertError {
    ConvertError::Quarantine { path: path.to_owned(), source }
}
