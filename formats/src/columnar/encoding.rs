//! NODE: the contract of an encoding, and how a node of any encoding is read.
//!
//! Every encoding is a type in a file of its own that implements [`Encoding`]. What a type of values may be encoded in
//! is listed once, in `node.rs`; nodes that lie in others are read through [`decode`], so that no encoding knows which
//! others there are.

use bytemuck::Pod;

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;

/// How deep nodes may lie in each other.
pub(super) const MAX_DEPTH: usize = 6;

/// An encoding of values of type `V` in the file, given as values of type `N`.
pub(super) trait Encoding<V: Value, N = V> {
    /// Its row of the table of nodes in `COLUMNAR.md`.
    const LAYOUT: Layout;
    /// What it encodes: the values, and what has been found out about them.
    type Input<'v>;

    /// What the node would take.
    fn estimate(input: &Self::Input<'_>) -> Estimate;

    /// Writes the node.
    ///
    /// # Errors
    /// [`ColumnarError::Write`] if zstd fails.
    fn encode(input: Self::Input<'_>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError>;

    /// Reads the streams and nodes of a node of `count` values whose head has been read; `depth` is how many more nodes
    /// may lie in this one.
    ///
    /// # Errors
    /// [`Damage`] for anything that [`Encoding::encode`] does not write.
    fn decode(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<V>, Damage>;

    /// Appends the node's encodings to `name`, for people, and steps over it. Its tag has been read.
    ///
    /// # Errors
    /// [`Damage`] if the description ends too early or names an unknown encoding.
    fn describe(chunk: &mut ChunkReader<'_>, name: &mut String, depth: usize) -> Result<(), Damage> {
        Self::LAYOUT.describe::<V>(chunk, name, depth)
    }
}

/// What an encoding says of values before anything is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Estimate {
    /// It cannot hold them, or it does not pay.
    Skip,
    /// It pays whatever the others say.
    Take,
    /// Estimated bits a value.
    Bits(f64),
}

impl Estimate {
    /// [`Estimate::Take`] or [`Estimate::Skip`].
    pub(super) fn take_if(pays: bool) -> Self {
        if pays { Self::Take } else { Self::Skip }
    }

    /// Estimated bits a value: none where the encoding is to be taken, infinitely many where it is not.
    pub(super) fn bits(self) -> f64 {
        match self {
            Self::Skip => f64::INFINITY,
            Self::Take => 0.0,
            Self::Bits(bits) => bits,
        }
    }
}

/// What a node's description holds, in this order: a tag, perhaps a value, perhaps a number, streams, other nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    tag: u8,
    name: &'static str,
    has_value: bool,
    number: Number,
    streams: Streams,
    nodes: &'static [Inner],
}

#[derive(Clone, Copy, Debug)]
enum Number {
    None,
    Byte,
    Count,
}

#[derive(Clone, Copy, Debug)]
enum Streams {
    Fixed(usize),
    /// As many as the number says.
    Number,
}

/// The type of the values of a node within another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inner {
    /// That of the outer node.
    Same,
    /// u32.
    Indices,
}

/// The value and the number of a node, as far as its layout has them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head<V> {
    pub(super) value: V,
    pub(super) number: usize,
}

impl Layout {
    /// Nothing but a tag; `name` is the encoding's name for people.
    pub(super) const fn new(tag: u8, name: &'static str) -> Self {
        Self { tag, name, has_value: false, number: Number::None, streams: Streams::Fixed(0), nodes: &[] }
    }

    /// With a value of the node's type.
    pub(super) const fn value(self) -> Self {
        Self { has_value: true, ..self }
    }

    /// With a number of one byte.
    pub(super) const fn byte(self) -> Self {
        Self { number: Number::Byte, ..self }
    }

    /// With a number of four bytes.
    pub(super) const fn count(self) -> Self {
        Self { number: Number::Count, ..self }
    }

    /// With so many streams.
    pub(super) const fn streams(self, streams: usize) -> Self {
        Self { streams: Streams::Fixed(streams), ..self }
    }

    /// With as many streams as its number says.
    pub(super) const fn a_stream_each(self) -> Self {
        Self { streams: Streams::Number, ..self }
    }

    /// With nodes in it.
    pub(super) const fn nodes(self, nodes: &'static [Inner]) -> Self {
        Self { nodes, ..self }
    }

    /// Writes everything before the streams.
    pub(super) fn write<V: Pod>(&self, head: Head<V>, chunk: &mut ChunkWriter) {
        chunk.tag(self.tag);
        if self.has_value {
            chunk.value(head.value);
        }
        match self.number {
            Number::None => {}
            Number::Byte => chunk.tag(head.number as u8),
            Number::Count => chunk.count(head.number),
        }
    }

    /// Reads everything between the tag and the streams.
    fn head<V: Pod>(&self, chunk: &mut ChunkReader<'_>) -> Result<Head<V>, Damage> {
        let value = if self.has_value { chunk.value()? } else { V::zeroed() };
        let number = match self.number {
            Number::None => 0,
            Number::Byte => usize::from(chunk.tag()?),
            Number::Count => chunk.count()?,
        };
        Ok(Head { value, number })
    }

    /// Reads the next node's tag and head if it has this encoding; otherwise nothing is read.
    pub(super) fn head_if_next<V: Pod>(&self, chunk: &mut ChunkReader<'_>) -> Result<Option<Head<V>>, Damage> {
        let mut ahead = chunk.clone();
        if ahead.tag()? != self.tag {
            return Ok(None);
        }
        *chunk = ahead;
        self.head(chunk).map(Some)
    }

    fn describe<V: Value>(&self, chunk: &mut ChunkReader<'_>, name: &mut String, depth: usize) -> Result<(), Damage> {
        let number = self.head::<V>(chunk)?.number;
        name.push_str(self.name);
        if !matches!(self.number, Number::None) {
            name.push_str(&format!(" {number}"));
        }
        let streams = match self.streams {
            Streams::Fixed(streams) => streams,
            Streams::Number => number,
        };
        for _ in 0..streams {
            name.push_str(if chunk.skip_stream()? { "+zstd" } else { "" });
        }
        for (inner, before) in self.nodes.iter().zip(std::iter::once("(").chain(std::iter::repeat(", "))) {
            name.push_str(before);
            match inner {
                Inner::Same => describe::<V>(chunk, name, depth)?,
                Inner::Indices => describe::<u32>(chunk, name, depth)?,
            }
        }
        name.push_str(if self.nodes.is_empty() { "" } else { ")" });
        Ok(())
    }
}

/// A value as it lies in a file: a number or an id.
pub(super) trait Value: Pod + Default {
    /// What messages call a node of such values.
    const NAME: &'static str;
    /// The encodings that such a node may have.
    const ENCODINGS: &'static [Entry<Self>];
}

/// [`Encoding::decode`] of some encoding.
type Decode<V> = fn(Head<V>, usize, &mut ChunkReader<'_>, usize) -> Result<Vec<V>, Damage>;

/// An encoding that a node may have, as its reader needs it.
pub(super) struct Entry<V> {
    layout: Layout,
    decode: Decode<V>,
    describe: fn(&mut ChunkReader<'_>, &mut String, usize) -> Result<(), Damage>,
}

impl<V: Value> Entry<V> {
    pub(super) const fn of<E: Encoding<V>>() -> Self {
        Self { layout: E::LAYOUT, decode: E::decode, describe: E::describe }
    }

    /// Reads a node's tag; also gives how many nodes may lie in it.
    fn next(chunk: &mut ChunkReader<'_>, depth: usize) -> Result<(&'static Self, usize), Damage> {
        let Some(inner) = depth.checked_sub(1) else {
            return Err(chunk.damage("encodings lie too deep in each other"));
        };
        let tag = chunk.tag()?;
        match V::ENCODINGS.iter().find(|entry| entry.layout.tag == tag) {
            Some(entry) => Ok((entry, inner)),
            None => Err(chunk.damage(format!("unknown encoding {tag} of {}", V::NAME))),
        }
    }
}

/// Reads a node of `count` values; `depth` is how deep nodes may lie here.
pub(super) fn decode<V: Value>(count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<V>, Damage> {
    chunk.claim(count, size_of::<V>())?;
    let (entry, inner) = Entry::next(chunk, depth)?;
    let head = entry.layout.head(chunk)?;
    (entry.decode)(head, count, chunk, inner)
}

/// Appends a node's encodings to `name`, for people, and steps over it.
pub(super) fn describe<V: Value>(chunk: &mut ChunkReader<'_>, name: &mut String, depth: usize) -> Result<(), Damage> {
    let (entry, inner) = Entry::<V>::next(chunk, depth)?;
    (entry.describe)(chunk, name, inner)
}
