//! Decodes a chunk into a column, with the other chunks of its block that it refers to.

use super::block::{FLAT, KEYED, LIST, RELATIVE};
use super::chunk::ChunkReader;
use super::column::{Column, Values};
use super::error::Damage;
use super::reader::Reader;
use super::schema::ValueType;
use super::{ColumnarError, ids, keyed, node, relative};

impl Reader {
    /// Decodes the chunk of a field, which begins at `offset` in the file.
    pub(super) fn decode(
        &self,
        block: usize,
        field: usize,
        source: &mut ChunkReader<'_>,
        offset: u64,
    ) -> Result<Column, ColumnarError> {
        let (rows, value) = (self.blocks[block].rows, self.schema.fields[field].value);
        let in_chunk = |damage| self.damaged(offset, damage);
        match source.tag().map_err(in_chunk)? {
            tag @ (FLAT | LIST) => plain_column(tag, value, rows, source).map_err(in_chunk),
            KEYED => self.read_keyed(block, value, rows, source, offset),
            RELATIVE => self.read_relative(block, field, value, rows, source, offset),
            tag => Err(in_chunk(source.damage(format!("unknown column encoding {tag}")))),
        }
    }

    fn read_keyed(
        &self,
        block: usize,
        value: ValueType,
        rows: usize,
        source: &mut ChunkReader<'_>,
        offset: u64,
    ) -> Result<Column, ColumnarError> {
        let in_chunk = |damage| self.damaged(offset, damage);
        let (key, kept) = (source.field().map_err(in_chunk)?, source.count().map_err(in_chunk)?);
        let key_type = self.schema.fields.get(key).map(|field| (field.value, field.list));
        if key_type != Some((ValueType::Id, false)) || kept > rows {
            return Err(in_chunk(source.damage(format!("{kept} rows keyed by field {key}"))));
        }
        let key_chunk = self.checked_chunk(block, key)?;
        let mut key_source = self.source(key_chunk);
        let (indices, keys) = match key_source.tag() {
            Ok(FLAT) => ids::decode_indices(rows, &mut key_source),
            _ => Err(key_source.damage("a key column with a key of its own")),
        }
        .map_err(|damage| self.damaged(key_chunk.offset, damage))?;
        let read = |source: &mut ChunkReader<'_>| {
            let changed: Vec<u32> = node::decode(rows - keys, source, node::MAX_DEPTH)?;
            let stored = keyed::stored_rows(&indices, keys, &changed, kept, source)?;
            let tag = source.tag()?;
            let inner = plain_column(tag, value, kept, source)?;
            source.claim(keyed::gathered_values(inner.as_ref(), &stored), value.width())?;
            Ok(keyed::expand(inner, &stored))
        };
        read(source).map_err(in_chunk)
    }

    fn read_relative(
        &self,
        block: usize,
        field: usize,
        value: ValueType,
        rows: usize,
        source: &mut ChunkReader<'_>,
        offset: u64,
    ) -> Result<Column, ColumnarError> {
        let in_chunk = |damage| self.damaged(offset, damage);
        let reference = source.field().map_err(in_chunk)?;
        let reference_tag = match self.blocks[block].chunks.get(reference) {
            Some(chunk) => self.source(chunk).tag().map_err(in_chunk)?,
            None => RELATIVE,
        };
        if reference_tag == RELATIVE {
            return Err(in_chunk(source.damage(format!("field {field} is relative to field {reference}"))));
        }
        match (value, self.read(block, reference)?) {
            (ValueType::U32, Column::Flat(Values::U32(references))) => {
                let mut values: Vec<u32> = node::decode(rows, source, node::MAX_DEPTH).map_err(in_chunk)?;
                relative::apply(&mut values, &references);
                Ok(Column::Flat(Values::U32(values)))
            }
            (ValueType::I64, Column::Flat(Values::I64(references))) => {
                let mut values: Vec<i64> = node::decode(rows, source, node::MAX_DEPTH).map_err(in_chunk)?;
                relative::apply(&mut values, &references);
                Ok(Column::Flat(Values::I64(values)))
            }
            (ValueType::U64, Column::Flat(Values::U64(references))) => {
                let mut values: Vec<u64> = node::decode(rows, source, node::MAX_DEPTH).map_err(in_chunk)?;
                relative::apply(&mut values, &references);
                Ok(Column::Flat(Values::U64(values)))
            }
            _ => {
                Err(in_chunk(source.damage(format!("field {field} is relative to field {reference} of another type"))))
            }
        }
    }

    /// Appends the chunk's encodings, for people.
    pub(super) fn describe(
        &self,
        source: &mut ChunkReader<'_>,
        value: ValueType,
        name: &mut String,
    ) -> Result<(), Damage> {
        match source.tag()? {
            FLAT => node::describe(source, value.width(), name, node::MAX_DEPTH),
            LIST => {
                name.push_str("lengths ");
                node::describe(source, 4, name, node::MAX_DEPTH)?;
                name.push_str(", items ");
                node::describe(source, value.width(), name, node::MAX_DEPTH)
            }
            tag @ (KEYED | RELATIVE) => {
                let other = source.field()?;
                let other = self.schema.fields.get(other).map_or("?", |field| field.name.as_str());
                if tag == RELATIVE {
                    name.push_str(&format!("relative to {other}: "));
                    return node::describe(source, value.width(), name, node::MAX_DEPTH);
                }
                source.count()?;
                name.push_str(&format!("keyed by {other}: changes "));
                node::describe(source, 4, name, node::MAX_DEPTH)?;
                name.push_str("; ");
                match source.clone().tag()? {
                    FLAT | LIST => self.describe(source, value, name),
                    tag => Err(source.damage(format!("column encoding {tag} in a keyed column"))),
                }
            }
            tag => Err(source.damage(format!("unknown column encoding {tag}"))),
        }
    }
}

/// Reads a FLAT or LIST column whose tag has been read.
fn plain_column(tag: u8, value: ValueType, rows: usize, source: &mut ChunkReader<'_>) -> Result<Column, Damage> {
    match tag {
        FLAT => Ok(Column::Flat(values(value, rows, source)?)),
        LIST => {
            let mut offsets: Vec<u32> = node::decode(rows, source, node::MAX_DEPTH)?;
            let mut end = 0u64;
            for offset in &mut offsets {
                let length = std::mem::replace(offset, end as u32);
                end += u64::from(length);
            }
            let items = usize::try_from(end).unwrap_or(usize::MAX);
            source.claim(items, value.width())?;
            offsets.push(end as u32);
            Ok(Column::List { offsets, values: values(value, items, source)? })
        }
        _ => Err(source.damage(format!("unknown column encoding {tag}"))),
    }
}

fn values(value: ValueType, count: usize, source: &mut ChunkReader<'_>) -> Result<Values, Damage> {
    let depth = node::MAX_DEPTH;
    Ok(match value {
        ValueType::Bool => {
            let flags: Vec<u8> = node::decode(count, source, depth)?;
            if flags.iter().any(|&flag| flag > 1) {
                return Err(source.damage("a boolean that is neither 0 nor 1"));
            }
            Values::Bool(flags.into_iter().map(|flag| flag == 1).collect())
        }
        ValueType::U8 => Values::U8(node::decode(count, source, depth)?),
        ValueType::U16 => Values::U16(node::decode(count, source, depth)?),
        ValueType::U32 => Values::U32(node::decode(count, source, depth)?),
        ValueType::U64 => Values::U64(node::decode(count, source, depth)?),
        ValueType::I64 => Values::I64(node::decode(count, source, depth)?),
        ValueType::F32 => Values::F32(bytemuck::cast_vec(node::decode::<u32>(count, source, depth)?)),
        ValueType::F64 => Values::F64(bytemuck::cast_vec(node::decode::<u64>(count, source, depth)?)),
        ValueType::Id => Values::Id(ids::decode(count, source, depth)?),
    })
}
