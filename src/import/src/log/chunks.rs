//! Lines of text, decoded many at a time, and one by one only where something is wrong.

use std::ops::Range;

use arrow_array::RecordBatch;

/// Decodes whole lines, one row each.
pub(super) trait DecodeLines {
    /// The rows of these lines. Empty lines are none.
    ///
    /// # Errors
    /// What is wrong with one of them.
    fn decode(&mut self, lines: &[u8], rows: usize) -> Result<Option<RecordBatch>, String>;
}

/// What some lines hold.
pub(super) enum Decoded {
    /// Rows of the lines from the first on, one after the other.
    Rows(RecordBatch),
    /// A line that is no row.
    Bad(String),
}

/// Decodes the lines that end at `ends`, and shows what they hold with the number of the first line, counted from 0.
///
/// # Errors
/// What `each` returns.
pub(super) fn decode_lines<E>(
    decoder: &mut impl DecodeLines,
    text: &[u8],
    ends: &[usize],
    each: &mut impl FnMut(usize, Range<usize>, Decoded) -> Result<(), E>,
) -> Result<(), E> {
    decode_from(decoder, text, ends, 0..ends.len(), each)
}

fn decode_from<E>(
    decoder: &mut impl DecodeLines,
    text: &[u8],
    ends: &[usize],
    lines: Range<usize>,
    each: &mut impl FnMut(usize, Range<usize>, Decoded) -> Result<(), E>,
) -> Result<(), E> {
    let (first, count) = (lines.start, lines.len());
    if count == 0 {
        return Ok(());
    }
    let start = if first == 0 { 0 } else { ends[first - 1] };
    let range = start..ends[lines.end - 1];
    match decoder.decode(&text[range.clone()], count) {
        Ok(Some(rows)) if rows.num_rows() == count => each(first, range, Decoded::Rows(rows)),
        // One empty line, as at the end of many files.
        Ok(None) if count == 1 => Ok(()),
        Ok(rows) if count == 1 => {
            let rows = rows.map_or(0, |rows| rows.num_rows());
            each(first, range, Decoded::Bad(format!("the line holds {rows} rows: write one a line")))
        }
        Err(what) if count == 1 => each(first, range, Decoded::Bad(what)),
        // Lines are good one by one or not at all, so that halves find the bad ones and the empty ones.
        _ => {
            let middle = first + count / 2;
            decode_from(decoder, text, ends, first..middle, each)?;
            decode_from(decoder, text, ends, middle..lines.end, each)
        }
    }
}
