//! What a file holds: its kind, its fields and its string metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::ColumnarError;

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// True or false.
    Bool = 0,
    /// Unsigned, 8 bits.
    U8 = 1,
    /// Unsigned, 16 bits.
    U16 = 2,
    /// Unsigned, 32 bits.
    U32 = 3,
    /// Unsigned, 64 bits.
    U64 = 4,
    /// IEEE 754, 32 bits.
    F32 = 5,
    /// IEEE 754, 64 bits.
    F64 = 6,
    /// A 128-bit [`Id`](crate::Id).
    Id = 7,
    /// Signed, 64 bits.
    I64 = 8,
}

impl ValueType {
    /// All types, by discriminant.
    pub const ALL: [Self; 9] =
        [Self::Bool, Self::U8, Self::U16, Self::U32, Self::U64, Self::F32, Self::F64, Self::Id, Self::I64];

    /// The type's name, as `COLUMNAR.md` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Id => "id",
            Self::I64 => "i64",
        }
    }

    /// Bytes a value takes when plain.
    pub const fn width(self) -> usize {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
            Self::U64 | Self::F64 | Self::I64 => 8,
            Self::Id => 16,
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A column: its name, its values' type, and whether a row holds a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Unique in its schema, not empty.
    pub name: String,
    /// Type of the values.
    pub value: ValueType,
    /// Whether a row holds a list of values instead of one.
    pub list: bool,
}

impl Field {
    /// A column with one value a row.
    pub fn flat(name: impl Into<String>, value: ValueType) -> Self {
        Self { name: name.into(), value, list: false }
    }

    /// A column with a list of values a row.
    pub fn list(name: impl Into<String>, value: ValueType) -> Self {
        Self { name: name.into(), value, list: true }
    }
}

/// A column's type in words.
pub(super) fn type_name(value: ValueType, list: bool) -> String {
    if list { format!("list of {value}") } else { value.to_string() }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The kind of file: `part`, `features`, `similar`, `codes`, …
    pub kind: String,
    /// The columns, in the order in which they are stored.
    pub fields: Vec<Field>,
    /// Anything else a reader of this kind of file needs to know.
    pub metadata: BTreeMap<String, String>,
}

impl Schema {
    /// A schema without metadata.
    pub fn new(kind: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { kind: kind.into(), fields, metadata: BTreeMap::new() }
    }

    /// Refuses what the format cannot hold.
    pub(super) fn check(&self) -> Result<(), ColumnarError> {
        let limit = usize::from(u16::MAX);
        if self.fields.is_empty() || self.fields.len() > limit || self.metadata.len() > limit {
            return Err(ColumnarError::Shape(format!("a schema has 1 to {limit} fields and at most {limit} metadata")));
        }
        let mut names = BTreeSet::new();
        for field in &self.fields {
            if field.name.is_empty() || !names.insert(&field.name) {
                return Err(ColumnarError::Shape(format!("field name {:?} is empty or used twice", field.name)));
            }
        }
        Ok(())
    }
}
