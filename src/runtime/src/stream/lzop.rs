//! The container that lzop and Hadoop's codec write: a header, then separately packed blocks with checksums.

use std::io::{self, BufRead, Read};

use simd_adler32::adler32;

use super::content::LZOP_MAGIC as MAGIC;

/// The most text that lzop puts into a block.
const LARGEST_BLOCK: u32 = 64 << 20;
/// The version of lzop whose header has what extraction needs, a level, and times of 64 bits.
const LONG_HEADER: u16 = 0x0940;

/// Bits of the header's flags.
mod flag {
    pub(super) const ADLER32_TEXT: u32 = 0x1;
    pub(super) const ADLER32_PACKED: u32 = 0x2;
    pub(super) const EXTRA_FIELD: u32 = 0x40;
    pub(super) const CRC32_TEXT: u32 = 0x100;
    pub(super) const CRC32_PACKED: u32 = 0x200;
    pub(super) const FILTER: u32 = 0x800;
    pub(super) const CRC32_HEADER: u32 = 0x1000;
}

/// The text of `.lzo` files, one behind the other.
pub(super) struct LzopReader<R> {
    input: R,
    /// Flags of the file whose blocks are being read; `None` between files.
    flags: Option<u32>,
    /// Whether a file has been read.
    begun: bool,
    packed: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` has been given.
    given: usize,
}

impl<R: BufRead> LzopReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, flags: None, begun: false, packed: Vec::new(), text: Vec::new(), given: 0 }
    }

    /// Reads the next block; `false` at the end of the last file.
    fn next_block(&mut self) -> io::Result<bool> {
        loop {
            let flags = match self.flags {
                Some(flags) => flags,
                None if self.begun && self.input.fill_buf()?.is_empty() => return Ok(false),
                None => {
                    let flags = read_header(&mut self.input, self.begun)?;
                    self.begun = true;
                    *self.flags.insert(flags)
                }
            };
            match read_u32(&mut self.input)? {
                0 => self.flags = None,
                length if length <= LARGEST_BLOCK => return self.read_block(length, flags).map(|()| true),
                _ => return Err(damaged("a block is larger than any that lzop writes")),
            }
        }
    }

    fn read_block(&mut self, length: u32, flags: u32) -> io::Result<()> {
        let packed_length = read_u32(&mut self.input)?;
        if packed_length > length {
            return Err(damaged("a block is longer packed than unpacked"));
        }
        let is_packed = packed_length < length;
        let mut checksum = |flag: u32| -> io::Result<Option<u32>> {
            if flags & flag == 0 { Ok(None) } else { read_u32(&mut self.input).map(Some) }
        };
        let of_text = (checksum(flag::ADLER32_TEXT)?, checksum(flag::CRC32_TEXT)?);
        let of_packed = match is_packed {
            true => (checksum(flag::ADLER32_PACKED)?, checksum(flag::CRC32_PACKED)?),
            false => (None, None),
        };
        self.packed.resize(packed_length as usize, 0);
        self.input.read_exact(&mut self.packed)?;
        check(&self.packed, of_packed)?;
        if is_packed {
            self.text.resize(length as usize, 0);
            let unpacked = lzokay::decompress::decompress(&self.packed, &mut self.text);
            if unpacked != Ok(length as usize) {
                return Err(damaged("a block cannot be unpacked"));
            }
        } else {
            std::mem::swap(&mut self.packed, &mut self.text);
        }
        self.given = 0;
        check(&self.text, of_text)
    }
}

impl<R: BufRead> Read for LzopReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let rest = &self.text[self.given..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// Reads a file's header and gives its flags.
fn read_header(input: &mut impl BufRead, is_behind_another: bool) -> io::Result<u32> {
    let mut magic = [0; MAGIC.len()];
    let outcome = input.read_exact(&mut magic);
    if is_behind_another && (outcome.is_err() || magic != MAGIC) {
        return Err(damaged("other bytes follow behind its end"));
    }
    outcome?;
    if magic != MAGIC {
        return Err(damaged("it does not begin as lzop's files do"));
    }
    let mut header = Header { input, bytes: Vec::new() };
    let version = header.number(2)? as u16;
    header.number(2)?;
    if version >= LONG_HEADER {
        header.number(2)?;
    }
    let method = header.number(1)?;
    if version >= LONG_HEADER {
        header.number(1)?;
    }
    let flags = header.number(4)?;
    if !(1..=3).contains(&method) || flags & flag::FILTER != 0 {
        return Err(damaged("it is packed by a method or through a filter that is not known here"));
    }
    // Mode and time.
    header.number(4)?;
    header.number(4)?;
    if version >= LONG_HEADER {
        header.number(4)?;
    }
    let name = header.number(1)?;
    header.skip(name as usize)?;
    header.check(flags)?;
    if flags & flag::EXTRA_FIELD != 0 {
        let length = header.number(4)?;
        io::copy(&mut header.input.by_ref().take(u64::from(length) + 4), &mut io::sink())?;
    }
    Ok(flags)
}

/// A header, and what has been read of it.
struct Header<'i, R> {
    input: &'i mut R,
    bytes: Vec<u8>,
}

impl<R: BufRead> Header<'_, R> {
    fn skip(&mut self, length: usize) -> io::Result<()> {
        let before = self.bytes.len();
        self.bytes.resize(before + length, 0);
        self.input.read_exact(&mut self.bytes[before..])
    }

    /// A number of so many bytes, the highest first.
    fn number(&mut self, length: usize) -> io::Result<u32> {
        self.skip(length)?;
        let digits = &self.bytes[self.bytes.len() - length..];
        Ok(digits.iter().fold(0, |number, &digit| number << 8 | u32::from(digit)))
    }

    fn check(&mut self, flags: u32) -> io::Result<()> {
        let expected = read_u32(self.input)?;
        match flags & flag::CRC32_HEADER {
            0 => check(&self.bytes, (Some(expected), None)),
            _ => check(&self.bytes, (None, Some(expected))),
        }
    }
}

/// Compares the checksums of some bytes, Adler-32 and CRC-32, as far as they are given.
fn check(bytes: &[u8], (adler, crc): (Option<u32>, Option<u32>)) -> io::Result<()> {
    let crc_of = |bytes| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    };
    if adler.is_some_and(|adler| adler != adler32(&bytes)) || crc.is_some_and(|crc| crc != crc_of(bytes)) {
        return Err(damaged("a checksum is wrong"));
    }
    Ok(())
}

fn read_u32(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
