//! Decodes a chunk into a column, with the other chunks of its block that it refers to.

use super::chunk::ChunkReader;
use super::column::{Column, Values};
use super::column_layout::ColumnLayout;
use super::encoding::{self, MAX_DEPTH};
use super::error::Damage;
use super::file::{Chunk, SkimFile};
use super::schema::ValueType;
use super::word::Word;
use super::{ColumnarError, ids, keyed, relative};
use crate::Id;

/// A column of a block, after its checksum was checked.
pub(super) fn column(file: &SkimFile, block: usize, field: usize) -> Result<Column, ColumnarError> {
    let chunk = file.checked_chunk(block, field)?;
    let mut source = file.source(chunk);
    let column = Decoder { file, block, field, offset: chunk.offset }.decode(&mut source)?;
    let in_chunk = |damage| file.damaged(chunk.offset, damage);
    let sound = matches!(column, Column::List { .. }) == file.schema.fields[field].list
        && column.as_ref().rows() == file.blocks[block].rows
        && column.as_ref().values().len() == chunk.entry.values as usize;
    if !sound {
        return Err(in_chunk(source.damage("the column is not as large as the footer says")));
    }
    source.finish().map_err(in_chunk)?;
    Ok(column)
}

/// A chunk under way.
struct Decoder<'f> {
    file: &'f SkimFile,
    block: usize,
    field: usize,
    /// Where the chunk begins in the file.
    offset: u64,
}

impl Decoder<'_> {
    fn damaged(&self, damage: Damage) -> ColumnarError {
        self.file.damaged(self.offset, damage)
    }

    fn decode(&self, source: &mut ChunkReader<'_>) -> Result<Column, ColumnarError> {
        let (rows, value) = (self.file.blocks[self.block].rows, self.file.schema.fields[self.field].value);
        match ColumnLayout::read(source).map_err(|damage| self.damaged(damage))? {
            ColumnLayout::Flat => flat(value, rows, source).map_err(|damage| self.damaged(damage)),
            ColumnLayout::List => list(value, rows, source).map_err(|damage| self.damaged(damage)),
            ColumnLayout::Keyed { key, kept } => self.keyed((key, kept), value, rows, source),
            ColumnLayout::Relative { reference } => self.relative(reference, value, rows, source),
        }
    }

    fn keyed(
        &self,
        (key, kept): (usize, usize),
        value: ValueType,
        rows: usize,
        source: &mut ChunkReader<'_>,
    ) -> Result<Column, ColumnarError> {
        let key_type = self.file.schema.fields.get(key).map(|field| (field.value, field.list));
        if key_type != Some((ValueType::Id, false)) || kept > rows {
            return Err(self.damaged(source.damage(format!("{kept} rows keyed by field {key}"))));
        }
        let key_chunk = self.file.checked_chunk(self.block, key)?;
        let mut key_source = self.file.source(key_chunk);
        let (indices, keys) = match ColumnLayout::read(&mut key_source) {
            Ok(ColumnLayout::Flat) => ids::decode_indices(rows, &mut key_source),
            _ => Err(key_source.damage("a key column with a key of its own")),
        }
        .map_err(|damage| self.file.damaged(key_chunk.offset, damage))?;
        let read = |source: &mut ChunkReader<'_>| {
            let changed: Vec<u32> = encoding::decode(rows - keys, source, MAX_DEPTH)?;
            let stored = keyed::stored_rows(&indices, keys, &changed, kept, source)?;
            let inner = match ColumnLayout::read(source)? {
                ColumnLayout::Flat => flat(value, kept, source)?,
                ColumnLayout::List => list(value, kept, source)?,
                _ => return Err(source.damage("a keyed column of neither values nor lists")),
            };
            source.claim(keyed::gathered_values(inner.as_ref(), &stored), value.width())?;
            Ok(keyed::expand(inner, &stored))
        };
        read(source).map_err(|damage| self.damaged(damage))
    }

    fn relative(
        &self,
        reference: usize,
        value: ValueType,
        rows: usize,
        source: &mut ChunkReader<'_>,
    ) -> Result<Column, ColumnarError> {
        let Self { file, block, field, .. } = *self;
        let is_relative = match file.blocks[block].chunks.get(reference) {
            Some(chunk) => {
                let layout = ColumnLayout::read(&mut file.source(chunk)).map_err(|damage| self.damaged(damage))?;
                matches!(layout, ColumnLayout::Relative { .. })
            }
            None => true,
        };
        if is_relative {
            return Err(self.damaged(source.damage(format!("field {field} is relative to field {reference}"))));
        }
        fn near<W: Word>(references: &[W], rows: usize, source: &mut ChunkReader<'_>) -> Result<Vec<W>, Damage> {
            let mut values = encoding::decode(rows, source, MAX_DEPTH)?;
            relative::apply(&mut values, references);
            Ok(values)
        }
        let values = match (value, column(file, block, reference)?) {
            (ValueType::U32, Column::Flat(Values::U32(references))) => near(&references, rows, source).map(Values::U32),
            (ValueType::U64, Column::Flat(Values::U64(references))) => near(&references, rows, source).map(Values::U64),
            (ValueType::I64, Column::Flat(Values::I64(references))) => near(&references, rows, source).map(Values::I64),
            _ => {
                let what = format!("field {field} is relative to field {reference} of another type");
                return Err(self.damaged(source.damage(what)));
            }
        };
        values.map(Column::Flat).map_err(|damage| self.damaged(damage))
    }
}

/// The encodings of a chunk, for people.
pub(super) fn describe(file: &SkimFile, chunk: &Chunk, field: usize) -> Result<String, ColumnarError> {
    let mut name = String::new();
    let outcome = describe_column(file, file.schema.fields[field].value, &mut file.source(chunk), &mut name);
    outcome.map(|()| name).map_err(|damage| file.damaged(chunk.offset, damage))
}

fn describe_column(
    file: &SkimFile,
    value: ValueType,
    source: &mut ChunkReader<'_>,
    name: &mut String,
) -> Result<(), Damage> {
    let field_name = |field: usize| file.schema.fields.get(field).map_or("?", |field| field.name.as_str());
    match ColumnLayout::read(source)? {
        ColumnLayout::Flat => describe_values(value, source, name),
        ColumnLayout::List => {
            name.push_str("lengths ");
            encoding::describe::<u32>(source, name, MAX_DEPTH)?;
            name.push_str(", items ");
            describe_values(value, source, name)
        }
        ColumnLayout::Relative { reference } => {
            name.push_str(&format!("relative to {}: ", field_name(reference)));
            describe_values(value, source, name)
        }
        ColumnLayout::Keyed { key, .. } => {
            name.push_str(&format!("keyed by {}: changes ", field_name(key)));
            encoding::describe::<u32>(source, name, MAX_DEPTH)?;
            name.push_str("; ");
            match ColumnLayout::read(&mut source.clone())? {
                ColumnLayout::Flat | ColumnLayout::List => describe_column(file, value, source, name),
                _ => Err(source.damage("a keyed column of neither values nor lists")),
            }
        }
    }
}

fn describe_values(value: ValueType, source: &mut ChunkReader<'_>, name: &mut String) -> Result<(), Damage> {
    let describe = match value {
        ValueType::Bool | ValueType::U8 => encoding::describe::<u8>,
        ValueType::U16 => encoding::describe::<u16>,
        ValueType::U32 | ValueType::F32 => encoding::describe::<u32>,
        ValueType::U64 | ValueType::F64 => encoding::describe::<u64>,
        ValueType::I64 => encoding::describe::<i64>,
        ValueType::Id => encoding::describe::<Id>,
    };
    describe(source, name, MAX_DEPTH)
}

fn flat(value: ValueType, rows: usize, source: &mut ChunkReader<'_>) -> Result<Column, Damage> {
    values(value, rows, source).map(Column::Flat)
}

fn list(value: ValueType, rows: usize, source: &mut ChunkReader<'_>) -> Result<Column, Damage> {
    let mut offsets: Vec<u32> = encoding::decode(rows, source, MAX_DEPTH)?;
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

fn values(value: ValueType, count: usize, source: &mut ChunkReader<'_>) -> Result<Values, Damage> {
    Ok(match value {
        ValueType::Bool => {
            let flags: Vec<u8> = encoding::decode(count, source, MAX_DEPTH)?;
            if flags.iter().any(|&flag| flag > 1) {
                return Err(source.damage("a boolean that is neither 0 nor 1"));
            }
            Values::Bool(flags.into_iter().map(|flag| flag == 1).collect())
        }
        ValueType::U8 => Values::U8(encoding::decode(count, source, MAX_DEPTH)?),
        ValueType::U16 => Values::U16(encoding::decode(count, source, MAX_DEPTH)?),
        ValueType::U32 => Values::U32(encoding::decode(count, source, MAX_DEPTH)?),
        ValueType::U64 => Values::U64(encoding::decode(count, source, MAX_DEPTH)?),
        ValueType::I64 => Values::I64(encoding::decode(count, source, MAX_DEPTH)?),
        ValueType::F32 => Values::F32(bytemuck::cast_vec(encoding::decode::<u32>(count, source, MAX_DEPTH)?)),
        ValueType::F64 => Values::F64(bytemuck::cast_vec(encoding::decode::<u64>(count, source, MAX_DEPTH)?)),
        ValueType::Id => Values::Id(encoding::decode(count, source, MAX_DEPTH)?),
    })
}
