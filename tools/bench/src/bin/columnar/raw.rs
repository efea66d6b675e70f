//! A raw part as batches.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use skimlog_formats::part::BLOCK_ROWS;
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordReader};

pub(super) fn read(path: &Path, rows: usize) -> Result<Vec<RecordBatch>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut reader = RecordReader::new(file, RecordOptions::default());
    let (mut batches, mut left) = (Vec::new(), rows);
    while left > 0 {
        let mut batch = RecordBatch::default();
        let (wanted, mut more) = (left.min(BLOCK_ROWS), true);
        // The reader gives what it has when its buffer is empty.
        while more && batch.rows < wanted {
            more = reader.read(&mut batch, wanted).with_context(|| path.display().to_string())?;
        }
        left = if more { left - batch.rows } else { 0 };
        if batch.rows > 0 {
            batches.push(batch);
        }
    }
    Ok(batches)
}
