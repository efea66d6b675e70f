//! `export`: any `.skim` file as text or as Parquet.

mod cell;
mod dictionary;
mod parquet;
mod tsv;

use std::io;

use skimlog_formats::columnar::{ColumnarError, Reader};
use skimlog_import::ids::IdsError;
use thiserror::Error;

pub(crate) use cell::{Cells, Meaning, OwnForm};
pub use parquet::{ParquetTimes, export_parquet};
pub use tsv::export_tsv;

/// Why a file was not exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The file cannot be read or lacks a column.
    #[error(transparent)]
    File(#[from] ColumnarError),
    /// A dictionary of own ids cannot be read.
    #[error(transparent)]
    Ids(#[from] IdsError),
    /// An own id that is no text.
    #[error(
        "column {column:?}, row {row}: an own id is not UTF-8, which a string of Parquet has to be; write ids as \
         hexadecimal digits with --ids hash"
    )]
    NotText {
        /// The column.
        column: String,
        /// 0-based row.
        row: u64,
    },
    /// A column is selected twice.
    #[error("column {0:?} is selected twice: name each column once")]
    Twice(String),
    /// A time that the form of times cannot hold.
    #[error(
        "column {column:?}, row {row}: {seconds} seconds are beyond a Parquet timestamp; write times as numbers with \
         --times seconds"
    )]
    Time {
        /// The column.
        column: String,
        /// 0-based row.
        row: u64,
        /// The time, in unix seconds.
        seconds: i64,
    },
    /// The output does not take the bytes.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
    /// The Parquet writer refuses.
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// The numbers of the selected columns, in the order of the selection; all of them without one.
fn selected(reader: &Reader, columns: Option<&[String]>) -> Result<Vec<usize>, ExportError> {
    let Some(names) = columns else {
        return Ok((0..reader.schema().fields.len()).collect());
    };
    let mut fields = Vec::new();
    for name in names {
        let field = reader.field(name)?;
        if fields.contains(&field) {
            return Err(ExportError::Twice(name.clone()));
        }
        fields.push(field);
    }
    Ok(fields)
}
