//! `export-features`: what a model sees of each record, with its ids and labels, for other programs.
//!
//! In the data's order: `source` has records and counts, a few at a time; `content` says what is written of them;
//! `rows` makes features or the network's input; `table` and `npy` write them, in the records' order.

mod content;
mod error;
mod npy;
mod rows;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::Path;

use skimlog_features::input::Languages;
use skimlog_import::ids::Dictionaries;
use skimlog_runtime::ordered::ordered_map;
use skimlog_runtime::progress::{Progress, Unit};

pub use content::Content;
pub use error::AssembleError;
pub use source::Source;

use npy::NpyFolder;
use rows::Rows;
use table::TableFile;

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Apache Parquet, a file.
    Parquet,
    /// Arrow IPC, a file.
    Arrow,
    /// numpy's arrays, a folder of files.
    Npy,
}

/// How records are assembled.
pub struct Options<'a> {
    /// What is written of each.
    pub content: Content,
    /// The form of the output.
    pub form: Form,
    /// The languages that have numbers.
    pub languages: &'a Languages,
    /// The log's own ids; those that are in none are written as 32 hexadecimal digits.
    pub own: &'a Dictionaries,
    /// Worker threads.
    pub threads: NonZeroUsize,
}

/// Records made at once.
const CHUNK: usize = 1024;

enum Output {
    Table(Box<TableFile>),
    Npy(NpyFolder),
}

/// A chunk as the output takes it.
enum Made {
    Table(arrow_array::RecordBatch),
    Npy(Rows),
}

/// Writes the records of `source`, in their order, to the file or folder at `path`, which appears there when it is
/// whole; gives their number. Memory depends on the number of threads and on the length of a row, not on the records.
///
/// # Errors
/// [`AssembleError`].
pub fn assemble(
    source: Source,
    options: &Options<'_>,
    path: &Path,
    progress: &dyn Progress,
) -> Result<u64, AssembleError> {
    let Options { content, form, languages, own, threads } = options;
    let labelled = source.has_labels();
    let mut output = match form {
        Form::Npy => Output::Npy(NpyFolder::create(path, content, labelled, languages)?),
        Form::Parquet => Output::Table(Box::new(TableFile::parquet(path, content, labelled, languages)?)),
        Form::Arrow => Output::Table(Box::new(TableFile::arrow(path, content, labelled, languages)?)),
    };
    let schema = match &output {
        Output::Table(table) => Some(table.schema()),
        Output::Npy(_) => None,
    };
    progress.begin("export-features", Some(source.records()), Unit::Records);
    let mut written = 0;
    let chunks = source.chunks(CHUNK, progress);
    let make = |chunk: source::Chunk| {
        let rows = Rows::of(&chunk, content, languages);
        Ok(match &schema {
            Some(schema) => Made::Table(table::batch(&rows, content, labelled, own, schema.clone())?),
            None => Made::Npy(rows),
        })
    };
    ordered_map(*threads, chunks, make, |made| {
        match (&mut output, made) {
            (Output::Table(file), Made::Table(batch)) => {
                written += batch.num_rows() as u64;
                file.write(&batch)?;
            }
            (Output::Npy(folder), Made::Npy(rows)) => {
                written += rows.tweets.len() as u64;
                folder.write(&rows)?;
            }
            _ => unreachable!("chunks are made for the output"),
        }
        if progress.stop_requested() { Err(AssembleError::Stopped) } else { Ok(()) }
    })?;
    match output {
        Output::Table(file) => file.finish()?,
        Output::Npy(folder) => folder.finish()?,
    }
    progress.end();
    Ok(written)
}
