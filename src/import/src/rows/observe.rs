//! What a column of a log holds, before records are made of it.

use arrow_array::{Array, RecordBatch as Rows};

use super::find;
use super::text::TextLists;
use crate::mapping::{LogField, Mapping};

/// In how many rows the column of a field is null or not there; 0 for a field that is mapped to no column.
pub(crate) fn nulls(rows: &Rows, mapping: &Mapping, field: LogField) -> usize {
    let Some(column) = mapping.column(field) else { return 0 };
    // A log whose rows name their columns leaves out what is null.
    find(rows, column).map_or(rows.num_rows(), |column| column.logical_nulls().map_or(0, |nulls| nulls.null_count()))
}

/// Shows the words of a field's column, or of its lists, row by row.
pub(crate) fn each_word(rows: &Rows, mapping: &Mapping, field: LogField, mut each: impl FnMut(&str)) {
    let Some(column) = mapping.column(field).and_then(|column| find(rows, column)) else { return };
    let split = mapping.field(field).and_then(|mapping| mapping.split.as_deref());
    let Ok(lists) = TextLists::new(&column, split) else { return };
    for row in 0..rows.num_rows() {
        let _ = lists.each(row, |word| {
            if let Ok(Some(word)) = word {
                each(word);
            }
            Ok::<_, std::convert::Infallible>(())
        });
    }
}
