//! Logs of separated values with a header, in blocks of whole records: a quoted field may have line breaks.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Decoder;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use memchr::{memchr, memchr2};

use super::chunks::DecodeLines;
use super::format::BYTE_ORDER_MARK;
use super::{BLOCK_BYTES, BLOCK_ROWS, LogError};

const QUOTE: u8 = b'"';
/// What is wrong with a record that does not end.
pub(super) const OPEN_QUOTE: &str = "a quote opens and does not close: close it, or say in the mapping that quotes \
                                     have no meaning (`csv: {quote: none}`)";
/// Bytes asked of a reader at once.
const READ: u64 = 1 << 20;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// Whether `"` has no meaning.
    pub(super) unquoted: bool,
}

/// Finds the ends of records, in pieces of any size.
#[derive(Clone, Copy, Debug)]
struct RecordEnds {
    dialect: Dialect,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote within quotes: its end, or the first half of a doubled one.
    QuoteWithin,
}

impl RecordEnds {
    fn new(dialect: Dialect) -> Self {
        Self { dialect, state: State::FieldStart }
    }

    /// The end of the first record in `text` that ends in it, from `at` on, where this stopped before.
    fn next(&mut self, text: &[u8], mut at: usize) -> Option<usize> {
        if self.dialect.unquoted {
            return memchr(b'\n', &text[at..]).map(|end| at + end + 1);
        }
        while at < text.len() {
            match self.state {
                State::FieldStart if text[at] == QUOTE => {
                    (self.state, at) = (State::Quoted, at + 1);
                }
                State::FieldStart => self.state = State::Unquoted,
                State::Unquoted => {
                    let end = at + memchr2(self.dialect.delimiter, b'\n', &text[at..])?;
                    (self.state, at) = (State::FieldStart, end + 1);
                    if text[end] == b'\n' {
                        return Some(at);
                    }
                }
                State::Quoted => {
                    let quote = at + memchr(QUOTE, &text[at..])?;
                    (self.state, at) = (State::QuoteWithin, quote + 1);
                }
                State::QuoteWithin if text[at] == QUOTE => {
                    (self.state, at) = (State::Quoted, at + 1);
                }
                State::QuoteWithin => self.state = State::Unquoted,
            }
        }
        None
    }
}

/// The ends of the records in a text; the last one may lack its newline. What follows them is a record whose quote
/// does not close.
pub(super) fn record_ends(text: &[u8], dialect: Dialect) -> Vec<usize> {
    let (mut ends, mut at, mut scanner) = (Vec::new(), 0, RecordEnds::new(dialect));
    while let Some(end) = scanner.next(text, at) {
        ends.push(end);
        at = end;
    }
    if at < text.len() && scanner.state != State::Quoted {
        ends.push(text.len());
    }
    ends
}

/// The blocks of a log of separated values, in order.
pub(super) struct CsvBlocks {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    dialect: Dialect,
    ahead: Vec<u8>,
    at_end: bool,
}

impl CsvBlocks {
    /// Reads the header, and leaves the rest to be read.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read or is none.
    pub(super) fn open(
        path: &Path,
        input: impl Read + Send + 'static,
        dialect: Dialect,
    ) -> Result<(Self, Vec<String>), LogError> {
        let input: Box<dyn Read + Send> = Box::new(input);
        let mut blocks = Self { path: path.to_owned(), input, dialect, ahead: Vec::new(), at_end: false };
        let header = blocks.records(1)?.map(|(text, _)| text).unwrap_or_default();
        let header = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&header);
        let names = blocks.names(header).map_err(|what| LogError::Damaged { path: path.to_owned(), what })?;
        Ok((blocks, names))
    }

    fn names(&self, header: &[u8]) -> Result<Vec<String>, String> {
        let mut reader =
            csv_core::ReaderBuilder::new().delimiter(self.dialect.delimiter).quoting(!self.dialect.unquoted).build();
        let (mut output, mut ends) = (vec![0; header.len() + 1], vec![0; header.len() + 2]);
        let (_, _, written, count) = reader.read_record(header, &mut output, &mut ends);
        let (_, _, more, last) = reader.read_record(&[], &mut output[written..], &mut ends[count..]);
        let (output, ends) = (&output[..written + more], &ends[..count + last]);
        if header.contains(&0) {
            return Err("its header is no UTF-8: write the file as UTF-8, or give its format (--format)".into());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let name = |(start, &end): (usize, &usize)| {
            let text = std::str::from_utf8(&output[start..end])
                .map_err(|_| "its header is no UTF-8: write the file as UTF-8".to_owned())?;
            Ok::<_, String>(text.trim().to_owned())
        };
        let names = starts.zip(ends).map(name).collect::<Result<Vec<_>, _>>()?;
        if names.iter().all(String::is_empty) {
            return Err("has no header: its first line names the columns".into());
        }
        let is_other = |mark: &char| *mark != char::from(self.dialect.delimiter);
        if let ([name], false) = (&*names, self.dialect.unquoted)
            && let Some(mark) = [',', ';', '\t', '|'].into_iter().filter(is_other).find(|&mark| name.contains(mark))
        {
            return Err(format!(
                "its header has one column, `{name}`: say in the mapping what stands between columns \
                 (`csv: {{delimiter: {:?}}}`)",
                mark.to_string()
            ));
        }
        let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
        match twice {
            Some((_, name)) => Err(format!("its header has the column `{name}` twice: rename one of them")),
            None => Ok(names),
        }
    }

    /// The next records, at most so many, as their text and their number; `None` at the end.
    fn records(&mut self, most: usize) -> Result<Option<(Vec<u8>, usize)>, LogError> {
        let (mut scanner, mut rows, mut whole, mut scanned) = (RecordEnds::new(self.dialect), 0, 0, 0);
        loop {
            while rows < most && whole < BLOCK_BYTES {
                match scanner.next(&self.ahead, scanned) {
                    Some(end) => (rows, whole, scanned) = (rows + 1, end, end),
                    None => {
                        scanned = self.ahead.len();
                        break;
                    }
                }
            }
            if rows == most || whole >= BLOCK_BYTES {
                break;
            }
            if self.at_end {
                if whole < self.ahead.len() {
                    (rows, whole) = (rows + 1, self.ahead.len());
                }
                break;
            }
            if self.ahead.len() - whole > BLOCK_BYTES {
                let what = format!(
                    "a record is longer than {BLOCK_BYTES} bytes: is a quote open? (`csv: {{quote: none}}` in the \
                     mapping takes quotes as they are)"
                );
                return Err(LogError::Damaged { path: self.path.clone(), what });
            }
            let read = self.input.by_ref().take(READ).read_to_end(&mut self.ahead);
            let read = read.map_err(|source| LogError::Read { path: self.path.clone(), source })?;
            self.at_end = read == 0;
        }
        if rows == 0 {
            return Ok(None);
        }
        let rest = self.ahead.split_off(whole);
        Ok(Some((std::mem::replace(&mut self.ahead, rest), rows)))
    }
}

impl Iterator for CsvBlocks {
    type Item = Result<(Vec<u8>, usize), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.records(BLOCK_ROWS).transpose()
    }
}

/// A schema in which every column is text.
pub(super) fn schema_of(names: &[String]) -> SchemaRef {
    let field = |name: &String| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

/// Reads records as rows of a schema.
pub(super) struct CsvRecords {
    schema: SchemaRef,
    dialect: Dialect,
    projection: Vec<usize>,
    decoder: Option<Decoder>,
}

impl CsvRecords {
    /// Of the columns, those with these numbers are read.
    pub(super) fn new(schema: SchemaRef, dialect: Dialect, projection: Vec<usize>) -> Self {
        Self { schema, dialect, projection, decoder: None }
    }
}

impl DecodeLines for CsvRecords {
    fn decode(&mut self, lines: &[u8], rows: usize) -> Result<Option<RecordBatch>, String> {
        let mut decoder = self.decoder.take().unwrap_or_else(|| {
            ReaderBuilder::new(Arc::clone(&self.schema))
                .with_delimiter(self.dialect.delimiter)
                // A byte that no text has.
                .with_quote(if self.dialect.unquoted { 0xFF } else { QUOTE })
                .with_batch_size(super::CHUNK + 1)
                .with_projection(self.projection.clone())
                .build_decoder()
        });
        let mut at = 0;
        while at < lines.len() {
            match decoder.decode(&lines[at..]).map_err(|error| self.reason(&error))? {
                0 => return Err(format!("more than {rows} records in {rows} lines")),
                read => at += read,
            }
        }
        // A last line without its newline ends here.
        decoder.decode(&[]).map_err(|error| self.reason(&error))?;
        let batch = decoder.flush().map_err(|error| self.reason(&error))?;
        self.decoder = Some(decoder);
        Ok(batch)
    }
}

impl CsvRecords {
    fn reason(&self, error: &arrow_schema::ArrowError) -> String {
        let text = error.to_string();
        let text = text.strip_prefix("Csv error: ").unwrap_or(&text);
        if let Some((_, found)) =
            text.split_once("incorrect number of fields").and_then(|(_, text)| text.split_once("got "))
        {
            let (wanted, mark) = (self.schema.fields().len(), char::from(self.dialect.delimiter));
            return format!(
                "has {found} fields, and the header {wanted}: put quotes around a field with {mark:?} in it"
            );
        }
        if text.contains("UTF-8") || text.contains("utf-8") {
            let field = text.rsplit(' ').next().and_then(|field| field.parse::<usize>().ok());
            let name = field.and_then(|field| self.schema.fields().get(field.checked_sub(1)?));
            let column = name.map_or_else(String::new, |name| format!("column `{}`: ", name.name()));
            return format!("{column}is no UTF-8: write the file as UTF-8");
        }
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', unquoted: false };

    fn decode(text: &[u8], names: &[&str]) -> Result<usize, String> {
        let schema = schema_of(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let projection = (0..names.len()).collect();
        let ends = record_ends(text, COMMA);
        let batch = CsvRecords::new(schema, COMMA, projection).decode(text, ends.len())?;
        assert_eq!(batch.as_ref().map_or(0, RecordBatch::num_rows), ends.len());
        Ok(ends.len())
    }

    #[test]
    fn quoted_fields_have_line_breaks() {
        assert_eq!(decode(b"a,\"b\nc\"\n\"x\"\"\n\",y\n1,2", &["p", "q"]), Ok(3));
        assert_eq!(decode(b"5\" screen,b\nc,d\n", &["p", "q"]), Ok(2));
        assert!(decode(b"a,b,c\n", &["p", "q"]).unwrap_err().contains("fields, and the header 2"));
        assert_eq!(decode(b"a,\xFF\n", &["p", "q"]).unwrap_err(), "column `q`: is no UTF-8: write the file as UTF-8");
    }

    #[test]
    fn the_header_names_the_columns() {
        let open = |text: &'static [u8]| {
            CsvBlocks::open(Path::new("f"), text, COMMA).map(|(_, names)| names).map_err(|error| error.to_string())
        };
        assert_eq!(open(b"\xEF\xBB\xBFa,\"b,c\"\n1,2\n").unwrap(), ["a", "b,c"]);
        assert_eq!(open(b"a,b").unwrap(), ["a", "b"]);
        assert!(open(b"a,a\n").unwrap_err().contains("the column `a` twice"));
        assert!(open(b"").unwrap_err().contains("has no header"));
    }

    proptest! {
        #[test]
        fn the_ends_of_records_are_those_of_csv_core(text in "[ab\",\n]{0,40}") {
            let mut reader = csv_core::Reader::new();
            let (mut output, mut fields) = (vec![0; 100], vec![0; 100]);
            let (mut at, mut ends) = (0, Vec::new());
            while at < text.len() {
                let (result, read, ..) = reader.read_record(&text.as_bytes()[at..], &mut output, &mut fields);
                at += read;
                if matches!(result, csv_core::ReadRecordResult::Record) {
                    ends.push(at);
                }
            }
            // It takes empty lines with the record behind them.
            let (mut found, mut start, mut scanner) = (Vec::new(), 0, RecordEnds::new(COMMA));
            while let Some(end) = scanner.next(text.as_bytes(), start) {
                if text[start..end] != *"\n" {
                    found.push(end);
                }
                start = end;
            }
            prop_assert_eq!(found, ends);
        }
    }
}
