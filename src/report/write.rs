//! Writes the report.

use std::io::Write;
use std::path::{Path, PathBuf};

use skimlog_runtime::files::{InputFiles, entries, write_file};

use super::error::ReportError;
use super::page;
use super::results::Results;
use crate::workspace::Layout;
use crate::workspace::WorkspaceError;

/// Writes the report of a working directory to `output`. The directory may be in use meanwhile.
///
/// # Errors
/// [`ReportError`].
pub fn write_report(directory: &Path, output: &Path) -> Result<(), ReportError> {
    let made_here = entries(directory).unwrap_or_default();
    let usual = Layout::of(directory).report();
    let others = made_here.iter().map(PathBuf::as_path).filter(|path| path.file_name() != usual.file_name());
    InputFiles::of(others).ensure_none_is(output).map_err(WorkspaceError::from)?;
    let html = page::html(&Results::read(directory)?);
    Ok(write_file(output, |out| out.write_all(html.as_bytes())).map_err(WorkspaceError::from)?)
}
