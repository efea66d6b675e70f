//! Columns of numbers, flags and times.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit as ArrowUnit};

use super::text::{Texts, is_text_like};
use crate::mapping::TimeFormat;

/// A column of scalars, by what its values are in the log.
pub(super) enum Scalars {
    Flags(BooleanArray),
    Integers(Int64Array),
    Floats(Float64Array),
    Texts(Texts),
    /// Seconds are `value / per_second`, in UTC if `zoned`, else in the zone of the mapping.
    Times {
        values: Int64Array,
        per_second: i64,
        zoned: bool,
    },
    /// Days since 1970.
    Dates(Int64Array),
}

/// A value of a column of scalars.
pub(super) enum Scalar<'a> {
    Null,
    Flag(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Time { value: i64, per_second: i64, zoned: bool },
    Date(i64),
}

impl Scalars {
    /// Takes a column apart.
    ///
    /// # Errors
    /// A type that holds no scalars.
    pub(super) fn new(array: &ArrayRef) -> Result<Self, String> {
        let integers = |array: &ArrayRef| {
            let integers = cast(array, &DataType::Int64).map_err(|error| error.to_string())?;
            Ok::<_, String>(integers.as_primitive::<Int64Type>().clone())
        };
        Ok(match array.data_type() {
            DataType::Boolean => Self::Flags(array.as_boolean().clone()),
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>();
                Self::Dates(days.unary(i64::from))
            }
            DataType::Date64 => Self::Times { values: integers(array)?, per_second: 1000, zoned: true },
            DataType::Timestamp(unit, zone) => {
                let per_second = match unit {
                    ArrowUnit::Second => 1,
                    ArrowUnit::Millisecond => 1_000,
                    ArrowUnit::Microsecond => 1_000_000,
                    ArrowUnit::Nanosecond => 1_000_000_000,
                };
                Self::Times { values: integers(array)?, per_second, zoned: zone.is_some() }
            }
            DataType::Dictionary(_, values) if !is_text_like(values) => {
                Self::new(&cast(array, values).map_err(|error| error.to_string())?)?
            }
            data_type if data_type.is_integer() => {
                let integers = integers(array)?;
                // What 64 bits with a sign do not hold stays as it is written.
                let fit = integers.null_count() == array.null_count();
                if fit { Self::Integers(integers) } else { Self::Texts(Texts::new(array)?) }
            }
            data_type if data_type.is_floating() || is_decimal(data_type) => {
                let floats = cast(array, &DataType::Float64).map_err(|error| error.to_string())?;
                Self::Floats(floats.as_primitive::<Float64Type>().clone())
            }
            DataType::FixedSizeBinary(_) => return Err("is a column of bytes, which are no numbers".into()),
            data_type if is_text_like(data_type) => Self::Texts(Texts::new(array)?),
            other => return Err(format!("is a column of {other}, which is neither a number nor a time")),
        })
    }

    /// The value of a row.
    ///
    /// # Errors
    /// Bytes that are no text.
    pub(super) fn get(&self, row: usize) -> Result<Scalar<'_>, String> {
        let array: &dyn Array = match self {
            Self::Flags(values) => values,
            Self::Integers(values) | Self::Times { values, .. } | Self::Dates(values) => values,
            Self::Floats(values) => values,
            Self::Texts(texts) => return Ok(texts.get(row)?.map_or(Scalar::Null, Scalar::of_text)),
        };
        if array.is_null(row) {
            return Ok(Scalar::Null);
        }
        Ok(match self {
            Self::Flags(values) => Scalar::Flag(values.value(row)),
            Self::Integers(values) => Scalar::Integer(values.value(row)),
            // A table with missing integers often holds them as floats.
            Self::Floats(values) if values.value(row).is_nan() => Scalar::Null,
            Self::Floats(values) => Scalar::Float(values.value(row)),
            Self::Texts(_) => Scalar::Null,
            Self::Times { values, per_second, zoned } => {
                Scalar::Time { value: values.value(row), per_second: *per_second, zoned: *zoned }
            }
            Self::Dates(values) => Scalar::Date(values.value(row)),
        })
    }
}

pub(super) fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..)
    )
}

impl<'a> Scalar<'a> {
    /// A text; CSV writes null as an empty one.
    pub(super) fn of_text(text: &'a str) -> Self {
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }

    /// A whole number; `None` for null.
    pub(super) fn number(&self) -> Result<Option<i64>, String> {
        match *self {
            Self::Null => Ok(None),
            Self::Integer(number) => Ok(Some(number)),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => Ok(Some(number as i64)),
            Self::Float(number) => Err(no_number(&number)),
            Self::Text(text) => {
                let whole = text.parse::<i64>().ok();
                let float = || text.parse::<f64>().ok().filter(|float| float.fract() == 0.0 && float.abs() < 9.2e18);
                let number = whole.or_else(|| float().map(|float| float as i64));
                number.map(Some).ok_or_else(|| no_number(&format_args!("`{text}`")))
            }
            Self::Flag(_) => Err("true and false are no numbers".into()),
            Self::Time { .. } | Self::Date(_) => Err("a time is no number".into()),
        }
    }

    /// Yes or no; `None` for null.
    pub(super) fn flag(&self) -> Result<Option<bool>, String> {
        match *self {
            Self::Null => Ok(None),
            Self::Flag(flag) => Ok(Some(flag)),
            Self::Integer(number @ (0 | 1)) => Ok(Some(number == 1)),
            Self::Float(number) if number == 0.0 || number == 1.0 => Ok(Some(number == 1.0)),
            Self::Text(text) => flag_of(text).map(Some).ok_or_else(|| no_flag(&format_args!("`{text}`"))),
            Self::Integer(number) => Err(no_flag(&number)),
            Self::Float(number) => Err(no_flag(&number)),
            Self::Time { .. } | Self::Date(_) => Err("a time is neither true nor false".into()),
        }
    }

    /// Unix seconds; `None` for null.
    pub(super) fn time(&self, format: &TimeFormat) -> Result<Option<i64>, String> {
        match *self {
            Self::Null => Ok(None),
            Self::Integer(number) => format.of_number(number).map(Some),
            Self::Float(number) => format.of_float(number).map(Some),
            Self::Text(text) => format.of_text(text).map(Some),
            Self::Flag(_) => Err("true and false are no times".into()),
            Self::Date(days) => format.of_date(days.saturating_mul(86_400)).map(Some),
            Self::Time { value, per_second, zoned } => {
                let seconds = value.div_euclid(per_second);
                if zoned { Ok(Some(seconds)) } else { format.of_local(seconds).map(Some) }
            }
        }
    }

    /// The time of a reaction, if it has one of its own.
    pub(super) fn reaction(&self, format: &TimeFormat) -> Result<Reacted, String> {
        let flag = match *self {
            Self::Null => return Ok(Reacted::Not),
            Self::Flag(flag) => Some(flag),
            // 0 and 1 are how tables write yes and no, unless somebody says that they count something.
            Self::Integer(number @ (0 | 1)) if format.unit.is_none() => Some(number == 1),
            Self::Float(number) if format.unit.is_none() && (number == 0.0 || number == 1.0) => Some(number == 1.0),
            Self::Text(text) if format.unit.is_none() => flag_of(text),
            _ => None,
        };
        Ok(match flag {
            Some(true) => Reacted::Sometime,
            Some(false) => Reacted::Not,
            None => self.time(format)?.map_or(Reacted::Not, Reacted::At),
        })
    }
}

/// Whether a reader reacted, and when.
pub(super) enum Reacted {
    Not,
    Sometime,
    At(i64),
}

fn no_number(value: &dyn fmt::Display) -> String {
    format!("{value} is no whole number of 64 bits: correct it, or map another column")
}

fn no_flag(value: &dyn fmt::Display) -> String {
    format!("{value} is neither true nor false: write true and false, or 1 and 0")
}

fn flag_of(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match () {
        () if is(&["true", "1", "t", "yes", "y"]) => Some(true),
        () if is(&["false", "0", "f", "no", "n"]) => Some(false),
        () => None,
    }
}
