//! Columns in memory, owned and borrowed.

use super::ValueType;
use crate::{Id, Lists};

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Values {
    Bool(Vec<bool>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Id(Vec<Id>),
    I64(Vec<i64>),
}

/// The values of a column, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum ValuesRef<'a> {
    Bool(&'a [bool]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Id(&'a [Id]),
    I64(&'a [i64]),
}

/// A column of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// One value a row.
    Flat(Values),
    /// A list a row: row `i` holds `values[offsets[i]..offsets[i + 1]]`.
    List {
        /// One more than there are rows; ascending from 0 to the number of values.
        offsets: Vec<u32>,
        /// All lists' values.
        values: Values,
    },
}

/// A column of a block, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnRef<'a> {
    /// One value a row.
    Flat(ValuesRef<'a>),
    /// A list a row: row `i` holds `values[offsets[i]..offsets[i + 1]]`.
    List {
        /// One more than there are rows; ascending from 0 to the number of values.
        offsets: &'a [u32],
        /// All lists' values.
        values: ValuesRef<'a>,
    },
}

/// Does the same for every type of values: `each!(values, Values, v => expression)`.
macro_rules! each {
    ($values:expr, $kind:ident, $name:ident => $action:expr) => {
        match $values {
            $kind::Bool($name) => $action,
            $kind::U8($name) => $action,
            $kind::U16($name) => $action,
            $kind::U32($name) => $action,
            $kind::U64($name) => $action,
            $kind::F32($name) => $action,
            $kind::F64($name) => $action,
            $kind::Id($name) => $action,
            $kind::I64($name) => $action,
        }
    };
}
pub(super) use each;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type whose values a column can hold.
pub trait Element: Copy + PartialEq + sealed::Sealed + 'static {
    /// The column type.
    const TYPE: ValueType;
    /// Values of this type as a column's.
    fn into_values(values: Vec<Self>) -> Values;
    /// A column's values, if they are of this type.
    fn from_values(values: Values) -> Option<Vec<Self>>;
    /// Values of this type as a column's, borrowed.
    fn borrow(values: &[Self]) -> ValuesRef<'_>;
}

macro_rules! element {
    ($($rust:ty => $variant:ident),*) => {$(
        impl sealed::Sealed for $rust {}
        impl Element for $rust {
            const TYPE: ValueType = ValueType::$variant;
            fn into_values(values: Vec<Self>) -> Values {
                Values::$variant(values)
            }
            fn from_values(values: Values) -> Option<Vec<Self>> {
                match values {
                    Values::$variant(values) => Some(values),
                    _ => None,
                }
            }
            fn borrow(values: &[Self]) -> ValuesRef<'_> {
                ValuesRef::$variant(values)
            }
        }
    )*};
}
element!(bool => Bool, u8 => U8, u16 => U16, u32 => U32, u64 => U64, f32 => F32, f64 => F64, Id => Id, i64 => I64);

impl Values {
    /// The same values, borrowed.
    pub fn as_ref(&self) -> ValuesRef<'_> {
        each!(self, Values, values => Element::borrow(values))
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ValuesRef<'_> {
    /// Type of the values.
    pub fn value_type(&self) -> ValueType {
        fn of<T: Element>(_: &[T]) -> ValueType {
            T::TYPE
        }
        each!(self, ValuesRef, values => of(values))
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        each!(self, ValuesRef, values => values.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Column {
    /// The same column, borrowed.
    pub fn as_ref(&self) -> ColumnRef<'_> {
        match self {
            Self::Flat(values) => ColumnRef::Flat(values.as_ref()),
            Self::List { offsets, values } => ColumnRef::List { offsets, values: values.as_ref() },
        }
    }
}

impl<'a> ColumnRef<'a> {
    /// A column with one value a row.
    pub fn flat<T: Element>(values: &'a [T]) -> Self {
        Self::Flat(T::borrow(values))
    }

    /// A column with a list a row.
    pub fn lists<T: Element>(lists: &'a Lists<T>) -> Self {
        Self::List { offsets: lists.offsets(), values: T::borrow(lists.values()) }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Flat(values) => values.len(),
            Self::List { offsets, .. } => offsets.len().saturating_sub(1),
        }
    }

    /// The values: a row's or, for lists, all lists' items.
    pub fn values(&self) -> ValuesRef<'a> {
        match *self {
            Self::Flat(values) | Self::List { values, .. } => values,
        }
    }
}
