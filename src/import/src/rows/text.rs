//! Columns of texts, and of what can be written as one: ids, words.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_cast::cast;
use arrow_schema::{DataType, Field};

/// A column as texts.
pub(super) struct Texts {
    texts: StringArray,
    /// Which values the column has, where some of them are no text.
    present: Option<NullBuffer>,
}

impl Texts {
    /// A column as texts: numbers in decimal, 16 bytes as a UUID.
    ///
    /// # Errors
    /// A type that has no such text.
    pub(super) fn new(array: &ArrayRef) -> Result<Self, String> {
        let all = |texts: StringArray| Self { texts, present: None };
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Ok(all(texts.clone()));
        }
        match array.data_type() {
            DataType::FixedSizeBinary(16) => {
                let bytes = array.as_fixed_size_binary();
                let uuid = |row: usize| bytes.is_valid(row).then(|| uuid(bytes.value(row)));
                Ok(all((0..bytes.len()).map(uuid).collect()))
            }
            data_type if is_text_like(data_type) => {
                let texts = cast(array, &DataType::Utf8).map_err(|error| error.to_string())?;
                let nulls = array.logical_nulls();
                // Bytes that are no UTF-8 become null.
                let lost = texts.null_count() > nulls.as_ref().map_or(0, NullBuffer::null_count);
                let present = lost.then(|| nulls.unwrap_or_else(|| NullBuffer::new_valid(array.len())));
                Ok(Self { texts: texts.as_string::<i32>().clone(), present })
            }
            other => Err(format!("is a column of {other}, of which no text can be made")),
        }
    }

    /// The text of a row, `None` for null.
    ///
    /// # Errors
    /// Bytes that are no text.
    pub(super) fn get(&self, row: usize) -> Result<Option<&str>, String> {
        if self.texts.is_valid(row) {
            return Ok(Some(self.texts.value(row)));
        }
        match &self.present {
            Some(present) if present.is_valid(row) => Err("is no UTF-8: write texts as UTF-8".into()),
            _ => Ok(None),
        }
    }
}

/// Whether a column of this type can be written as texts.
pub(super) fn is_text_like(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_text_like(values),
        DataType::FixedSizeBinary(width) => *width == 16,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::Boolean | DataType::Null => true,
        other => other.is_integer(),
    }
}

/// 8-4-4-4-12 lower-case hexadecimal digits.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 0xF].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
    }
    text
}

/// A column of lists of texts: lists as they are, or texts with something between the items.
pub(super) enum TextLists<'s> {
    Lists { lists: ListArray, items: Texts },
    Joined { texts: Texts, split: Option<&'s str> },
}

impl<'s> TextLists<'s> {
    /// Takes a column apart.
    ///
    /// # Errors
    /// A type that is no list of texts.
    pub(super) fn new(array: &ArrayRef, split: Option<&'s str>) -> Result<Self, String> {
        let Some(item) = item_type(array.data_type()) else {
            return Ok(Self::Joined { texts: Texts::new(array)?, split });
        };
        if !is_text_like(item) {
            return Err(format!("is a column of lists of {item}, of which no texts can be made"));
        }
        let lists = to_lists(array)?;
        let items = Texts::new(lists.values())?;
        Ok(Self::Lists { lists, items })
    }

    /// Shows the items of a row; `None` stands for a null one, an error for one that is no text. An empty or null list
    /// has none.
    pub(super) fn each<E>(
        &self,
        row: usize,
        mut item: impl FnMut(Result<Option<&str>, String>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Lists { lists, items } => {
                if lists.is_null(row) {
                    return Ok(());
                }
                let offsets = lists.value_offsets();
                let mut range = offsets[row] as usize..offsets[row + 1] as usize;
                range.try_for_each(|index| item(items.get(index)))
            }
            Self::Joined { texts, split } => {
                let text = match texts.get(row) {
                    Ok(text) => text.unwrap_or_default(),
                    Err(what) => return item(Err(what)),
                };
                match split {
                    _ if text.is_empty() => Ok(()),
                    Some(split) => text
                        .split(split)
                        .map(str::trim)
                        .filter(|one| !one.is_empty())
                        .try_for_each(|one| item(Ok(Some(one)))),
                    None => item(Ok(Some(text))),
                }
            }
        }
    }
}

/// The type of a list's items.
pub(super) fn item_type(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => Some(item.data_type()),
        _ => None,
    }
}

/// Lists of any kind as lists with 32-bit offsets.
///
/// # Errors
/// What cannot be one.
pub(super) fn to_lists(array: &ArrayRef) -> Result<ListArray, String> {
    if let Some(lists) = array.as_list_opt::<i32>() {
        return Ok(lists.clone());
    }
    let item = item_type(array.data_type()).cloned().unwrap_or(DataType::Null);
    let wanted = DataType::List(Arc::new(Field::new_list_field(item, true)));
    let lists = cast(array, &wanted).map_err(|error| error.to_string())?;
    Ok(lists.as_list::<i32>().clone())
}
