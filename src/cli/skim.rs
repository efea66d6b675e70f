//! Opens a `.skim` file given on the command line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::bail;
use skimlog::pipeline::inspect::describe_other;
use skimlog_formats::columnar::{ColumnarError, MAGIC, Reader};

/// Opens the file; of one that is no .skim file, says what it is.
pub(super) fn open(path: &Path) -> anyhow::Result<Reader> {
    let error = match Reader::open(path) {
        Ok(reader) => return Ok(reader),
        Err(error) => error,
    };
    // What is shorter than an empty .skim file is called damaged, and a folder cannot be mapped.
    let is_skim = match &error {
        ColumnarError::NotSkim { .. } => false,
        ColumnarError::Damaged { .. } | ColumnarError::Open { .. } => begins_like_skim(path),
        _ => true,
    };
    if is_skim {
        return Err(error.into());
    }
    match describe_other(path) {
        Ok(what) => bail!("{}: not a .skim file, but {what}", path.display()),
        Err(_) => Err(error.into()),
    }
}

fn begins_like_skim(path: &Path) -> bool {
    let mut beginning = [0; MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut beginning).is_ok()) && beginning == MAGIC
}
