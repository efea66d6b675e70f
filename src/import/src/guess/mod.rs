//! A first mapping for a log: guessed from the names of its columns, their types and some of their rows.
//!
//! The result is a commented `mapping.yaml` for a person to look through.

mod found;
mod names;
mod sample;
mod write;

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};

use crate::log::{BlockDecoder, BlockRows, Log, LogError, LogFormat};
use crate::mapping::{Kind, LogField};
use crate::rows::{could_take, paths};
use found::{Found, Guess};
use names::Name;
use sample::Sample;

/// A mapping for the log at `path`, as [`guess`] writes it, from its columns and first rows.
///
/// # Errors
/// [`LogError`]: the log cannot be read.
pub fn guess_log(path: &Path, format: Option<LogFormat>) -> Result<String, LogError> {
    let log = Log::open(path, format, None, None)?;
    let schema = Arc::clone(log.schema());
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let (mut blocks, shape) = log.blocks(&columns)?;
    let mut first = None;
    if let Some(block) = blocks.next().transpose()? {
        BlockDecoder::new(&shape).decode(&block, |rows| {
            if let (None, BlockRows::Rows(_, rows)) = (&first, rows) {
                first = Some(rows);
            }
            Ok::<_, LogError>(())
        })?;
    }
    Ok(guess(path, &schema, first.as_slice()))
}

/// A mapping of the log at `path` as commented YAML. Every field of a record is in it: those whose column could be
/// guessed with it, the others as a comment. `rows` are some of the log's first rows, which say the unit of times and
/// what words there are.
///
/// If a required column was found for each required field, the text is a valid mapping.
pub fn guess(log: &Path, schema: &Schema, rows: &[RecordBatch]) -> String {
    let columns = paths(schema);
    let names: Vec<Name> = columns.iter().map(|(path, _)| Name::of(path)).collect();
    let user = Name::user_side(names.iter());
    let mut guess = Guess { columns: [const { None }; LogField::COUNT] };
    // Every column has at most one field: the best pair first, of equal ones the first column of the first field.
    let mut pairs: Vec<(u32, LogField, usize)> = Vec::new();
    for field in LogField::ALL {
        for (index, (_, data_type)) in columns.iter().enumerate() {
            let score = if fits(field, data_type) { names[index].score(field, user) } else { 0 };
            if score > 0 {
                pairs.push((score, field, index));
            }
        }
    }
    pairs.sort_by_key(|&(score, field, index)| (std::cmp::Reverse(score), index, field));
    let mut taken = vec![false; columns.len()];
    for (_, field, index) in pairs {
        if taken[index] || guess.columns[field as usize].is_some() {
            continue;
        }
        let (path, _) = &columns[index];
        let sample = Sample::of(rows, path);
        if !sample.suits(field.kind()) {
            continue;
        }
        taken[index] = true;
        guess.columns[field as usize] = Some(Found { path: path.clone(), sample });
    }
    // A record has its text or its tokens.
    if guess.columns[LogField::Tokens as usize].is_some() {
        guess.columns[LogField::Text as usize] = None;
    }
    write::write(log, &guess, columns.iter().map(|(path, _)| path.as_str()))
}

/// Whether a field can be made of a column of this type.
fn fits(field: LogField, data_type: &DataType) -> bool {
    let is_number = data_type.is_numeric();
    match field.kind() {
        // A number is seldom a text, a word or a list.
        Kind::Text | Kind::Type | Kind::Media if is_number || data_type == &DataType::Boolean => false,
        kind => could_take(kind, data_type),
    }
}
