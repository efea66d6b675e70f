//! BLOCK: the columns of some rows, each encoded into its chunk.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::chunk::ChunkWriter;
use super::column::{ColumnRef, ValuesRef};
use super::column_layout::ColumnLayout;
use super::encoding::Encoding;
use super::first_seen::FirstSeen;
use super::footer::{ChunkEntry, Statistics};
use super::ids;
use super::keyed::{self, KeyRows};
use super::numbers::Span;
use super::plain::Plain;
use super::schema::{Schema, ValueType, type_name};
use super::spare::{Lent, Returns};
use super::word::Word;
use super::{ColumnarError, MAX_BLOCK_ROWS, MAX_CHUNK_BYTES, leaf, node, relative};
use crate::Id;

/// What whoever knows a kind of file may tell the encoder about a column. It never changes what is read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Advice {
    /// Take what the values show.
    #[default]
    Auto,
    /// Leave the values as they are, for [`Reader::view`](super::Reader::view).
    Plain,
    /// The column mostly depends on the flat id column of this number, as a user's profile on the user.
    KeyedBy(usize),
    /// A flat u32, u64 or i64 column that is the smallest number of its type or near the earlier flat column of this
    /// number and the same type.
    RelativeTo(usize),
}

/// A block ready to be appended to a file.
#[derive(Clone, Debug)]
pub struct EncodedBlock {
    pub(super) rows: u32,
    pub(super) bytes: Lent,
    pub(super) chunks: Vec<ChunkEntry>,
    /// The fields' types, which must be those of the file it is appended to.
    pub(super) types: Vec<(ValueType, bool)>,
}

impl EncodedBlock {
    /// Number of rows.
    pub fn rows(&self) -> u64 {
        u64::from(self.rows)
    }

    /// Bytes the block takes in the file.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Encodes the columns of some rows, in the order of the schema's fields. Pure: the same columns give the same bytes.
///
/// No rows make an empty block, which a [`Writer`](super::Writer) leaves out.
///
/// # Errors
/// [`ColumnarError::Shape`] if the columns do not fit the schema or each other, or are larger than a block may be.
pub fn encode_block(schema: &Schema, columns: &[ColumnRef<'_>]) -> Result<EncodedBlock, ColumnarError> {
    encode_block_advised(schema, columns, &[])
}

/// [`encode_block`] with advice for the columns; columns beyond the end of `advice` are [`Advice::Auto`].
///
/// # Errors
/// As [`encode_block`]; advice that does not apply to its column is an error too.
pub fn encode_block_advised(
    schema: &Schema,
    columns: &[ColumnRef<'_>],
    advice: &[Advice],
) -> Result<EncodedBlock, ColumnarError> {
    BlockEncoder::default().encode(schema, columns, advice)
}

/// Encodes block after block in the same memory, that of blocks dropped meanwhile included.
#[derive(Default)]
pub struct BlockEncoder {
    chunk: ChunkWriter,
    returns: Returns,
}

/// What the columns that are ids or depend on ids share.
struct Key {
    seen: FirstSeen<Id>,
    /// `None` where they cannot be keys.
    rows: Option<KeyRows>,
}

impl BlockEncoder {
    /// The same as [`encode_block_advised`].
    ///
    /// # Errors
    /// As there.
    pub fn encode(
        &mut self,
        schema: &Schema,
        columns: &[ColumnRef<'_>],
        advice: &[Advice],
    ) -> Result<EncodedBlock, ColumnarError> {
        let rows = check_shape(schema, columns)?;
        self.chunk.description.clear();
        self.chunk.bytes = self.returns.take();
        let mut chunks = Vec::with_capacity(columns.len());
        if rows > 0 {
            let keys = self.keys(schema, columns, advice)?;
            for field in 0..columns.len() {
                chunks.push(self.column(schema, columns, advice, &keys, field)?);
            }
            keys.into_values().for_each(|key| key.seen.give_back(&mut self.chunk.spare));
        }
        let bytes = self.returns.lend(std::mem::take(&mut self.chunk.bytes));
        let types = schema.fields.iter().map(|field| (field.value, field.list)).collect();
        Ok(EncodedBlock { rows: rows as u32, bytes, chunks, types })
    }

    /// The fields that others are keyed by.
    fn keys(
        &mut self,
        schema: &Schema,
        columns: &[ColumnRef<'_>],
        advice: &[Advice],
    ) -> Result<BTreeMap<usize, Key>, ColumnarError> {
        let mut keys = BTreeMap::new();
        for field in 0..columns.len() {
            if let Advice::KeyedBy(key) = advice_for(advice, field) {
                match columns.get(key) {
                    Some(ColumnRef::Flat(ValuesRef::Id(ids)))
                        if key != field && advice_for(advice, key) == Advice::Auto =>
                    {
                        keys.entry(key).or_insert_with(|| {
                            let seen = FirstSeen::of_ids(ids, &mut self.chunk.spare);
                            let rows = KeyRows::of(&seen);
                            Key { seen, rows }
                        });
                    }
                    _ => return Err(shape(schema, field, "is keyed by a field that is not a flat id column")),
                }
            }
        }
        Ok(keys)
    }

    /// Appends the chunk of a column.
    fn column(
        &mut self,
        schema: &Schema,
        columns: &[ColumnRef<'_>],
        advice: &[Advice],
        keys: &BTreeMap<usize, Key>,
        field: usize,
    ) -> Result<ChunkEntry, ColumnarError> {
        let (column, chunk) = (columns[field], &mut self.chunk);
        let start = chunk.bytes.len();
        let mut statistics = None;
        match advice_for(advice, field) {
            Advice::Plain => statistics = encode_column(column, true, None, chunk)?,
            Advice::KeyedBy(key) => statistics = encode_keyed(column, key, keys[&key].rows.as_ref(), chunk)?,
            Advice::RelativeTo(reference) => {
                let plain_reference = !matches!(advice_for(advice, reference), Advice::RelativeTo(_));
                match (column, columns.get(reference)) {
                    (ColumnRef::Flat(ValuesRef::U32(values)), Some(ColumnRef::Flat(ValuesRef::U32(references))))
                        if plain_reference =>
                    {
                        encode_relative(values, references, reference, chunk)?;
                    }
                    (ColumnRef::Flat(ValuesRef::I64(values)), Some(ColumnRef::Flat(ValuesRef::I64(references))))
                        if plain_reference =>
                    {
                        encode_relative(values, references, reference, chunk)?;
                    }
                    (ColumnRef::Flat(ValuesRef::U64(values)), Some(ColumnRef::Flat(ValuesRef::U64(references))))
                        if plain_reference =>
                    {
                        encode_relative(values, references, reference, chunk)?;
                    }
                    _ => return Err(shape(schema, field, "is relative to a field that it cannot be relative to")),
                }
            }
            Advice::Auto => {
                statistics = encode_column(column, false, keys.get(&field).map(|key| &key.seen), chunk)?;
            }
        }
        let (data, description) = chunk.finish(start);
        let bytes = &chunk.bytes[start..];
        Ok(ChunkEntry {
            length: bytes.len() as u32,
            data_length: data as u32,
            description_length: description as u32,
            values: column.values().len() as u32,
            checksum: xxh3_64(bytes),
            statistics: statistics.or_else(|| Statistics::of(column.values())),
        })
    }
}

fn advice_for(advice: &[Advice], field: usize) -> Advice {
    advice.get(field).copied().unwrap_or_default()
}

/// Also gives the statistics, where they were needed on the way.
fn encode_column(
    column: ColumnRef<'_>,
    plain: bool,
    first_seen: Option<&FirstSeen<Id>>,
    chunk: &mut ChunkWriter,
) -> Result<Option<Statistics>, ColumnarError> {
    match column {
        ColumnRef::Flat(values) => {
            ColumnLayout::Flat.write(chunk);
            encode_values(values, plain, first_seen, chunk)
        }
        ColumnRef::List { offsets, values } => {
            ColumnLayout::List.write(chunk);
            let lengths: Vec<u32> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
            node::encode(&lengths, chunk)?;
            encode_values(values, plain, None, chunk)
        }
    }
}

fn encode_values(
    values: ValuesRef<'_>,
    plain: bool,
    first_seen: Option<&FirstSeen<Id>>,
    chunk: &mut ChunkWriter,
) -> Result<Option<Statistics>, ColumnarError> {
    fn numbers<W: Word>(
        values: &[W],
        plain: bool,
        chunk: &mut ChunkWriter,
    ) -> Result<Option<Statistics>, ColumnarError> {
        if plain {
            return Plain::encode(values, chunk).map(|()| None);
        }
        let span = Span::of(values);
        node::encode_within(values, span, chunk)?;
        Ok((!values.is_empty()).then(|| Statistics::of_integers(span.minimum, span.maximum)))
    }
    match values {
        ValuesRef::Bool(values) => numbers::<u8>(bytemuck::cast_slice(values), plain, chunk),
        ValuesRef::U8(values) => numbers(values, plain, chunk),
        ValuesRef::U16(values) => numbers(values, plain, chunk),
        ValuesRef::U32(values) => numbers(values, plain, chunk),
        ValuesRef::U64(values) => numbers(values, plain, chunk),
        ValuesRef::I64(values) => numbers(values, plain, chunk),
        // The smallest bits of floats are not those of the smallest float.
        ValuesRef::F32(values) => numbers::<u32>(bytemuck::cast_slice(values), plain, chunk).map(|_| None),
        ValuesRef::F64(values) => numbers::<u64>(bytemuck::cast_slice(values), plain, chunk).map(|_| None),
        ValuesRef::Id(ids) if plain => Plain::encode(ids, chunk).map(|()| None),
        ValuesRef::Id(ids) => match first_seen {
            Some(first_seen) => ids::encode(ids, first_seen, chunk).map(|()| None),
            None => {
                let first_seen = FirstSeen::of_ids(ids, &mut chunk.spare);
                let outcome = ids::encode(ids, &first_seen, chunk);
                first_seen.give_back(&mut chunk.spare);
                outcome.map(|()| None)
            }
        },
    }
}

/// Also gives the statistics, where they could be had of fewer values.
fn encode_keyed(
    column: ColumnRef<'_>,
    key: usize,
    key_rows: Option<&KeyRows>,
    chunk: &mut ChunkWriter,
) -> Result<Option<Statistics>, ColumnarError> {
    let Some(kept) = key_rows.and_then(|rows| rows.kept(column)) else {
        return encode_column(column, false, None, chunk);
    };
    ColumnLayout::Keyed { key, kept: kept.rows.len() }.write(chunk);
    leaf::encode(&kept.changed, chunk)?;
    let stored = keyed::gather(column, &kept.rows, &mut chunk.spare);
    // What is left out is equal to something that is stored.
    let statistics = encode_column(stored.as_ref(), false, None, chunk)?;
    let statistics = statistics.or_else(|| Statistics::of(stored.as_ref().values()));
    keyed::give_back(stored, &mut chunk.spare);
    Ok(statistics)
}

fn encode_relative<W: Word>(
    values: &[W],
    references: &[W],
    reference: usize,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    match relative::codes(values, references) {
        Some(codes) => {
            ColumnLayout::Relative { reference }.write(chunk);
            leaf::encode(&codes, chunk)
        }
        None => {
            ColumnLayout::Flat.write(chunk);
            node::encode(values, chunk)
        }
    }
}

fn shape(schema: &Schema, field: usize, what: &str) -> ColumnarError {
    let name = schema.fields.get(field).map_or("?", |field| field.name.as_str());
    ColumnarError::Shape(format!("column {name:?} {what}"))
}

/// The number of rows, if the columns fit the schema and each other.
fn check_shape(schema: &Schema, columns: &[ColumnRef<'_>]) -> Result<usize, ColumnarError> {
    if columns.len() != schema.fields.len() {
        let (given, due) = (columns.len(), schema.fields.len());
        return Err(ColumnarError::Shape(format!("{given} columns for a schema of {due} fields")));
    }
    let rows = columns.first().map_or(0, ColumnRef::rows);
    if rows > MAX_BLOCK_ROWS {
        return Err(ColumnarError::Shape(format!("{rows} rows, a block holds at most {MAX_BLOCK_ROWS}")));
    }
    for (index, (column, field)) in columns.iter().zip(&schema.fields).enumerate() {
        let problem = |what: String| Err(shape(schema, index, &what));
        let (values, list) = (column.values(), matches!(column, ColumnRef::List { .. }));
        if values.value_type() != field.value || list != field.list {
            return problem(format!(
                "is given as {} but holds {}",
                type_name(values.value_type(), list),
                type_name(field.value, field.list)
            ));
        }
        if column.rows() != rows {
            return problem(format!("has {} rows, the first column has {rows}", column.rows()));
        }
        if values.len() > MAX_CHUNK_BYTES / field.value.width() {
            return problem(format!("has {} values in one block, more than the format holds", values.len()));
        }
        if let ColumnRef::List { offsets, .. } = column {
            let ends = (offsets.first().copied(), offsets.last().map(|&end| end as usize));
            if ends != (Some(0), Some(values.len())) || !offsets.is_sorted() {
                return problem("has offsets that do not describe its values".into());
            }
        }
    }
    Ok(rows)
}
