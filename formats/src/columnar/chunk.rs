//! A chunk under way: DATA and the DESCRIPTION of how it was made, written and read in step.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Cursor;

use bytemuck::Pod;
use zstd::bulk::{Compressor, Decompressor};

use super::error::Damage;
use super::spare::Spare;
use super::{ALIGNMENT, ColumnarError, MAX_CHUNK_BYTES};

/// Level of the zstd streams. Most of them only need its entropy coder; higher levels search longer and find nothing.
const ZSTD_LEVEL: i32 = 1;
/// One in so many bytes of a stream must be saved for it to stay compressed, which costs time to read. Measured (see
/// `COLUMNAR.md`): 8 makes parts 0.003 % larger, 128 makes them 0.002 % smaller.
const SAVED_OF: usize = 32;
/// zstd cannot make one byte into more than this (a block of 128 KiB takes 4 bytes).
const ZSTD_MAX_RATIO: usize = 1 << 15;

const CODEC_NONE: u8 = 0;
const CODEC_ZSTD: u8 = 1;

thread_local! {
    // A context is some 100 kB of tables: one a thread, not one a stream.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Writes a block, chunk after chunk.
#[derive(Default)]
pub(super) struct ChunkWriter {
    /// Whole chunks, and DATA of the one under way.
    pub(super) bytes: Vec<u8>,
    /// Of the chunk under way.
    pub(super) description: Vec<u8>,
    compressor: Option<Compressor<'static>>,
    pub(super) spare: Spare,
}

impl ChunkWriter {
    pub(super) fn tag(&mut self, tag: u8) {
        self.description.push(tag);
    }

    pub(super) fn field(&mut self, field: usize) {
        self.description.extend_from_slice(&(field as u16).to_le_bytes());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.description.extend_from_slice(&(count as u32).to_le_bytes());
    }

    pub(super) fn value<V: Pod>(&mut self, value: V) {
        self.description.extend_from_slice(bytemuck::bytes_of(&value));
    }

    /// A stream as it is, for bytes that are known not to compress or that are to be viewed in the map.
    pub(super) fn raw_stream(&mut self, raw: &[u8]) {
        self.stream_header(CODEC_NONE, raw.len(), raw.len());
        self.bytes.extend_from_slice(raw);
    }

    /// A stream, compressed if that saves at least one in [`SAVED_OF`] bytes.
    pub(super) fn stream(&mut self, raw: &[u8]) -> Result<(), ColumnarError> {
        let start = self.bytes.len();
        self.bytes.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(ZSTD_LEVEL).map_err(ColumnarError::Write)?),
        };
        let mut room = Cursor::new(std::mem::take(&mut self.bytes));
        room.set_position(start as u64);
        let stored = compressor.compress_to_buffer(raw, &mut room);
        self.bytes = room.into_inner();
        let stored = stored.map_err(ColumnarError::Write)?;
        if stored < raw.len() - raw.len() / SAVED_OF && raw.len() / ZSTD_MAX_RATIO <= stored {
            self.stream_header(CODEC_ZSTD, raw.len(), stored);
        } else {
            self.bytes.truncate(start);
            self.raw_stream(raw);
        }
        Ok(())
    }

    fn stream_header(&mut self, codec: u8, raw: usize, stored: usize) {
        self.tag(codec);
        self.count(raw);
        self.count(stored);
    }

    /// Ends the chunk whose DATA began at `start`: puts the description behind it and zeros up to the alignment. Gives
    /// the lengths of DATA and of the description.
    pub(super) fn finish(&mut self, start: usize) -> (usize, usize) {
        let lengths = (self.bytes.len() - start, self.description.len());
        self.bytes.append(&mut self.description);
        self.bytes.resize(start + (self.bytes.len() - start).next_multiple_of(ALIGNMENT), 0);
        lengths
    }
}

/// Reads a chunk from its bytes.
#[derive(Clone)]
pub(super) struct ChunkReader<'a> {
    bytes: &'a [u8],
    data_at: usize,
    data_end: usize,
    at: usize,
}

impl<'a> ChunkReader<'a> {
    /// Of DATA and DESCRIPTION, the first `data_length` bytes of which are DATA.
    pub(super) fn new(bytes: &'a [u8], data_length: usize) -> Self {
        let data_end = data_length.min(bytes.len());
        Self { bytes, data_at: 0, data_end, at: data_end }
    }

    /// Damage at the part of the description that comes next.
    pub(super) fn damage(&self, what: impl Into<String>) -> Damage {
        Damage::new(self.at, what)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let bytes = *bytes.ok_or_else(|| self.damage("the description of a chunk ends too early"))?;
        self.at += N;
        Ok(bytes)
    }

    pub(super) fn tag(&mut self) -> Result<u8, Damage> {
        Ok(self.take::<1>()?[0])
    }

    pub(super) fn field(&mut self) -> Result<usize, Damage> {
        Ok(usize::from(u16::from_le_bytes(self.take()?)))
    }

    pub(super) fn count(&mut self) -> Result<usize, Damage> {
        Ok(u32::from_le_bytes(self.take()?) as usize)
    }

    pub(super) fn value<V: Pod>(&mut self) -> Result<V, Damage> {
        let mut value = V::zeroed();
        for byte in bytemuck::bytes_of_mut(&mut value) {
            *byte = self.tag()?;
        }
        Ok(value)
    }

    /// The next stream's bytes; `expected` is the length it must have, where that is known.
    pub(super) fn stream(&mut self, expected: Option<usize>) -> Result<Cow<'a, [u8]>, Damage> {
        let (codec, raw, stored) = (self.tag()?, self.count()?, self.count()?);
        if expected.is_some_and(|length| length != raw) {
            return Err(self.damage(format!("a stream of {raw} bytes where {} are due", expected.unwrap_or(0))));
        }
        let end = self.data_at + stored;
        if end > self.data_end {
            return Err(self.damage(format!("a stream of {stored} bytes reaches beyond its chunk")));
        }
        let at = self.data_at;
        let bytes = &self.bytes[at..end];
        self.data_at = end;
        match codec {
            CODEC_NONE if raw == stored => Ok(Cow::Borrowed(bytes)),
            CODEC_ZSTD if raw <= MAX_CHUNK_BYTES + ALIGNMENT && raw / ZSTD_MAX_RATIO <= stored => {
                let result = DECOMPRESSOR.with_borrow_mut(|slot| {
                    let decompressor = match slot {
                        Some(decompressor) => decompressor,
                        None => slot.insert(Decompressor::new()?),
                    };
                    let mut decompressed = Vec::with_capacity(raw);
                    decompressor.decompress_to_buffer(bytes, &mut decompressed)?;
                    Ok::<_, std::io::Error>(decompressed)
                });
                let decompressed = result.map_err(|error| Damage::new(at, format!("zstd cannot read: {error}")))?;
                if decompressed.len() == raw {
                    Ok(Cow::Owned(decompressed))
                } else {
                    Err(Damage::new(at, format!("a stream decompresses to {} of {raw} bytes", decompressed.len())))
                }
            }
            CODEC_NONE | CODEC_ZSTD => Err(self.damage(format!("a stream of {stored} bytes claims to hold {raw}"))),
            _ => Err(self.damage(format!("unknown codec {codec}"))),
        }
    }

    /// Steps over a stream and says whether it is compressed.
    pub(super) fn skip_stream(&mut self) -> Result<bool, Damage> {
        let (codec, _, stored) = (self.tag()?, self.count()?, self.count()?);
        self.data_at = self.data_at.saturating_add(stored);
        Ok(codec != CODEC_NONE)
    }

    /// Refuses more values than a chunk may hold, before anything is allocated for them.
    pub(super) fn claim(&self, values: usize, width: usize) -> Result<(), Damage> {
        match values.checked_mul(width) {
            Some(bytes) if bytes <= MAX_CHUNK_BYTES => Ok(()),
            _ => Err(self.damage(format!("{values} values of {width} bytes are more than a chunk may hold"))),
        }
    }

    /// Refuses what is left over.
    pub(super) fn finish(self) -> Result<(), Damage> {
        if self.at != self.bytes.len() {
            return Err(self.damage("the description of a chunk goes on after its end"));
        }
        if self.data_at != self.data_end {
            return Err(Damage::new(self.data_at, "bytes of a chunk are left over"));
        }
        Ok(())
    }
}
