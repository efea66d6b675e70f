//! Raw records drawn evenly from all parts that are there.
//!
//! Parts are taken in turns. A plain part is cut into cells of a megabyte that come in a spread order, so that any
//! number of them is about evenly distributed, and so is a converted part into its blocks; a packed part can only be
//! read from its beginning.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use skimlog_formats::part::PartReader;
use skimlog_formats::record::{Columns, write_record};
use skimlog_runtime::stream::{Content, content_of, unpack};

use crate::pipeline::PipelineError;
use crate::workspace::WorkspaceError;

/// Bytes of a plain part, or of a packed part's text, that are read together.
pub(super) const CELL: u64 = 1 << 20;
/// Bytes that are read at a time in search of a line's end.
const TAIL: u64 = 1 << 12;

/// The records of some raw parts.
pub(super) struct RawText {
    files: Vec<RawFile>,
    /// The file that is asked next.
    turn: usize,
    /// Whole lines that were read.
    waiting: Vec<u8>,
    /// How much of `waiting` has been copied.
    copied: usize,
    /// Bytes of all files.
    file_bytes: u64,
    /// Bytes of the files that are not converted, and what was read of them.
    raw_bytes: u64,
    raw: Amount,
    /// Records of the converted files, and what was read of them.
    converted_records: u64,
    converted: Amount,
}

/// Records, their text, and what they took in their files, as far as read.
#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    records: u64,
    text: u64,
    file: u64,
}

struct RawFile {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    /// Its size, and the number of its next cell in the spread order.
    Plain { file: File, size: u64, next: u64 },
    /// Its text, the beginning of a line whose end has not been read, and how much of the file has been unpacked, in
    /// all and when it was last asked.
    Packed { text: Box<dyn Read + Send>, begun: Vec<u8>, taken: Arc<AtomicU64>, at: u64 },
    /// And the number of its next block in the spread order.
    Converted { part: Box<PartReader>, next: u64 },
}

/// A file that is counted as it is unpacked, not as it is read ahead.
struct Counted {
    file: BufReader<File>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.fetch_add(amount as u64, Ordering::Relaxed);
        self.file.consume(amount);
    }
}

impl RawText {
    /// Opens the parts, taking them in a spread order.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, PipelineError> {
        let mut text = Self {
            files: Vec::new(),
            turn: 0,
            waiting: Vec::new(),
            copied: 0,
            file_bytes: 0,
            raw_bytes: 0,
            raw: Amount::default(),
            converted_records: 0,
            converted: Amount::default(),
        };
        for number in spread(paths.len() as u64) {
            let path = &paths[number as usize];
            let file = RawFile::open(path)?;
            let bytes = fs::metadata(path).map_err(WorkspaceError::io("find", path))?.len();
            text.file_bytes += bytes;
            match &file.kind {
                Kind::Converted { part, .. } => text.converted_records += part.rows(),
                Kind::Plain { .. } | Kind::Packed { .. } => text.raw_bytes += bytes,
            }
            text.files.push(file);
        }
        Ok(text)
    }

    /// Writes the next `records` records to `out`, a line each, or as many as there are left; says how many.
    pub(super) fn copy(&mut self, records: u64, out: &mut dyn Write, path: &Path) -> Result<u64, PipelineError> {
        let mut written = 0;
        while written < records {
            let rest = &self.waiting[self.copied..];
            let Some(length) = memchr::memchr(b'\n', rest) else {
                if !self.next_cell()? {
                    break;
                }
                continue;
            };
            out.write_all(&rest[..=length]).map_err(PipelineError::write(path))?;
            self.copied += length + 1;
            written += 1;
        }
        Ok(written)
    }

    /// Bytes of all files.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// How many records all files hold: as many for a byte as what was read so far; of converted files it is known.
    pub(super) fn records(&self) -> f64 {
        self.raw_records() + self.converted_records as f64
    }

    /// How many of them are to be converted.
    pub(super) fn raw_records(&self) -> f64 {
        self.whole(self.raw.records, self.raw_bytes, self.raw.file)
    }

    /// Bytes of the text of all files.
    pub(super) fn text_bytes(&self) -> f64 {
        let raw = self.whole(self.raw.text, self.raw_bytes, self.raw.file);
        raw + self.whole(self.converted.text, self.converted_records, self.converted.records)
    }

    /// An amount of all files, of which so much was found in this part of the whole.
    fn whole(&self, found: u64, whole: u64, part: u64) -> f64 {
        // What has been read to its end is known.
        if self.files.is_empty() { found as f64 } else { whole as f64 * found as f64 / part.max(1) as f64 }
    }

    /// Reads a cell of the next file; `false` if nothing is left.
    fn next_cell(&mut self) -> Result<bool, PipelineError> {
        self.waiting.clear();
        self.copied = 0;
        while !self.files.is_empty() {
            self.turn %= self.files.len();
            let RawFile { path, kind } = &mut self.files[self.turn];
            let Some(file) = kind.read(path, &mut self.waiting)? else {
                self.files.remove(self.turn);
                continue;
            };
            let amount = if matches!(kind, Kind::Converted { .. }) { &mut self.converted } else { &mut self.raw };
            self.turn += 1;
            if self.waiting.last().is_some_and(|&byte| byte != b'\n') {
                self.waiting.push(b'\n');
            }
            let lines = memchr::memchr_iter(b'\n', &self.waiting).count() as u64;
            let Amount { records, text, file: before } = *amount;
            *amount = Amount { records: records + lines, text: text + self.waiting.len() as u64, file: before + file };
            if lines > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl RawFile {
    fn open(path: &Path) -> Result<Self, PipelineError> {
        let open = || File::open(path).map_err(WorkspaceError::io("open", path));
        let kind = match content_of(path)? {
            Content::Skim => Kind::Converted { part: Box::new(PartReader::open(path)?), next: 0 },
            Content::Packed(packing) => {
                let taken = Arc::new(AtomicU64::new(0));
                let file = Counted { file: BufReader::new(open()?), taken: Arc::clone(&taken) };
                let text = unpack(packing, file).map_err(WorkspaceError::io("open", path))?;
                Kind::Packed { text, begun: Vec::new(), taken, at: 0 }
            }
            Content::Text | Content::Other(_) => {
                let file = open()?;
                let size = file.metadata().map_err(WorkspaceError::io("find", path))?.len();
                // Without it the system reads megabytes ahead of every cell. It is a hint, and not every file system
                // takes it.
                let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
                Kind::Plain { file, size, next: 0 }
            }
        };
        Ok(Self { path: path.to_owned(), kind })
    }
}

impl Kind {
    /// Reads the next lines and says how many bytes of the file they take; `None` at the end.
    fn read(&mut self, path: &Path, lines: &mut Vec<u8>) -> Result<Option<u64>, PipelineError> {
        let failed = WorkspaceError::io("read", path);
        Ok(match self {
            Self::Plain { file, size, next } => {
                let cells = size.div_ceil(CELL);
                let Some((position, cell)) = spread_from(*next, cells) else { return Ok(None) };
                *next = position + 1;
                read_cell(file, cell * CELL, *size, lines).map_err(failed)?;
                Some(CELL.min(*size - cell * CELL))
            }
            Self::Packed { text, begun, taken, at } => {
                lines.append(begun);
                let read = text.take(CELL).read_to_end(lines).map_err(failed)?;
                if read == 0 && lines.is_empty() {
                    return Ok(None);
                }
                let whole = memchr::memrchr(b'\n', lines).map_or(0, |newline| newline + 1);
                if read > 0 {
                    begun.extend_from_slice(&lines[whole..]);
                    lines.truncate(whole);
                }
                let now = taken.load(Ordering::Relaxed);
                Some(now - std::mem::replace(at, now))
            }
            Self::Converted { part, next } => {
                let Some((position, block)) = spread_from(*next, part.blocks() as u64) else { return Ok(None) };
                *next = position + 1;
                let records = part.read(block as usize, Columns::ALL)?;
                (0..records.rows).for_each(|row| write_record(&records, row, lines));
                Some(0)
            }
        })
    }
}

/// Reads the lines that begin in the cell at `start`, the last of them to its end.
fn read_cell(file: &mut File, start: u64, size: u64, lines: &mut Vec<u8>) -> std::io::Result<()> {
    // With the byte before: if that ends a line, a line begins at the start.
    let from = start.saturating_sub(1);
    file.seek(SeekFrom::Start(from))?;
    let end = (start + CELL).min(size);
    lines.reserve((end - from) as usize + 1);
    (&*file).take(end - from).read_to_end(lines)?;
    let first = match (start, memchr::memchr(b'\n', lines)) {
        (0, _) => 0,
        (_, Some(newline)) => newline + 1,
        (_, None) => lines.len(),
    };
    // A cell within a single line has no line of its own.
    let begins_none = first == lines.len();
    lines.drain(..first);
    while !begins_none && lines.last() != Some(&b'\n') {
        let length = lines.len();
        if (&*file).take(TAIL).read_to_end(lines)? == 0 {
            break;
        }
        if let Some(newline) = memchr::memchr(b'\n', &lines[length..]) {
            lines.truncate(length + newline + 1);
        }
    }
    Ok(())
}

/// Whether a part is packed.
pub(super) fn is_packed(path: &Path) -> Result<bool, PipelineError> {
    Ok(matches!(content_of(path)?, Content::Packed(_)))
}

/// The numbers below `count`, every few of them evenly distributed: with their bits in reverse.
pub(super) fn spread(count: u64) -> impl Iterator<Item = u64> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let (position, number) = spread_from(next, count)?;
        next = position + 1;
        Some(number)
    })
}

/// The first number in the spread order at `position` or later, and its position.
fn spread_from(position: u64, count: u64) -> Option<(u64, u64)> {
    let bits = count.next_power_of_two().trailing_zeros();
    let reversed = |position: u64| if bits == 0 { position } else { position.reverse_bits() >> (u64::BITS - bits) };
    (position..1 << bits).map(|position| (position, reversed(position))).find(|&(_, number)| number < count)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use skimlog_formats::part::{PartWriter, encode};
    use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};

    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number} {}\n", "x".repeat(number * 37 % 1500))).collect()
    }

    fn drawn(text: &mut RawText, records: u64) -> Vec<String> {
        let mut out = Vec::new();
        let copied = text.copy(records, &mut out, Path::new("out")).unwrap();
        let lines: Vec<String> = String::from_utf8(out).unwrap().split_inclusive('\n').map(str::to_owned).collect();
        assert_eq!(lines.len() as u64, copied);
        lines
    }

    #[test]
    fn the_spread_order_holds_every_number_once() {
        assert_eq!(spread(8).collect::<Vec<_>>(), [0, 4, 2, 6, 1, 5, 3, 7]);
        for count in [0, 1, 2, 3, 5, 64, 1000] {
            assert_eq!(spread(count).collect::<BTreeSet<_>>(), (0..count).collect());
        }
    }

    #[test]
    fn every_line_comes_once_from_plain_and_packed_parts() {
        let folder = tempfile::tempdir().unwrap();
        let all = lines(6_000);
        let text = all.concat();
        let [plain, packed, gzip] = ["part-0", "part-1.zst", "part-2.gz"].map(|name| folder.path().join(name));
        // The last line of a part may lack its newline.
        fs::write(&plain, text.trim_end()).unwrap();
        fs::write(&packed, zstd::encode_all(text.trim_end().as_bytes(), 1).unwrap()).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(File::create(&gzip).unwrap(), flate2::Compression::fast());
        encoder.write_all(text.trim_end().as_bytes()).unwrap();
        encoder.finish().unwrap();
        for path in [&plain, &packed, &gzip] {
            let mut raw = RawText::open(std::slice::from_ref(path)).unwrap();
            let mut seen = drawn(&mut raw, 100);
            assert_eq!(seen.len(), 100);
            let guess = raw.records();
            assert!((guess / 6_000.0 - 1.0).abs() < 0.2, "{}: {guess} records", path.display());
            seen.extend(drawn(&mut raw, u64::MAX));
            assert_eq!((raw.records(), raw.text_bytes()), (6_000.0, text.len() as f64));
            assert_eq!(seen.len(), 6_000);
            assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all.iter().cloned().collect());
        }
    }

    #[test]
    fn records_of_a_converted_part_are_known_and_drawn_from_it() {
        let raw = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/small/raw/train/part-00000");
        let folder = tempfile::tempdir().unwrap();
        let (whole, part) = (fs::read(&raw).unwrap(), folder.path().join("part-0.skim"));
        let mut records = RecordBatch::default();
        let mut scanner = RecordScanner::new(&whole, RecordOptions::default());
        while let Some(outcome) = scanner.read(&mut records) {
            outcome.unwrap();
        }
        let mut writer = PartWriter::new(File::create(&part).unwrap(), true).unwrap();
        writer.append(encode(&records).unwrap()).unwrap();
        writer.finish().unwrap();

        let mut both = RawText::open(&[raw, part]).unwrap();
        assert_eq!(drawn(&mut both, 10).len(), 10);
        let (all, to_convert) = (both.records(), both.raw_records());
        assert!(
            (all - to_convert - 5_000.0).abs() < 1e-6 && (to_convert / 5_000.0 - 1.0).abs() < 0.1,
            "{all} {to_convert}"
        );
        drawn(&mut both, u64::MAX);
        assert_eq!((both.records(), both.raw_records()), (10_000.0, 5_000.0));
        assert_eq!(both.text_bytes(), 2.0 * whole.len() as f64);
    }

    #[test]
    fn parts_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..4).map(|part| folder.path().join(format!("part-{part}"))).collect();
        for (part, path) in paths.iter().enumerate() {
            fs::write(path, format!("{part}\n").repeat(700_000)).unwrap();
        }
        let mut raw = RawText::open(&paths).unwrap();
        let seen = drawn(&mut raw, 2 << 20);
        for part in 0..4 {
            assert_eq!(seen.iter().filter(|line| **line == format!("{part}\n")).count(), 1 << 19);
        }
    }

    #[test]
    fn a_line_longer_than_a_cell_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part-0");
        let all = [format!("{}\n", "a".repeat(3_000_000)), "b\n".to_owned(), format!("{}\n", "c".repeat(2_500_000))];
        fs::write(&path, all.concat()).unwrap();
        let mut seen = drawn(&mut RawText::open(&[path]).unwrap(), u64::MAX);
        seen.sort_unstable();
        assert_eq!(seen, all);
    }
}
