//! Records from anything that can be read: a pipe, standard input.

use std::io::{self, Read};

use super::{FieldCount, Parsed, RecordBatch, RecordError, RecordOptions, RecordParser};

/// Reads records from a pipe as they come.
///
/// ```
/// use skimlog_formats::record::{RecordBatch, RecordOptions, RecordReader};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let input: &[u8] = include_bytes!("../../fixtures/labelled");
/// // `input` is anything that can be read, as standard input.
/// let mut reader = RecordReader::new(input, RecordOptions::default());
/// let (mut batch, mut records) = (RecordBatch::default(), 0);
/// let mut more = true;
/// while more {
///     batch.clear();
///     more = reader.read(&mut batch, 16)?;
///     records += batch.rows;
/// }
/// assert_eq!(records, 200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RecordReader<R> {
    input: R,
    parser: RecordParser,
    buffer: Box<[u8]>,
    /// What of the buffer is read and not yet parsed.
    start: usize,
    end: usize,
    at_end: bool,
}

/// Why no record could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input could not be read.
    #[error("cannot read on after line {lines}: {source}")]
    Io {
        /// Lines read before.
        lines: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no record; reading can go on with the next one.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Bytes asked for at once: what a pipe holds.
const BUFFER: usize = 64 << 10;

impl<R: Read> RecordReader<R> {
    /// A reader at the beginning of its input.
    pub fn new(input: R, options: RecordOptions) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { input, parser: RecordParser::new(options), buffer, start: 0, end: 0, at_end: false }
    }

    /// Adds records to `batch` until it has `rows` of them, or until there is no more input *for the moment* and the
    /// batch has at least one. Returns whether there may be more: `false` at the end of the input.
    ///
    /// # Errors
    /// [`ReadError`]. The records before a bad line are in the batch, and the next call goes on after it.
    pub fn read(&mut self, batch: &mut RecordBatch, rows: usize) -> Result<bool, ReadError> {
        self.read_while(batch, rows, |_| false)
    }

    /// [`RecordReader::read`] with an input that knows whether there is more of it for the moment: while `ready` says
    /// that reading will not wait, the batch grows.
    ///
    /// # Errors
    /// As [`RecordReader::read`].
    pub fn read_while(
        &mut self,
        batch: &mut RecordBatch,
        rows: usize,
        mut ready: impl FnMut(&mut R) -> bool,
    ) -> Result<bool, ReadError> {
        while batch.rows < rows {
            while self.start < self.end && batch.rows < rows {
                let (taken, parsed) = self.parser.push(&self.buffer[self.start..self.end], batch);
                self.start += taken;
                if let Parsed::Bad(error) = parsed {
                    return Err(error.into());
                }
            }
            if self.start == self.end {
                if self.at_end {
                    return match self.parser.finish(batch) {
                        Parsed::Bad(error) => Err(error.into()),
                        Parsed::Record | Parsed::Incomplete => Ok(false),
                    };
                }
                if batch.rows > 0 && (batch.rows == rows || !ready(&mut self.input)) {
                    break;
                }
                self.fill()?;
            }
        }
        Ok(true)
    }

    /// The input. What is read from it otherwise is missing here.
    pub fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Whether something is read and not yet parsed.
    pub fn has_unparsed_input(&self) -> bool {
        self.start < self.end
    }

    /// Text of the line that the last error was about, without its newline.
    pub fn line_text(&self) -> Vec<u8> {
        self.parser.line_text()
    }

    /// How many fields the records have, as soon as that is known.
    pub fn fields(&self) -> Option<FieldCount> {
        self.parser.fields()
    }

    /// Number of lines read so far.
    pub fn lines(&self) -> u64 {
        self.parser.lines()
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        let read = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let read = read.map_err(|source| ReadError::Io { lines: self.parser.lines(), source })?;
        (self.start, self.end) = (0, read);
        self.at_end = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FIELD_SEPARATOR;

    /// Gives a few bytes at a time, as a slow pipe does.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.0.len().min(buffer.len()).min(777);
            buffer[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
        }
    }

    #[test]
    fn a_slow_pipe_gives_every_record_and_names_the_bad_line() {
        // 1000 test records: the labelled ones without their reactions.
        let labelled = include_bytes!("../../fixtures/labelled").split_inclusive(|&byte| byte == b'\n');
        let unlabelled = labelled.map(|line| {
            let fields: Vec<&[u8]> = line.split(|&byte| byte == FIELD_SEPARATOR).take(20).collect();
            [&fields.join(&FIELD_SEPARATOR)[..], b"\n"].concat()
        });
        let mut text = unlabelled.cycle().take(1000).collect::<Vec<_>>().concat();
        text.extend_from_slice(b"nonsense\nmore");
        let mut reader = RecordReader::new(Trickle(&text), RecordOptions::default());
        let (mut records, mut errors) = (0, Vec::new());
        let mut batch = RecordBatch::default();
        loop {
            batch.clear();
            let more = reader.read(&mut batch, 3);
            assert!(batch.rows <= 3);
            records += batch.rows;
            match more {
                Ok(true) => assert_ne!(batch.rows, 0),
                Ok(false) => break,
                Err(error) => errors.push((error.to_string(), reader.line_text())),
            }
        }
        assert_eq!((records, reader.fields()), (1000, Some(FieldCount::Unlabelled)));
        assert_eq!(errors.len(), 2);
        assert_eq!(errors[0], ("1001: found 1 fields, expected 20".into(), b"nonsense".into()));
        assert_eq!(errors[1].1, b"more");
        assert_eq!(reader.lines(), 1002);
    }
}
