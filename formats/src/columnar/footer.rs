//! FOOTER: the schema, and where every chunk is, how long, and what is in it.

use std::collections::BTreeMap;
use std::fmt;

use super::column::ValuesRef;
use super::error::Damage;
use super::schema::{Field, Schema, ValueType};
use super::word::Word;
use super::{ALIGNMENT, MAX_BLOCK_ROWS};
use crate::Id;

/// A single value, for statistics. Those of one column compare as its values do.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Scalar {
    /// A number of an unsigned type or, as 0 and 1, a boolean.
    Unsigned(u64),
    /// A number of a signed type.
    Signed(i64),
    /// A float.
    Float(f64),
    /// An id.
    Id(Id),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// Smallest and largest of a chunk's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Statistics {
    pub(super) minimum: Scalar,
    pub(super) maximum: Scalar,
}

impl Statistics {
    /// Of integers, whose smallest and largest are known.
    pub(super) fn of_integers<W: Word>(minimum: W, maximum: W) -> Self {
        let scalar = |value: W| match W::LEAST == W::default() {
            true => Scalar::Unsigned(value.to_u64()),
            false => Scalar::Signed(value.to_u64() as i64),
        };
        Self { minimum: scalar(minimum), maximum: scalar(maximum) }
    }

    pub(super) fn of(values: ValuesRef<'_>) -> Option<Self> {
        fn ends<W: Word>(values: &[W]) -> Option<Statistics> {
            W::ends(values).map(|(minimum, maximum)| Statistics::of_integers(minimum, maximum))
        }
        fn id_ends(ids: &[Id]) -> Option<Statistics> {
            // As numbers they compare faster than as bytes.
            let numbers = || ids.iter().map(|id| u128::from_be_bytes(id.0));
            let scalar = |number: u128| Scalar::Id(Id(number.to_be_bytes()));
            Some(Statistics { minimum: scalar(numbers().min()?), maximum: scalar(numbers().max()?) })
        }
        fn float_ends(values: impl Iterator<Item = f64>) -> Option<Statistics> {
            // What is not a number is neither less nor greater.
            let (minimum, maximum) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (if value < low { value } else { low }, if value > high { value } else { high })
            });
            (minimum <= maximum)
                .then_some(Statistics { minimum: Scalar::Float(minimum), maximum: Scalar::Float(maximum) })
        }
        match values {
            ValuesRef::Bool(values) => ends::<u8>(bytemuck::cast_slice(values)),
            ValuesRef::U8(values) => ends(values),
            ValuesRef::U16(values) => ends(values),
            ValuesRef::U32(values) => ends(values),
            ValuesRef::U64(values) => ends(values),
            ValuesRef::I64(values) => ends(values),
            ValuesRef::F32(values) => float_ends(values.iter().map(|&value| value.into())),
            ValuesRef::F64(values) => float_ends(values.iter().copied()),
            ValuesRef::Id(values) => id_ends(values),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ChunkEntry {
    /// Bytes, padding included.
    pub(super) length: u32,
    pub(super) data_length: u32,
    pub(super) description_length: u32,
    pub(super) values: u32,
    pub(super) checksum: u64,
    pub(super) statistics: Option<Statistics>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockEntry {
    pub(super) rows: u32,
    pub(super) chunks: Vec<ChunkEntry>,
}

fn write_scalar(value: Scalar, value_type: ValueType, bytes: &mut Vec<u8>) {
    match (value, value_type) {
        (Scalar::Float(value), ValueType::F32) => bytes.extend_from_slice(&(value as f32).to_le_bytes()),
        (Scalar::Float(value), _) => bytes.extend_from_slice(&value.to_le_bytes()),
        (Scalar::Unsigned(value), value_type) => bytes.extend_from_slice(&value.to_le_bytes()[..value_type.width()]),
        (Scalar::Signed(value), _) => bytes.extend_from_slice(&value.to_le_bytes()),
        (Scalar::Id(id), _) => bytes.extend_from_slice(&id.0),
    }
}

fn write_string(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// The footer's bytes.
pub(super) fn write(schema: &Schema, blocks: &[BlockEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_string(&schema.kind, &mut bytes);
    bytes.extend_from_slice(&(schema.fields.len() as u16).to_le_bytes());
    for field in &schema.fields {
        write_string(&field.name, &mut bytes);
        bytes.extend_from_slice(&[field.value as u8, u8::from(field.list)]);
    }
    bytes.extend_from_slice(&(schema.metadata.len() as u16).to_le_bytes());
    for (key, value) in &schema.metadata {
        write_string(key, &mut bytes);
        write_string(value, &mut bytes);
    }
    bytes.extend_from_slice(&(blocks.len() as u32).to_le_bytes());
    for block in blocks {
        bytes.extend_from_slice(&block.rows.to_le_bytes());
        for (chunk, field) in block.chunks.iter().zip(&schema.fields) {
            for number in [chunk.length, chunk.data_length, chunk.description_length, chunk.values] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&chunk.checksum.to_le_bytes());
            bytes.push(u8::from(chunk.statistics.is_some()));
            if let Some(Statistics { minimum, maximum }) = chunk.statistics {
                write_scalar(minimum, field.value, &mut bytes);
                write_scalar(maximum, field.value, &mut bytes);
            }
        }
    }
    bytes
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn damage<T>(&self, what: impl Into<String>) -> Result<T, Damage> {
        Err(Damage::new(self.at, what))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..length)) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => self.damage("the footer ends too early"),
        }
    }

    /// A little-endian number of `width` (at most 8) bytes.
    fn number(&mut self, width: usize) -> Result<u64, Damage> {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn small(&mut self) -> Result<u32, Damage> {
        Ok(self.number(4)? as u32)
    }

    fn flag(&mut self) -> Result<bool, Damage> {
        match self.number(1)? {
            0 => Ok(false),
            1 => Ok(true),
            other => self.damage(format!("{other} where 0 or 1 is due")),
        }
    }

    fn string(&mut self) -> Result<String, Damage> {
        let length = self.small()? as usize;
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => self.damage("a name that is not UTF-8"),
        }
    }

    fn scalar(&mut self, value_type: ValueType) -> Result<Scalar, Damage> {
        Ok(match value_type {
            ValueType::F32 => Scalar::Float(f32::from_bits(self.small()?).into()),
            ValueType::F64 => Scalar::Float(f64::from_bits(self.number(8)?)),
            ValueType::Id => {
                let mut id = Id::default();
                id.0.copy_from_slice(self.take(16)?);
                Scalar::Id(id)
            }
            ValueType::I64 => Scalar::Signed(self.number(8)? as i64),
            _ => Scalar::Unsigned(self.number(value_type.width())?),
        })
    }

    fn schema(&mut self) -> Result<Schema, Damage> {
        let kind = self.string()?;
        let mut schema = Schema { kind, fields: Vec::new(), metadata: BTreeMap::new() };
        for _ in 0..self.number(2)? {
            let (name, code) = (self.string()?, self.number(1)?);
            let Some(&value) = ValueType::ALL.get(code as usize) else {
                return self.damage(format!("unknown value type {code}"));
            };
            schema.fields.push(Field { name, value, list: self.flag()? });
        }
        for _ in 0..self.number(2)? {
            let (key, value) = (self.string()?, self.string()?);
            if schema.metadata.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return self.damage(format!("metadata key {key:?} comes twice or out of order"));
            }
            schema.metadata.insert(key, value);
        }
        match schema.check() {
            Ok(()) => Ok(schema),
            Err(error) => self.damage(error.to_string()),
        }
    }

    fn chunk(&mut self, field: &Field, rows: u32) -> Result<ChunkEntry, Damage> {
        let (length, data_length, description_length) = (self.small()?, self.small()?, self.small()?);
        let used = u64::from(data_length) + u64::from(description_length);
        if used.next_multiple_of(ALIGNMENT as u64) != u64::from(length) {
            return self.damage(format!("a chunk of {length} bytes with {used} bytes in it"));
        }
        let (values, checksum) = (self.small()?, self.number(8)?);
        if !field.list && values != rows {
            return self.damage(format!("{values} values in {rows} rows of column {:?}", field.name));
        }
        let statistics = match self.flag()? {
            true => Some(Statistics { minimum: self.scalar(field.value)?, maximum: self.scalar(field.value)? }),
            false => None,
        };
        Ok(ChunkEntry { length, data_length, description_length, values, checksum, statistics })
    }

    fn block(&mut self, schema: &Schema) -> Result<BlockEntry, Damage> {
        let rows = self.small()?;
        if rows == 0 || rows as usize > MAX_BLOCK_ROWS {
            return self.damage(format!("a block of {rows} rows"));
        }
        let chunks = schema.fields.iter().map(|field| self.chunk(field, rows)).collect::<Result<_, _>>()?;
        Ok(BlockEntry { rows, chunks })
    }
}

/// Reads a footer.
pub(super) fn read(bytes: &[u8]) -> Result<(Schema, Vec<BlockEntry>), Damage> {
    let mut input = Input { bytes, at: 0 };
    let schema = input.schema()?;
    let mut blocks = Vec::new();
    for _ in 0..input.small()? {
        blocks.push(input.block(&schema)?);
    }
    if input.at != bytes.len() {
        return input.damage("the footer goes on after its last block");
    }
    Ok((schema, blocks))
}
