//! A part's text in blocks of whole lines, the same whether the part is mapped, unpacked or piped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skimlog_formats::mapped::MappedFile;

use super::content::{Content, head};
use super::mapped::MappedText;
use super::packed::unpack;
use super::{Origin, StreamError};
use crate::semaphore::Permit;

/// How large blocks are. They depend on the text alone, so that what is made of them does, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSize {
    /// Lines in a block, if they are no more than `bytes`.
    pub lines: usize,
    /// Most bytes in a block. A line that is longer is an error.
    pub bytes: usize,
}

impl Default for BlockSize {
    /// 65,536 lines (about 32 MB of the data set), 64 MiB.
    fn default() -> Self {
        Self { lines: 65_536, bytes: 64 << 20 }
    }
}

/// Some lines of a part, one after the other, each with its newline; the part's last may lack it.
#[derive(Debug)]
pub struct Block {
    /// 1-based number of the first line.
    pub line: u64,
    /// Byte of the part at which the first line begins.
    pub offset: u64,
    text: Text,
    /// Held until the last block of a part is gone.
    _permit: Option<Arc<Permit>>,
}

#[derive(Debug)]
enum Text {
    Mapped(MappedText),
    Read(Vec<u8>),
}

impl Block {
    /// The lines.
    pub fn text(&self) -> &[u8] {
        match &self.text {
            Text::Mapped(text) => text.deref(),
            Text::Read(text) => text,
        }
    }

    /// Whether all of the lines read so far were the part's. Nothing made of them goes on before this was asked.
    ///
    /// # Errors
    /// [`StreamError::Lost`] if the part became shorter meanwhile.
    pub fn intact(&self) -> Result<(), StreamError> {
        match &self.text {
            Text::Mapped(text) => Ok(text.intact()?),
            Text::Read(_) => Ok(()),
        }
    }

    /// Whether the text lies in a mapped file (and not in memory of its own).
    pub fn is_mapped(&self) -> bool {
        matches!(self.text, Text::Mapped(_))
    }
}

/// The blocks of a part, in order. After an error there are no more.
pub struct LineBlocks {
    path: PathBuf,
    size: BlockSize,
    source: Source,
    permit: Option<Arc<Permit>>,
    line: u64,
    offset: u64,
}

enum Source {
    /// The next block begins `at` and is likely to be about as long as the `last` one.
    Mapped {
        map: Arc<MappedFile>,
        at: usize,
        last: usize,
    },
    Read {
        input: Box<dyn Read + Send>,
        ahead: Vec<u8>,
    },
    /// Nothing has been read of it yet.
    Pipe(Box<dyn Read + Send>),
    Over,
}

/// Bytes asked of a reader at once.
const READ: u64 = 1 << 20;
/// Bytes of a packed file that are read at once.
const READ_AHEAD: usize = 1 << 17;
/// Bytes in which newlines are counted at once: a page, which is the most that the processor fetches ahead.
const PIECE: usize = 4096;

impl LineBlocks {
    /// Opens a part: a plain file is mapped, a packed one is unpacked on the way, anything else (a named pipe) is
    /// read. Its first bytes say what a file is, not its name. The permit is given back when the last block
    /// is dropped.
    ///
    /// # Errors
    /// [`StreamError`] if the file is missing, unreadable, empty, or neither text nor packed text.
    pub fn open(path: &Path, size: BlockSize, permit: Option<Permit>) -> Result<Self, StreamError> {
        let failed = |source| StreamError::Open { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let source = if !metadata.is_file() {
            Source::Pipe(Box::new(file))
        } else if metadata.len() == 0 {
            return Err(StreamError::Empty { path: path.to_owned() });
        } else if Content::of(&head(&mut file).map_err(failed)?) == Content::Text {
            let map = MappedFile::of(file, path).map_err(failed)?;
            map.advise_sequential();
            Source::Mapped { map: Arc::new(map), at: 0, last: 0 }
        } else {
            file.rewind().map_err(failed)?;
            Source::text_of(BufReader::with_capacity(READ_AHEAD, file), Origin::File(path))?
        };
        Ok(Self { path: path.to_owned(), size, source, permit: permit.map(Arc::new), line: 1, offset: 0 })
    }

    /// The blocks of what can be read from a pipe, packed or not. `name` stands for it in messages, for example
    /// `stdin`.
    pub fn of_reader(name: &str, input: impl Read + Send + 'static, size: BlockSize) -> Self {
        Self { path: name.into(), size, source: Source::Pipe(Box::new(input)), permit: None, line: 1, offset: 0 }
    }

    /// The blocks of a mapped file, whatever it holds.
    pub fn of_map(map: MappedFile, size: BlockSize, permit: Option<Permit>) -> Self {
        map.advise_sequential();
        let path = map.path().to_owned();
        let source = Source::Mapped { map: Arc::new(map), at: 0, last: 0 };
        Self { path, size, source, permit: permit.map(Arc::new), line: 1, offset: 0 }
    }

    /// The blocks of what is read, whatever it holds: nothing is unpacked. `path` stands for it in messages.
    pub fn of_lines(path: &Path, input: impl Read + Send + 'static, size: BlockSize, permit: Option<Permit>) -> Self {
        let source = Source::Read { input: Box::new(input), ahead: Vec::new() };
        Self { path: path.to_owned(), size, source, permit: permit.map(Arc::new), line: 1, offset: 0 }
    }

    /// The part's path, or the name of what is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The part's size in bytes, where it is known.
    pub fn bytes(&self) -> Option<u64> {
        match &self.source {
            Source::Mapped { map, .. } => Some(map.len() as u64),
            Source::Read { .. } | Source::Pipe(_) | Source::Over => None,
        }
    }

    fn block(&mut self) -> Result<Option<Block>, StreamError> {
        let too_long = || {
            let (path, limit) = (self.path.clone(), self.size.bytes);
            StreamError::LineTooLong { path, line: self.line, offset: self.offset, limit }
        };
        if let Source::Pipe(input) = &mut self.source {
            let input = BufReader::new(std::mem::replace(input, Box::new(io::empty())));
            self.source = Source::text_of(input, Origin::Pipe(&self.path))?;
        }
        let (text, lines) = match &mut self.source {
            Source::Over | Source::Pipe(_) => return Ok(None),
            Source::Mapped { map, at, last } => {
                map.populate(*at..map.len().min(*at + *last));
                let rest = &map[*at..];
                let mut cut = Cut::default();
                cut.scan(rest, self.size);
                let length = map.checked(cut.end(rest, true, self.size).ok_or_else(too_long))?;
                let start = *at;
                (*at, *last) = (start + length, length);
                (Text::Mapped(MappedText::new(Arc::clone(map), start..start + length)), cut.lines)
            }
            Source::Read { input, ahead } => {
                let mut cut = Cut::default();
                let mut at_end = false;
                loop {
                    cut.scan(ahead, self.size);
                    if at_end || cut.lines == self.size.lines || ahead.len() > self.size.bytes {
                        break;
                    }
                    let outcome = input.by_ref().take(READ).read_to_end(ahead);
                    let read = outcome.map_err(|source| StreamError::Read {
                        path: self.path.clone(),
                        offset: self.offset + ahead.len() as u64,
                        source,
                    })?;
                    at_end = read == 0;
                }
                let length = cut.end(ahead, at_end, self.size).ok_or_else(too_long)?;
                // The next block is likely to be as long as this one.
                let mut next = Vec::with_capacity(if at_end { 0 } else { length + READ as usize });
                next.extend_from_slice(&ahead[length..]);
                let mut text = std::mem::replace(ahead, next);
                text.truncate(length);
                (Text::Read(text), cut.lines)
            }
        };
        let block = Block { line: self.line, offset: self.offset, text, _permit: self.permit.clone() };
        let length = block.text().len();
        if length == 0 {
            let empty = self.offset == 0;
            return if empty { Err(StreamError::Empty { path: self.path.clone() }) } else { Ok(None) };
        }
        self.offset += length as u64;
        self.line += lines as u64;
        Ok(Some(block))
    }
}

impl Source {
    /// The text of something that is read: as it is, or unpacked.
    fn text_of(mut input: impl BufRead + Send + 'static, origin: Origin<'_>) -> Result<Self, StreamError> {
        let (Origin::File(path) | Origin::Pipe(path)) = origin;
        let failed = |source| StreamError::Read { path: path.to_owned(), offset: 0, source };
        let first = head(&mut input).map_err(failed)?;
        let packing = match Content::of(&first) {
            Content::Text => return Ok(Self::Read { input: Box::new(input), ahead: first }),
            Content::Packed(packing) => packing,
            other => return Err(StreamError::refusal(origin, None, other)),
        };
        let input = Cursor::new(first).chain(input);
        let mut input = unpack(packing, input).map_err(failed)?;
        let first = head(&mut input).map_err(failed)?;
        match Content::of(&first) {
            Content::Text => Ok(Self::Read { input, ahead: first }),
            other => Err(StreamError::refusal(origin, Some(packing), other)),
        }
    }
}

impl Iterator for LineBlocks {
    type Item = Result<Block, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.block().transpose();
        if !matches!(block, Some(Ok(_))) {
            // Lets go of the map and the permit without waiting for this to be dropped.
            (self.source, self.permit) = (Source::Over, None);
        }
        block
    }
}

/// Where the next block ends, found piece by piece.
#[derive(Default)]
struct Cut {
    /// Whole lines so far and where the last of them ends.
    lines: usize,
    whole: usize,
    scanned: usize,
}

impl Cut {
    /// Looks at what has been added to `text`, within what a block may hold.
    fn scan(&mut self, text: &[u8], size: BlockSize) {
        let window = &text[..text.len().min(size.bytes)];
        let mut counted = None;
        while self.scanned < window.len() && self.lines < size.lines {
            let piece = &window[self.scanned..window.len().min(self.scanned + PIECE)];
            // The processor fetches ahead up to the end of a page: a look at the page after the next lets it go on.
            std::hint::black_box(window.get(self.scanned + 2 * PIECE).copied());
            let (wanted, newlines) = (size.lines - self.lines, memchr::memchr_iter(b'\n', piece).count());
            if newlines >= wanted {
                // A newline that was counted can be gone at the second look, with the end of a mapped part.
                let last = memchr::memchr_iter(b'\n', piece).nth(wanted - 1).map_or(piece.len(), |last| last + 1);
                (self.lines, self.whole) = (size.lines, self.scanned + last);
                self.scanned = window.len();
                return;
            }
            self.lines += newlines;
            self.scanned += piece.len();
            if newlines > 0 {
                counted = Some(self.scanned);
            }
        }
        if let Some(end) = counted {
            self.whole = memchr::memrchr(b'\n', &window[..end]).map_or(end, |last| last + 1);
        }
        self.scanned = window.len();
    }

    /// Length of the block; `None` if its first line does not fit. `at_end`: nothing follows `text`.
    fn end(&self, text: &[u8], at_end: bool, size: BlockSize) -> Option<usize> {
        if at_end && self.lines < size.lines && text.len() <= size.bytes {
            Some(text.len())
        } else {
            Some(self.whole).filter(|&whole| whole > 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::semaphore::Semaphore;

    type Cuts = Vec<(u64, u64, Vec<u8>)>;

    fn cuts(blocks: LineBlocks) -> Result<Cuts, String> {
        let cut = |block: Block| (block.line, block.offset, block.text().to_vec());
        blocks.map(|block| block.map(cut)).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    fn mapped(text: &[u8], size: BlockSize) -> Result<Cuts, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let cuts = LineBlocks::open(file.path(), size, None).map_err(|error| error.to_string()).and_then(cuts);
        cuts.map_err(|error| error.replace(file.path().to_str().unwrap(), "name"))
    }

    /// A line at a time, as a block is defined.
    fn naive(text: &[u8], size: BlockSize) -> Result<Cuts, String> {
        let (mut all, mut line, mut offset): (Cuts, u64, u64) = (Vec::new(), 1, 0);
        let mut lines = text.split_inclusive(|&byte| byte == b'\n').peekable();
        while lines.peek().is_some() {
            let (mut block, mut count) = (Vec::new(), 0);
            while count < size.lines {
                let Some(next) = lines.next_if(|next| block.len() + next.len() <= size.bytes) else { break };
                block.extend_from_slice(next);
                count += 1;
            }
            if block.is_empty() {
                let what = format!("no newline in {} bytes from byte {offset} on: is this a raw part?", size.bytes);
                return Err(format!("name:{line}: {what}"));
            }
            let length = block.len() as u64;
            all.push((line, offset, block));
            line += count as u64;
            offset += length;
        }
        if all.is_empty() { Err("name is empty: a part has at least one record".into()) } else { Ok(all) }
    }

    proptest! {
        #[test]
        fn mapped_or_piped_the_blocks_are_the_same(
            text in prop::collection::vec(prop::sample::select(b"\nabcdef".to_vec()), 0..200),
            lines in 1..6usize,
            bytes in 1..40usize,
        ) {
            let size = BlockSize { lines, bytes };
            let expected = naive(&text, size);
            prop_assert_eq!(&mapped(&text, size), &expected);
            let piped = LineBlocks::of_reader("name", std::io::Cursor::new(text), size);
            prop_assert_eq!(&cuts(piped), &expected);
        }
    }

    #[test]
    fn pieces_of_a_reader_do_not_show() {
        let text = "a line of some length\n".repeat(200_000);
        let size = BlockSize { lines: 70_000, bytes: 3_000_000 };
        let piped = LineBlocks::of_reader("name", std::io::Cursor::new(text.clone()), size);
        assert!(cuts(piped) == naive(text.as_bytes(), size));
    }

    #[test]
    #[cfg(feature = "packed")]
    fn packed_parts_are_unpacked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("part-00000.zst");
        let packed = zstd::encode_all(&b"one\ntwo\n"[..], 3).unwrap();
        std::fs::write(&path, &packed).unwrap();
        let blocks = LineBlocks::open(&path, BlockSize::default(), None).unwrap();
        assert_eq!(cuts(blocks).unwrap(), [(1, 0, b"one\ntwo\n".to_vec())]);
        // What it is called says nothing.
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let blocks = LineBlocks::open(&path, BlockSize::default(), None).unwrap();
        assert_eq!(cuts(blocks).unwrap(), [(1, 0, b"one\ntwo\n".to_vec())]);
        std::fs::write(&path, &packed[..packed.len() - 2]).unwrap();
        let cut_short = LineBlocks::open(&path, BlockSize::default(), None).err().unwrap().to_string();
        assert!(cut_short.contains("part-00000.zst on from byte"), "{cut_short}");
    }

    #[test]
    fn the_permit_is_held_until_the_last_block_is_gone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a\nb\nc\n").unwrap();
        let semaphore = Semaphore::new(1);
        let size = BlockSize { lines: 1, bytes: 10 };
        let mut blocks = LineBlocks::open(file.path(), size, Some(semaphore.acquire())).unwrap();
        let last = blocks.by_ref().last().unwrap().unwrap();
        assert_eq!(last.text(), b"c\n");
        let waiting = std::thread::spawn(move || semaphore.acquire());
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!waiting.is_finished());
        drop(last);
        waiting.join().unwrap();
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let open =
            |path: &str| LineBlocks::open(Path::new(path), BlockSize::default(), None).err().unwrap().to_string();
        assert!(open("/no/part-1").starts_with("cannot open /no/part-1: "));
        let directory = LineBlocks::open(Path::new("/"), BlockSize::default(), None).map(cuts);
        assert!(directory.unwrap().unwrap_err().contains("cannot read / on from byte 0"));
    }

    #[test]
    fn a_part_cut_while_it_is_read_is_named() {
        for left in [0, 100_000, 149_999] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "fifteen letters\n".repeat(10_000)).unwrap();
            let size = BlockSize { lines: 4000, bytes: 1 << 20 };
            let mut blocks = LineBlocks::open(file.path(), size, None).unwrap();
            let first = blocks.next().unwrap().unwrap();
            first.intact().unwrap();
            file.as_file().set_len(left).unwrap();
            // The rest may read as a line too long, or as a block of zeros: neither is believed.
            let rest = blocks.next().unwrap().and_then(|block| {
                std::hint::black_box(block.text().iter().filter(|&&byte| byte == 0).count());
                block.intact()
            });
            for outcome in [first.intact(), rest] {
                let said = outcome.unwrap_err().to_string();
                assert!(said.contains("became shorter while it was read"), "{said}");
                assert!(said.contains(file.path().to_str().unwrap()), "{said}");
            }
        }
    }
}
