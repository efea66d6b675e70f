//! `inspect`: what a `.skim` file or a model folder holds, for people and for programs.

mod card;
mod other;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use skimlog_formats::columnar::{ColumnarError, Reader, Scalar};
use skimlog_import::ids::{self, Dictionaries, IdDictionary, IdsError};

use super::export::{Cells, Meaning, OwnForm};
pub use card::{CardError, Measured, ModelCard, NetworkCard, is_model, model_card};
pub use other::describe_other;
pub use table::Encodings;

/// What a file holds. Its text is an aligned table of at most 100 columns.
#[derive(Clone, Debug, Serialize)]
pub struct FileDescription {
    /// The file.
    #[serde(serialize_with = "path_text")]
    pub path: PathBuf,
    /// Kind of file: `part`, `features`, …
    pub kind: String,
    /// Version of the format.
    pub version: u32,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// Number of blocks.
    pub blocks: usize,
    /// The file's own metadata.
    pub metadata: BTreeMap<String, String>,
    /// The columns, in order.
    pub columns: Vec<ColumnDescription>,
}

/// What a column holds.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Its type, `list of …` for lists.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The encodings in use with the number of blocks each, the most frequent first.
    pub encodings: Vec<(String, usize)>,
    /// Number of values; for lists, of items.
    pub values: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes in the file for each row.
    pub bytes_per_row: f64,
    /// Smallest value, as text.
    pub minimum: Option<String>,
    /// Largest value, as text.
    pub maximum: Option<String>,
}

/// Describes a file, checking the checksum of every chunk on the way.
///
/// # Errors
/// [`ColumnarError::Damaged`].
pub fn describe(reader: &Reader) -> Result<FileDescription, ColumnarError> {
    let schema = reader.schema();
    Ok(FileDescription {
        path: reader.path().to_owned(),
        kind: schema.kind.clone(),
        version: reader.version(),
        bytes: reader.bytes(),
        rows: reader.rows(),
        blocks: reader.blocks(),
        metadata: schema.metadata.clone(),
        columns: (0..schema.fields.len()).map(|field| describe_column(reader, field)).collect::<Result<_, _>>()?,
    })
}

fn describe_column(reader: &Reader, field: usize) -> Result<ColumnDescription, ColumnarError> {
    let about = &reader.schema().fields[field];
    let mut encodings: BTreeMap<String, usize> = BTreeMap::new();
    let (mut values, mut bytes) = (0, 0);
    let mut range: Option<(Scalar, Scalar)> = None;
    for block in 0..reader.blocks() {
        let chunk = reader.chunk_info(block, field)?;
        *encodings.entry(without_numbers(&chunk.encoding)).or_default() += 1;
        values += chunk.values;
        bytes += chunk.bytes;
        range = match (range, chunk.range) {
            (Some((minimum, maximum)), Some((low, high))) => {
                Some((if low < minimum { low } else { minimum }, if maximum < high { high } else { maximum }))
            }
            (known, other) => known.or(other),
        };
    }
    let meaning = Meaning::of(reader, field);
    let text_of = |value: Scalar| match value {
        Scalar::Signed(number) if meaning.is_none(number) => "none".to_owned(),
        value => value.to_string(),
    };
    let mut encodings: Vec<(String, usize)> = encodings.into_iter().collect();
    encodings.sort_by_key(|&(_, blocks)| std::cmp::Reverse(blocks));
    Ok(ColumnDescription {
        name: about.name.clone(),
        value_type: if about.list { format!("list of {}", about.value) } else { about.value.to_string() },
        encodings,
        values,
        bytes,
        bytes_per_row: if reader.rows() == 0 { 0.0 } else { bytes as f64 / reader.rows() as f64 },
        minimum: range.map(|(minimum, _)| text_of(minimum)),
        maximum: range.map(|(_, maximum)| text_of(maximum)),
    })
}

/// An encoding without its sizes, which differ from block to block.
fn without_numbers(encoding: &str) -> String {
    let mut text = String::new();
    for (index, word) in encoding.split(' ').enumerate() {
        let rest = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
        // Only a number of its own goes, not one that is part of a column's name.
        let number =
            rest.len() < word.len() && !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        if index > 0 && !number {
            text.push(' ');
        }
        text.push_str(if number { rest } else { word });
    }
    text
}

/// A row as text: a column's name and value each.
pub type Row = Vec<(String, String)>;

/// Shows the first rows of a file, as text, one after the other; their ids as own ids where there are dictionaries. The
/// rows of a dictionary are an id and its text.
///
/// # Errors
/// [`IdsError::File`] or [`IdsError::Misplaced`] where a file is damaged, and what `show` says.
pub fn first_rows<E: From<IdsError>>(
    reader: &Reader,
    dictionaries: &Dictionaries,
    rows: u64,
    mut show: impl FnMut(u64, Row) -> Result<(), E>,
) -> Result<(), E> {
    if reader.schema().kind == ids::KIND {
        let first = IdDictionary::open(reader.path())?.first(rows)?;
        return (0..).zip(first).try_for_each(|(number, (id, text))| {
            let text = String::from_utf8_lossy(&text).into_owned();
            show(number, vec![("id".to_owned(), id.to_string()), ("text".to_owned(), text)])
        });
    }
    let fields = &reader.schema().fields;
    for block in 0..reader.blocks() {
        let range = reader.block_rows(block);
        if range.start >= rows {
            break;
        }
        let end = range.end.min(rows);
        let read = |field| {
            let shown = (end - range.start) as usize;
            Cells::read(reader, block, field)?.with_own_ids(dictionaries, shown, OwnForm::Plain)
        };
        let columns = (0..fields.len()).map(read).collect::<Result<Vec<_>, IdsError>>()?;
        for row in range.start..end {
            let cells = fields.iter().zip(&columns).map(|(field, cells)| {
                let mut text = Vec::new();
                cells.write((row - range.start) as usize, &mut text);
                // Cells are ASCII but for own ids, which may be any bytes.
                (field.name.clone(), String::from_utf8_lossy(&text).into_owned())
            });
            show(row, cells.collect())?;
        }
    }
    Ok(())
}

/// A path for JSON, which holds nothing but Unicode.
fn path_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
