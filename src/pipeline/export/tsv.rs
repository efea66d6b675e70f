//! Export as text.

use std::io::Write;

use skimlog_formats::columnar::Reader;
use skimlog_formats::part::{self, PartReader};
use skimlog_formats::record::{Columns, write_record};
use skimlog_import::ids::{self, Dictionaries};
use skimlog_runtime::progress::{Progress, Unit};

use super::{Cells, ExportError, OwnForm, dictionary, selected};

/// Text is handed to the output in pieces of about this size, in bytes.
const PIECE: usize = 1 << 20;

/// Writes a file as text: a whole part as the raw records it was made from, byte for byte; a dictionary of ids as a
/// table of ids and texts; anything else, or selected columns, as a line of column names and a line a row, separated by
/// TAB. Lists are separated by commas, ids are hexadecimal or, where there are dictionaries, the own ids, floats are
/// the shortest decimals that read back as the same value, a reaction that did not happen is empty.
///
/// # Errors
/// [`ExportError`]; an output that was closed is an [`ExportError::Write`].
pub fn export_tsv(
    reader: Reader,
    columns: Option<&[String]>,
    dictionaries: &Dictionaries,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<(), ExportError> {
    progress.begin("export", Some(reader.rows()), Unit::Records);
    if reader.schema().kind == part::KIND && columns.is_none() {
        raw_records(&PartReader::new(reader)?, out, progress)?;
    } else if reader.schema().kind == ids::KIND && columns.is_none() {
        dictionary::as_table(reader, out, progress)?;
    } else {
        headed(&reader, &selected(&reader, columns)?, dictionaries, out, progress)?;
    }
    out.flush()?;
    progress.end();
    Ok(())
}

fn raw_records(part: &PartReader, out: &mut dyn Write, progress: &dyn Progress) -> Result<(), ExportError> {
    let mut text = Vec::with_capacity(PIECE + PIECE / 4);
    for block in 0..part.blocks() {
        let batch = part.read(block, Columns::ALL)?;
        for row in 0..batch.rows {
            write_record(&batch, row, &mut text);
            if row + 1 == batch.rows && block + 1 == part.blocks() && !part.has_final_newline() {
                text.pop();
            }
            hand_over(&mut text, PIECE, out)?;
        }
        progress.advance(batch.rows as u64);
    }
    hand_over(&mut text, 0, out)
}

fn headed(
    reader: &Reader,
    fields: &[usize],
    dictionaries: &Dictionaries,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<(), ExportError> {
    let names: Vec<&str> = fields.iter().map(|&field| reader.schema().fields[field].name.as_str()).collect();
    let mut text = names.join("\t").into_bytes();
    text.push(b'\n');
    for block in 0..reader.blocks() {
        let rows = reader.block_rows(block);
        let read = |&field: &usize| {
            let cells = Cells::read(reader, block, field)?;
            Ok(cells.with_own_ids(dictionaries, (rows.end - rows.start) as usize, OwnForm::Escaped)?)
        };
        let columns = fields.iter().map(read).collect::<Result<Vec<_>, ExportError>>()?;
        for row in 0..(rows.end - rows.start) as usize {
            for (index, cells) in columns.iter().enumerate() {
                if index > 0 {
                    text.push(b'\t');
                }
                cells.write(row, &mut text);
            }
            text.push(b'\n');
            hand_over(&mut text, PIECE, out)?;
        }
        progress.advance(rows.end - rows.start);
    }
    hand_over(&mut text, 0, out)
}

/// Writes the text once there is enough of it.
fn hand_over(text: &mut Vec<u8>, enough: usize, out: &mut dyn Write) -> Result<(), ExportError> {
    if text.len() >= enough {
        out.write_all(text)?;
        text.clear();
    }
    Ok(())
}
