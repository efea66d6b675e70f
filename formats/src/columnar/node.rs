//! NODE: the encoding of a run of numbers, chosen by what a sample of them shows.

use super::chunk::{ChunkReader, ChunkWriter};
use super::dictionary::{self, Frequencies};
use super::error::Damage;
use super::packed::MAX_BITS;
use super::word::Word;
use super::{ColumnarError, delta, narrow, packed, planes, slots, sparse};

pub(super) const PLAIN: u8 = 0;
pub(super) const CONSTANT: u8 = 1;
pub(super) const PACKED: u8 = 2;
pub(super) const SLOTS: u8 = 3;
pub(super) const PLANES: u8 = 4;
pub(super) const DELTA: u8 = 5;
pub(super) const DICTIONARY: u8 = 6;
pub(super) const FRESH: u8 = 7;
pub(super) const SPARSE: u8 = 8;

/// How deep nodes may lie in each other.
pub(super) const MAX_DEPTH: usize = 6;

/// A sample is so many runs of so many neighbours.
const SAMPLE_RUNS: usize = 16;
const SAMPLE_RUN: usize = 256;

/// Smallest and largest value.
#[derive(Clone, Copy)]
pub(super) struct Span<W> {
    pub(super) minimum: W,
    pub(super) maximum: W,
}

impl<W: Word> Span<W> {
    pub(super) fn of(values: &[W]) -> Self {
        let (minimum, maximum) = W::ends(values).unwrap_or_default();
        Self { minimum, maximum }
    }

    pub(super) fn range(self) -> u64 {
        self.maximum.minus(self.minimum).to_u64()
    }

    pub(super) fn bits(self) -> u32 {
        64 - self.range().leading_zeros()
    }
}

/// The encodings that need no other node.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Leaf {
    Constant,
    Plain,
    Packed,
    Slots,
    Planes,
}

/// The cheapest leaf and its estimated bits a value, preferring what is faster to read where it is close.
pub(super) fn choose_leaf<W: Word>(sample: &[W], span: Span<W>) -> (Leaf, f64) {
    let bits = span.bits();
    if bits == 0 {
        return (Leaf::Constant, 0.0);
    }
    let mut best = (Leaf::Plain, f64::from(W::BITS));
    let mut offer = |leaf, cost: f64| {
        if cost < best.1 * 0.98 {
            best = (leaf, cost);
        }
    };
    let slots = slots::cost(sample, span.minimum);
    if bits <= MAX_BITS {
        // Values of 1, 2 or 4 bits share bytes, which zstd compresses below a bit each.
        let entropy = if 8 % bits == 0 && bits < 8 { slots.unwrap_or(8.0) * 0.97 } else { 64.0 };
        offer(Leaf::Packed, entropy.min(f64::from(bits)));
    }
    offer(Leaf::Planes, planes::cost(sample, span.minimum, bits.div_ceil(8) as usize));
    if let (Some(cost), true) = (slots, span.range() <= u64::from(u32::MAX)) {
        offer(Leaf::Slots, cost);
    }
    best
}

/// Values from all over.
pub(super) fn sample<W: Word>(values: &[W]) -> Vec<W> {
    if values.len() <= SAMPLE_RUNS * SAMPLE_RUN {
        return values.to_vec();
    }
    values
        .chunks(values.len().div_ceil(SAMPLE_RUNS))
        .flat_map(|run| &run[..run.len().min(SAMPLE_RUN)])
        .copied()
        .collect()
}

/// Estimated bits a value without help from other nodes.
pub(super) fn leaf_cost<W: Word>(values: &[W]) -> f64 {
    choose_leaf(&sample(values), Span::of(values)).1
}

/// Writes numbers in the cheapest encoding.
pub(super) fn encode<W: Word>(values: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    encode_within(values, Span::of(values), chunk)
}

/// The same of numbers whose span is known.
pub(super) fn encode_within<W: Word>(
    values: &[W],
    span: Span<W>,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    if span.range() <= narrow::RANGE {
        return narrow::encode(values, span, chunk);
    }
    let values_sample = sample(values);
    if !sparse::pays(&values_sample, span.minimum) {
        return encode_dense(values, span, &values_sample, chunk);
    }
    let others = sparse::encode(values, (span.minimum, span.minimum), chunk)?;
    encode_dense(&others, Span::of(&others), &sample(&others), chunk)
}

/// Writes numbers in the cheapest encoding but SPARSE.
fn encode_dense<W: Word>(
    values: &[W],
    span: Span<W>,
    sample: &[W],
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    let (leaf, cost) = choose_leaf(sample, span);
    // Neither a dictionary nor differences can beat what takes next to nothing.
    if cost <= 1.0 {
        return write_leaf(values, span, leaf, chunk);
    }
    let delta = delta::cost(sample);
    if let Some(frequencies) = Frequencies::count(values, sample, span, &mut chunk.spare.table)
        && frequencies.cost() < 0.93 * cost.min(delta) * values.len() as f64
    {
        chunk.tag(DICTIONARY);
        return frequencies.encode(values, sample, chunk);
    }
    write_without_dictionary(values, span, (leaf, cost), delta, chunk)
}

/// Writes numbers in the cheapest encoding but DICTIONARY.
pub(super) fn encode_without_dictionary<W: Word>(values: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let (span, sample) = (Span::of(values), sample(values));
    write_without_dictionary(values, span, choose_leaf(&sample, span), delta::cost(&sample), chunk)
}

fn write_without_dictionary<W: Word>(
    values: &[W],
    span: Span<W>,
    (leaf, cost): (Leaf, f64),
    delta: f64,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    if cost > 1.0 && delta < 0.9 * cost {
        chunk.tag(DELTA);
        delta::encode(values, chunk)
    } else {
        write_leaf(values, span, leaf, chunk)
    }
}

/// Writes numbers in the cheapest encoding that needs no other node.
pub(super) fn encode_leaf<W: Word>(values: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let span = Span::of(values);
    write_leaf(values, span, choose_leaf(&sample(values), span).0, chunk)
}

/// Writes numbers in the encoding given; `span` is theirs.
pub(super) fn write_leaf<W: Word>(
    values: &[W],
    span: Span<W>,
    leaf: Leaf,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    match leaf {
        Leaf::Constant => {
            chunk.tag(CONSTANT);
            chunk.value(span.minimum);
            Ok(())
        }
        Leaf::Plain => {
            encode_plain(values, chunk);
            Ok(())
        }
        Leaf::Packed => {
            chunk.tag(PACKED);
            packed::encode(values, span.minimum, span.bits(), chunk)
        }
        Leaf::Slots => {
            chunk.tag(SLOTS);
            slots::encode(values, span, chunk)
        }
        Leaf::Planes => {
            chunk.tag(PLANES);
            planes::encode(values, span.minimum, span.bits().div_ceil(8) as usize, chunk)
        }
    }
}

/// Writes numbers as they are, uncompressed, so that they can be viewed in a map.
pub(super) fn encode_plain<W: Word>(values: &[W], chunk: &mut ChunkWriter) {
    chunk.tag(PLAIN);
    chunk.raw_stream(bytemuck::cast_slice(values));
}

/// Reads `count` numbers; `depth` is how many more nodes may lie in this one.
pub(super) fn decode<W: Word>(count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<W>, Damage> {
    chunk.claim(count, W::BYTES)?;
    let Some(inner) = depth.checked_sub(1) else {
        return Err(chunk.damage("encodings lie too deep in each other"));
    };
    match chunk.tag()? {
        PLAIN => Ok(bytemuck::pod_collect_to_vec(&chunk.stream(Some(count * W::BYTES))?)),
        CONSTANT => Ok(vec![chunk.value()?; count]),
        PACKED => packed::decode(count, chunk),
        SLOTS => slots::decode(count, chunk),
        PLANES => planes::decode(count, chunk),
        DELTA => delta::decode(count, chunk, inner),
        DICTIONARY => dictionary::decode(count, chunk, inner),
        SPARSE => sparse::decode(count, chunk, inner),
        FRESH if W::BITS == 32 => fresh(decode(count, chunk, inner)?, chunk),
        tag => Err(chunk.damage(format!("unknown encoding {tag} of {} bits", W::BITS))),
    }
}

/// Turns FRESH codes into the numbers they stand for.
fn fresh<W: Word>(mut codes: Vec<W>, chunk: &ChunkReader<'_>) -> Result<Vec<W>, Damage> {
    let mut next = 0;
    for code in &mut codes {
        let before = code.to_u64();
        if before > next {
            return Err(chunk.damage(format!("number {} is used before it occurs", before - 1)));
        }
        *code = W::from_u64(if before == 0 { next } else { before - 1 });
        next += u64::from(before == 0);
    }
    Ok(codes)
}

/// Appends the encoding's name, for people, and steps over it.
pub(super) fn describe(
    chunk: &mut ChunkReader<'_>,
    width: usize,
    name: &mut String,
    depth: usize,
) -> Result<(), Damage> {
    let Some(inner) = depth.checked_sub(1) else {
        return Err(chunk.damage("encodings lie too deep in each other"));
    };
    let skip_value = |chunk: &mut ChunkReader<'_>| (0..width).try_for_each(|_| chunk.tag().map(drop));
    let codec = |compressed: bool| if compressed { "+zstd" } else { "" };
    match chunk.tag()? {
        PLAIN => name.push_str(&format!("plain{}", codec(chunk.skip_stream()?))),
        CONSTANT => {
            skip_value(chunk)?;
            name.push_str("constant");
        }
        PACKED => {
            skip_value(chunk)?;
            let bits = chunk.tag()?;
            name.push_str(&format!("packed {bits}{}", codec(chunk.skip_stream()?)));
        }
        SLOTS => {
            skip_value(chunk)?;
            name.push_str(&format!("slots{}", codec(chunk.skip_stream()?)));
            chunk.skip_stream()?;
        }
        PLANES => {
            skip_value(chunk)?;
            let planes = chunk.tag()?;
            name.push_str(&format!("planes {planes}"));
            for _ in 0..planes {
                name.push_str(codec(chunk.skip_stream()?));
            }
        }
        DELTA => nested("delta", chunk, &[width], name, inner)?,
        DICTIONARY => {
            let size = chunk.count()?;
            nested(&format!("dictionary {size}"), chunk, &[width, 4], name, inner)?;
        }
        SPARSE => {
            skip_value(chunk)?;
            let others = chunk.count()?;
            let codec = codec(chunk.skip_stream()?);
            nested(&format!("sparse {others}{codec}"), chunk, &[width], name, inner)?;
        }
        FRESH => nested("fresh", chunk, &[4], name, inner)?,
        tag => return Err(chunk.damage(format!("unknown encoding {tag}"))),
    }
    Ok(())
}

fn nested(
    outer: &str,
    chunk: &mut ChunkReader<'_>,
    widths: &[usize],
    name: &mut String,
    depth: usize,
) -> Result<(), Damage> {
    name.push_str(outer);
    for (index, &width) in widths.iter().enumerate() {
        name.push_str(if index == 0 { "(" } else { ", " });
        describe(chunk, width, name, depth)?;
    }
    name.push(')');
    Ok(())
}
