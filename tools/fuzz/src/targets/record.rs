//! Raw records: the push parser against the scanner, the writer against both, and packed streams of them.

use std::io::{self, Read};

use skimlog_formats::record::{
    FieldCount, ReadError, RecordBatch, RecordError, RecordOptions, RecordReader, RecordScanner, write_record,
};
use skimlog_runtime::stream::{BlockSize, LineBlocks};

use super::sample;
use crate::random::Random;
use crate::scratch::Scratch;
use crate::{Target, Verdict, digest};

pub(super) struct Records {
    seeds: Vec<Vec<u8>>,
}

/// Everything a reader says about a text: the records, the errors and the lines they are about, the number of fields.
type Reading = (RecordBatch, Vec<(RecordError, Vec<u8>)>, Option<FieldCount>);

impl Records {
    pub(super) fn new() -> Self {
        let (train, test) = (sample::lines("train/part-00000", 0, 8), sample::lines("test/part-00000", 0, 8));
        let one = sample::lines("train/part-00001", 3, 1);
        Self { seeds: vec![train, test, one, Vec::new()] }
    }
}

impl Target for Records {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let scanned = scanned(input);
        assert!(scanned == pushed(input), "scanner and parser read a text in different ways");
        let (batch, errors, _) = &scanned;
        let mut written = Vec::new();
        (0..batch.rows).for_each(|row| write_record(batch, row, &mut written));
        // What was accepted is given back byte for byte, what was not is quoted whole.
        let mut bad = errors.iter().peekable();
        let mut accepted = Vec::new();
        for (line, number) in input.split_inclusive(|&byte| byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            match bad.next_if(|(error, _)| error.line == number) {
                Some((error, quoted)) => {
                    assert_eq!(line, quoted, "a line is quoted in another way");
                    let place = error.offset as usize..error.offset as usize + error.length;
                    assert_eq!(input.get(place), Some(line), "an error is placed elsewhere");
                }
                None => accepted.extend_from_slice(&[line, b"\n"].concat()),
            }
        }
        assert!(bad.next().is_none(), "an error about a line that is not there");
        assert!(written == accepted, "an accepted record is written in another way");
        match errors.first() {
            Some((error, _)) => Verdict::Rejected(error.to_string()),
            None => Verdict::Accepted(digest(batch)),
        }
    }
}

fn scanned(text: &[u8]) -> Reading {
    let mut scanner = RecordScanner::new(text, RecordOptions::default());
    let (mut batch, mut errors) = (RecordBatch::default(), Vec::new());
    while let Some(outcome) = scanner.read(&mut batch) {
        errors.extend(outcome.err().map(|error| (error, scanner.line_text().to_vec())));
    }
    let fields = scanner.fields();
    (batch, errors, fields)
}

/// Gives a text in pieces of random lengths.
struct Pieces<'a> {
    text: &'a [u8],
    random: Random,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.text.len().min(buffer.len());
        let length = if most == 0 { 0 } else { self.random.length(most) };
        let (piece, rest) = self.text.split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.text = rest;
        Ok(length)
    }
}

fn pushed(text: &[u8]) -> Reading {
    let pieces = Pieces { text, random: Random::of_input(digest(&text), 0) };
    let mut reader = RecordReader::new(pieces, RecordOptions::default());
    let (mut batch, mut errors) = (RecordBatch::default(), Vec::new());
    loop {
        match reader.read_while(&mut batch, usize::MAX, |_| true) {
            Ok(true) => {}
            Ok(false) => break,
            Err(ReadError::Record(error)) => errors.push((error, reader.line_text())),
            Err(ReadError::Io { source, .. }) => panic!("memory cannot be read: {source}"),
        }
    }
    let fields = reader.fields();
    (batch, errors, fields)
}

/// Parts as streams of blocks, packed with zstd.
pub(super) struct Stream {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

impl Stream {
    pub(super) fn new() -> Self {
        let text = sample::lines("train/part-00000", 0, 40);
        let packed = |level| zstd::encode_all(text.as_slice(), level).expect("memory takes everything");
        let twice = [packed(1), packed(9)].concat();
        Self { scratch: Scratch::new(), seeds: vec![packed(3), twice, packed(19)] }
    }
}

impl Target for Stream {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write("part-00000.zst", input);
        let size = BlockSize { lines: 7, bytes: 8192 };
        let read = || {
            let (mut text, mut line, mut lines) = (Vec::new(), 1, 0);
            for block in LineBlocks::open(&path, size, None)? {
                let block = block?;
                assert!((block.line, block.offset) == (line, text.len() as u64), "a block is placed elsewhere");
                lines = block.text().split_inclusive(|&byte| byte == b'\n').count();
                assert!(lines <= size.lines && block.text().len() <= size.bytes, "a block is too large");
                line += lines as u64;
                // A few bytes may stand for gigabytes; what matters is that no block of them is too large.
                if text.len() > 1 << 24 {
                    break;
                }
                text.extend_from_slice(block.text());
            }
            Ok((text, lines))
        };
        match read() {
            Ok(text) => Verdict::Accepted(digest(&text)),
            Err::<_, skimlog_runtime::stream::StreamError>(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        "part-00000.zst"
    }
}
