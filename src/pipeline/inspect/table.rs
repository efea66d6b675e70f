//! A description as text that fits a terminal.

use std::fmt;

use super::{ColumnDescription, FileDescription};
use crate::amounts;

/// No line is wider, but for the encodings.
const WIDTH: usize = 100;
/// A column's name is not made shorter than this.
const LEAST_NAME: usize = 12;
/// Longest smallest and largest value; a number of 64 bits has up to 20 characters.
const LONGEST_VALUE: usize = 20;

impl fmt::Display for FileDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!(": {}, format version {}", self.kind, self.version);
        let path = self.path.display().to_string();
        writeln!(f, "{}{kind}", without_beginning(&path, WIDTH.saturating_sub(kind.chars().count())))?;
        writeln!(
            f,
            "{} in {}, {}",
            amounts::counted(self.rows, "row", "rows"),
            amounts::counted(self.blocks as u64, "block", "blocks"),
            amounts::bytes(self.bytes as f64)
        )?;
        for (key, value) in &self.metadata {
            writeln!(f, "{}", without_end(&format!("{key}: {value}"), WIDTH))?;
        }
        let header = ["column", "type", "size", "bytes/row", "minimum", "maximum"].map(str::to_owned);
        let mut rows: Vec<[String; 6]> = std::iter::once(header).chain(self.columns.iter().map(cells)).collect();
        let others: usize = widths(&rows)[1..].iter().map(|width| width + 2).sum();
        let longest = WIDTH.saturating_sub(others).max(LEAST_NAME);
        for row in &mut rows {
            row[0] = without_middle(&row[0], longest);
        }
        // Numbers are aligned at their right, words at their left.
        write_aligned(f, &rows, |column| column >= 2)
    }
}

/// The columns' encodings, one a line, with the number of blocks that use it.
pub struct Encodings<'a>(pub &'a FileDescription);

impl fmt::Display for Encodings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["column", "blocks", "encoding"].map(str::to_owned);
        let rows = self.0.columns.iter().flat_map(|column| {
            column.encodings.iter().enumerate().map(|(place, (encoding, blocks))| {
                let name = if place == 0 { column.name.clone() } else { String::new() };
                [name, amounts::count(*blocks as u64), encoding.clone()]
            })
        });
        let rows: Vec<[String; 3]> = std::iter::once(header).chain(rows).collect();
        write_aligned(f, &rows, |column| column == 1)
    }
}

fn widths<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let mut widths = [0; COLUMNS];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    widths
}

fn write_aligned<const COLUMNS: usize>(
    f: &mut fmt::Formatter<'_>,
    rows: &[[String; COLUMNS]],
    at_right: impl Fn(usize) -> bool,
) -> fmt::Result {
    let widths = widths(rows);
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            line += &if at_right(column) { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

fn cells(column: &ColumnDescription) -> [String; 6] {
    let value = |value: &Option<String>| match value {
        // An id's first digits are enough to see.
        Some(text) if text.len() == 32 => format!("{}…", &text[..8]),
        Some(text) => without_end(text, LONGEST_VALUE),
        None => String::new(),
    };
    [
        column.name.clone(),
        column.value_type.clone(),
        amounts::bytes(column.bytes as f64),
        format!("{:.3}", column.bytes_per_row),
        value(&column.minimum),
        value(&column.maximum),
    ]
}

fn without_beginning(text: &str, width: usize) -> String {
    let left_out = text.chars().count().saturating_sub(width);
    if left_out == 0 { text.to_owned() } else { "…".chars().chain(text.chars().skip(left_out + 1)).collect() }
}

fn without_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain("…".chars()).collect()
}

/// Names that begin alike often end differently, and the other way round.
fn without_middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let end = (width - 1) / 2;
    without_end(text, width - end).chars().chain(text.chars().skip(length - end)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn long_texts_lose_their_beginning_middle_or_end() {
        assert_eq!(without_beginning("/a/long/path", 7), "…g/path");
        assert_eq!(without_middle("validation.pair.like", 9), "vali…like");
        assert_eq!(without_end("ключ: значение", 6), "ключ:…");
        for shorten in [without_beginning, without_middle, without_end] {
            assert_eq!(shorten("short", 5), "short");
        }
    }

    #[test]
    fn nothing_makes_the_table_wider_than_a_terminal() {
        let column = |name: &str, value: &str| ColumnDescription {
            name: name.into(),
            value_type: "list of u64".into(),
            encodings: vec![("packed".into(), 7), ("sparse of dictionary of packed".into(), 2)],
            values: 3,
            bytes: 123_456_789,
            bytes_per_row: 123.456,
            minimum: Some(value.into()),
            maximum: Some(value.into()),
        };
        let about = FileDescription {
            path: ["", "folder"].join(&"/folder".repeat(40)).into(),
            kind: "features".into(),
            version: 2,
            bytes: 2_540_000_000,
            rows: 1_234_567,
            blocks: 1_200,
            metadata: BTreeMap::from([("key".into(), "value ".repeat(60))]),
            columns: vec![
                column(&"a very long name ".repeat(9), &u64::MAX.to_string()),
                column("ids", &"AB".repeat(16)),
                column("exact", &"0.123456789".repeat(5)),
            ],
        };
        let table = about.to_string();
        assert!(table.lines().all(|line| line.chars().count() <= WIDTH), "{table}");
        assert!(table.contains("1,234,567 rows in 1,200 blocks, 2.5 GB") && table.contains("ABABABAB…"), "{table}");
        assert!(table.contains("18446744073709551615") && !table.contains("packed"), "{table}");
        let encodings = Encodings(&about).to_string();
        assert!(encodings.lines().nth(2).is_some_and(|line| line.trim() == "2  sparse of dictionary of packed"));
    }
}
