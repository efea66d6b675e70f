//! Records from pushed pieces of text, with borders anywhere: what pipes and standard input need.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::append::Line;
use super::error::Fault;
use super::{FIELD_SEPARATOR, FieldCount, MAX_RECORD_BYTES, RecordBatch, RecordError, RecordOptions};

/// A push parser: takes text piece by piece and adds a record to a batch whenever a line is complete.
///
/// Splitting is csv-core's, with quoting off; it does no I/O and keeps one line at most.
///
/// ```
/// use skimlog_formats::record::{Parsed, RecordBatch, RecordOptions, RecordParser};
/// let mut parser = RecordParser::new(RecordOptions::default());
/// let mut batch = RecordBatch::default();
/// let (read, parsed) = parser.push(b"101\t7", &mut batch);
/// assert_eq!((read, parsed), (5, Parsed::Incomplete));
/// let (read, parsed) = parser.push(b"\t102\n101\t102", &mut batch);
/// let Parsed::Bad(error) = parsed else { panic!("one field is too few") };
/// assert_eq!((read, error.line), (5, 1));
/// assert_eq!(parser.line_text(), b"101\t7\t102");
/// ```
#[derive(Debug)]
pub struct RecordParser {
    options: RecordOptions,
    splitter: Reader,
    /// The line's fields, one after the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    /// How much of `text` and `ends` is the current line's.
    filled: usize,
    fields: usize,
    /// Bytes of the current line so far.
    bytes: usize,
    /// The current line's number and first byte.
    line: u64,
    offset: u64,
    /// Whether the line in `text` was reported and the next push begins another.
    done: bool,
}

/// What a push has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// All the text is taken and the line goes on: push more, or [`RecordParser::finish`].
    Incomplete,
    /// A record was added to the batch; the rest of the text is still to be pushed.
    Record,
    /// A line was no record, and the batch is as it was; the rest of the text is still to be pushed.
    Bad(RecordError),
}

impl RecordParser {
    /// A parser at the beginning of its input.
    pub fn new(options: RecordOptions) -> Self {
        Self::starting_at(options, 1, 0)
    }

    /// A parser of text that begins at a line's beginning within a larger input: its 1-based `line` and its byte
    /// `offset`.
    pub fn starting_at(options: RecordOptions, line: u64, offset: u64) -> Self {
        let mut splitter =
            ReaderBuilder::new().delimiter(FIELD_SEPARATOR).terminator(Terminator::Any(b'\n')).quoting(false).build();
        // csv-core drops a byte order mark in front of the first bytes it sees: let it see none first.
        splitter.read_record(&[], &mut [], &mut []);
        Self {
            options,
            splitter,
            text: vec![0; 4096],
            ends: vec![0; 32],
            filled: 0,
            fields: 0,
            bytes: 0,
            line,
            offset,
            done: false,
        }
    }

    /// Reads up to the end of the current line or of `input`. Returns how many bytes it took and what came of them.
    ///
    /// # Panics
    /// If `batch` holds records of another number of fields.
    pub fn push(&mut self, input: &[u8], batch: &mut RecordBatch) -> (usize, Parsed) {
        self.forget_last();
        let mut taken = 0;
        while taken < input.len() {
            // csv-core skips empty lines; here they are errors.
            if self.bytes == 0 && input[taken] == b'\n' {
                return (taken + 1, self.end_line(batch));
            }
            let rest = &input[taken..];
            let (result, read) = if self.bytes > MAX_RECORD_BYTES { self.skip(rest) } else { self.split(rest) };
            taken += read;
            self.bytes += read;
            if result == ReadRecordResult::Record {
                self.bytes -= 1;
                return (taken, self.end_line(batch));
            }
        }
        (taken, Parsed::Incomplete)
    }

    /// To be called after the last push: a line that was begun ends here, without its newline. [`Parsed::Incomplete`]
    /// if there is none.
    ///
    /// # Panics
    /// As [`RecordParser::push`].
    pub fn finish(&mut self, batch: &mut RecordBatch) -> Parsed {
        self.forget_last();
        if self.bytes == 0 { Parsed::Incomplete } else { self.end_line(batch) }
    }

    /// Text of the line that the last push or finish was about, without its newline. Of a line longer than
    /// [`MAX_RECORD_BYTES`] about so many bytes.
    pub fn line_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.bytes.min(2 * MAX_RECORD_BYTES));
        let mut start = 0;
        for &end in &self.ends[..self.fields] {
            text.extend_from_slice(&self.text[start..end]);
            text.push(FIELD_SEPARATOR);
            start = end;
        }
        text.extend_from_slice(&self.text[start..self.filled]);
        text
    }

    /// How many fields the records have, as soon as that is known.
    pub fn fields(&self) -> Option<FieldCount> {
        self.options.fields
    }

    /// Number of lines taken so far.
    pub fn lines(&self) -> u64 {
        self.line - 1 + u64::from(self.done)
    }

    /// Feeds the splitter and keeps the fields.
    fn split(&mut self, input: &[u8]) -> (ReadRecordResult, usize) {
        let (text, ends) = (&mut self.text[self.filled..], &mut self.ends[self.fields..]);
        let (result, read, written, ended) = self.splitter.read_record(input, text, ends);
        self.filled += written;
        self.fields += ended;
        // Room is made as soon as there is none left, so that the splitter never meets an empty output.
        if self.filled == self.text.len() {
            self.text.resize(2 * self.filled, 0);
        }
        if self.fields == self.ends.len() {
            self.ends.resize(2 * self.fields, 0);
        }
        if result == ReadRecordResult::Record {
            // The last field needs no end of its own: it ends where the text does.
            self.fields -= 1;
        }
        (result, read)
    }

    /// Feeds the splitter and keeps nothing.
    fn skip(&mut self, input: &[u8]) -> (ReadRecordResult, usize) {
        let (result, read, ..) = self.splitter.read_record(input, &mut [0; 4096], &mut [0; 4096]);
        (result, read)
    }

    fn end_line(&mut self, batch: &mut RecordBatch) -> Parsed {
        self.done = true;
        let starts = std::iter::once(0).chain(self.ends[..self.fields].iter().copied());
        let ends = self.ends[..self.fields].iter().copied().chain(std::iter::once(self.filled));
        let text = &self.text;
        let fields = starts.zip(ends).map(|(start, end)| &text[start..end]);
        let line = Line { fields, count: self.fields + 1, bytes: self.bytes, first: self.line == 1 };
        match line.append(&mut self.options, batch) {
            Ok(()) => Parsed::Record,
            Err(fault) => Parsed::Bad(self.locate(fault)),
        }
    }

    fn locate(&self, fault: Fault) -> RecordError {
        fault.at(self.line, self.offset, self.bytes)
    }

    /// Begins the next line if the current one was reported.
    fn forget_last(&mut self) {
        if self.done {
            self.offset += self.bytes as u64 + 1;
            self.line += 1;
            (self.filled, self.fields, self.bytes) = (0, 0, 0);
            self.done = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Reason, RecordScanner};

    fn parse(text: &[u8]) -> (RecordBatch, Vec<String>) {
        let mut parser = RecordParser::new(RecordOptions::default());
        let (mut batch, mut errors, mut at) = (RecordBatch::default(), Vec::new(), 0);
        while at < text.len() {
            let (taken, parsed) = parser.push(&text[at..], &mut batch);
            at += taken;
            if let Parsed::Bad(error) = parsed {
                errors.push(error.to_string());
            }
        }
        if let Parsed::Bad(error) = parser.finish(&mut batch) {
            errors.push(error.to_string());
        }
        (batch, errors)
    }

    fn scan(text: &[u8]) -> (RecordBatch, Vec<String>) {
        let mut scanner = RecordScanner::new(text, RecordOptions::default());
        let (mut batch, mut errors) = (RecordBatch::default(), Vec::new());
        while let Some(outcome) = scanner.read(&mut batch) {
            errors.extend(outcome.err().map(|error| error.to_string()));
        }
        (batch, errors)
    }

    const GOOD: &[u8] = b"101\t7\t102\x01\x0100112233445566778899AABBCCDDEEFF\x01Photo\tPhoto\x01\x01\x01TopLevel\x01\
        00112233445566778899AABBCCDDEEFF\x011613060891\x01\
        00112233445566778899AABBCCDDEEFF\x013\x010\x01false\x011545845842\x01\
        00112233445566778899AABBCCDDEEFF\x014294967295\x011\x01true\x011545845842\x01true\x01\x01\x01\x011613060999\n";

    #[test]
    fn a_good_record() {
        let (batch, errors) = parse(GOOD);
        assert_eq!(errors, [""; 0]);
        assert_eq!(batch.rows, 1);
        assert_eq!(batch.tokens.get(0), [101, 7, 102]);
        assert_eq!(batch.media.get(0).len(), 2);
        assert_eq!(batch.reader.followers, [u32::MAX.into()]);
        assert_eq!(batch.event_time(0), 1_613_060_999);
    }

    #[test]
    fn bad_lines_are_named_and_leave_no_trace() {
        let good = String::from_utf8(GOOD.to_vec()).unwrap();
        let with = |from: &str, to: &str| good.replacen(from, to, 1);
        let cases = [
            ("\n".to_string(), "1: the line is empty"),
            (format!("\u{FEFF}{good}"), "1: the file starts with a byte order mark"),
            (with("\n", "\r\n"), "1: the line ends with a carriage return"),
            (with("\x01\n", "\n").replacen("\x011613060999\n", "\n", 1), "1: found 23 fields, expected 24 (with"),
            (with("\n", "\x01\n"), "1: found 25 fields, expected 24 (with reactions) or 20 (without)"),
            (with("101\t7\t102", ""), "1: text tokens: must not be empty"),
            (
                with("101\t", "\t101\t"),
                "1: text tokens: item 1 of the list is empty: there is a TAB too many (found \"\\t101",
            ),
            (with("\t7\t", "\t7x\t"), "1: text tokens: is not a decimal number (found \"7x\")"),
            (with("\t7\t", "\t07\t"), "1: text tokens: has a leading zero (found \"07\")"),
            (
                with("\t7\t", "\t119547\t"),
                "1: text tokens: is not in the vocabulary of 119547 tokens (found \"119547\")",
            ),
            (
                with("\x01\x0100", "\x01AB\x0100"),
                "1: hashtags: an id has 32 hexadecimal digits, found 2 bytes (found \"AB\")",
            ),
            (with("0011223344", "001122334"), "1: tweet id: an id has 32 hexadecimal digits, found 31 bytes"),
            (
                with("AABB", "aABB"),
                "1: tweet id: an id has upper-case hexadecimal digits only, found byte 0x61 at digit 20",
            ),
            (with("Photo", "photo"), "1: present media: expected Photo, Video or GIF (found \"photo\")"),
            (
                with("TopLevel", "Answer"),
                "1: tweet type: expected TopLevel, Retweet, Quote or Reply (found \"Answer\")",
            ),
            (with("TopLevel\x0100112233445566778899AABBCCDDEEFF", "TopLevel\x01"), "1: language: must not be empty"),
            (with("1613060891", "-0"), "1: tweet timestamp: is zero with a minus sign (found \"-0\")"),
            (with("1613060891", "1e9"), "1: tweet timestamp: is not a decimal number (found \"1e9\")"),
            (
                with("1613060891", "9223372036854775808"),
                "1: tweet timestamp: is out of range -9223372036854775808 to 9223372036854775807 (found",
            ),
            (
                with("1613060999", "-9223372036854775808"),
                "1: like timestamp: is out of range -9223372036854775807 to 9223372036854775807 (found",
            ),
            (with("\x01false\x01", "\x01False\x01"), "1: author is verified: expected true or false (found \"False\")"),
            (with("\x014294967295\x01", "\x01many\x01"), "1: reader follower count: is not a decimal number"),
        ];
        for (text, expected) in &cases {
            let (batch, errors) = parse(text.as_bytes());
            assert_eq!(errors.len(), 1, "{text:?}");
            assert!(errors[0].starts_with(expected), "{} is not {expected}", errors[0]);
            assert_eq!(batch.rows, 0);
            // The next record is read as if nothing had been there.
            let (batch, errors) = parse(format!("{text}{good}").as_bytes());
            assert_eq!((errors.len(), &batch), (1, &parse(GOOD).0), "{text:?}");
            // The scanner says the same, also once the first line has opened its fast way.
            for before in ["", &good] {
                let text = format!("{before}{text}{good}");
                assert_eq!(scan(text.as_bytes()), parse(text.as_bytes()), "{text:?}");
            }
        }
    }

    #[test]
    fn the_last_newline_may_be_missing() {
        let text = [GOOD, &GOOD[..GOOD.len() - 1]].concat();
        let (batch, errors) = parse(&text);
        assert_eq!((batch.rows, errors), (2, Vec::new()));
        assert_eq!(scan(&text), parse(&text));
        // What is left of a truncated record is still an error.
        let (batch, errors) = parse(&text[..text.len() - 11]);
        assert_eq!((batch.rows, errors), (1, vec!["2: found 23 fields, expected 24".to_string()]));
    }

    #[test]
    fn the_first_line_settles_the_number_of_fields() {
        let test: Vec<u8> = GOOD.split(|&b| b == 1).take(20).collect::<Vec<_>>().join(&1);
        let text = [&test[..], b"\n", GOOD, &test, b"\n"].concat();
        let (batch, errors) = parse(&text);
        assert_eq!((batch.rows, batch.reactions), (2, None));
        assert_eq!(errors, ["2: found 24 fields, expected 20"]);
    }

    #[test]
    fn a_long_line_costs_bounded_memory() {
        let mut parser = RecordParser::new(RecordOptions::default());
        let mut batch = RecordBatch::default();
        for _ in 0..64 {
            assert_eq!(parser.push(&[1; 100_000], &mut batch), (100_000, Parsed::Incomplete));
        }
        assert!(parser.text.len() + parser.ends.len() <= 4 * MAX_RECORD_BYTES);
        let (taken, Parsed::Bad(error)) = parser.push(b"x\n", &mut batch) else { panic!("that was no record") };
        assert_eq!((taken, error.length, error.reason), (2, 6_400_001, Reason::TooLong));
        assert_eq!(parser.push(GOOD, &mut batch), (GOOD.len(), Parsed::Record));
    }
}
