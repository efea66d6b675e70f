//! A row as a line of JSON, for people and for quarantine.

use arrow_array::RecordBatch;
use arrow_json::LineDelimitedWriter;

/// Row `row` of a batch as a JSON object, without a newline; empty if it cannot be written as one.
pub fn row_text(rows: &RecordBatch, row: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut text);
    let written = writer.write(&rows.slice(row, 1)).and_then(|()| writer.finish());
    drop(writer);
    if written.is_err() {
        text.clear();
    }
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    text
}
