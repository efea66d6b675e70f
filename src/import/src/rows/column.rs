//! A column of a log by its name or its path through nested columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeListArray, ListArray, RecordBatch, StructArray, make_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};

/// The type of the column at `path`, as [`find`] gives it; `None` if there is none.
pub(crate) fn type_at(schema: &Schema, path: &str) -> Option<DataType> {
    in_fields(&schema.fields, path)
}

fn in_fields(fields: &Fields, path: &str) -> Option<DataType> {
    if let Some((_, field)) = fields.find(path) {
        return Some(field.data_type().clone());
    }
    splits(path).find_map(|(first, rest)| {
        let (_, field) = fields.find(first)?;
        in_type(field.data_type(), rest)
    })
}

fn in_type(data_type: &DataType, path: &str) -> Option<DataType> {
    let list =
        |item: &FieldRef| in_type(item.data_type(), path).map(|inner| Arc::new(Field::new_list_field(inner, true)));
    match data_type {
        DataType::Struct(fields) => in_fields(fields, path),
        DataType::List(item) => Some(DataType::List(list(item)?)),
        DataType::LargeList(item) => Some(DataType::LargeList(list(item)?)),
        _ => None,
    }
}

/// The column at `path`: a name; or, where no column has this name, the names of nested columns with dots between them.
/// A path through a list gives a list.
pub(crate) fn find(batch: &RecordBatch, path: &str) -> Option<ArrayRef> {
    if let Some(column) = batch.column_by_name(path) {
        return Some(Arc::clone(column));
    }
    splits(path).find_map(|(first, rest)| within(batch.column_by_name(first)?, rest))
}

/// The top-level column that a path leads through.
pub(crate) fn top_level<'p>(schema: &Schema, path: &'p str) -> Option<&'p str> {
    if schema.fields.find(path).is_some() {
        return Some(path);
    }
    splits(path)
        .find(|(first, rest)| {
            schema.fields.find(first).is_some_and(|(_, field)| in_type(field.data_type(), rest).is_some())
        })
        .map(|(first, _)| first)
}

/// A path as its first name and the rest, for every dot: a name may have dots, too.
fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('.').map(|(dot, _)| (&path[..dot], &path[dot + 1..]))
}

fn within(array: &ArrayRef, path: &str) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::Struct(_) => in_struct(array.as_struct(), path),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let values = within(list.values(), path)?;
            let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
            Some(Arc::new(ListArray::new(field, list.offsets().clone(), values, list.nulls().cloned())))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let values = within(list.values(), path)?;
            let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
            Some(Arc::new(LargeListArray::new(field, list.offsets().clone(), values, list.nulls().cloned())))
        }
        _ => None,
    }
}

fn in_struct(array: &StructArray, path: &str) -> Option<ArrayRef> {
    let child = |name: &str| array.column_by_name(name).map(|child| with_nulls_of(array, child));
    child(path).or_else(|| splits(path).find_map(|(first, rest)| within(&child(first)?, rest)))
}

/// A child that is null where its parent is.
fn with_nulls_of(parent: &StructArray, child: &ArrayRef) -> ArrayRef {
    if parent.null_count() == 0 || child.data_type() == &DataType::Null {
        return Arc::clone(child);
    }
    let nulls = NullBuffer::union(parent.nulls(), child.nulls());
    let data = child.to_data().into_builder().nulls(nulls);
    // Other nulls leave the data as valid as they were.
    data.build().map_or_else(|_| Arc::clone(child), make_array)
}

/// The names of all columns, nested ones by their path, for messages and guesses.
pub(crate) fn paths(schema: &Schema) -> Vec<(String, DataType)> {
    fn add(prefix: &str, fields: &Fields, to: &mut Vec<(String, DataType)>) {
        for field in fields {
            let path = format!("{prefix}{}", field.name());
            let inner = match field.data_type() {
                DataType::Struct(inner) => Some(inner),
                DataType::List(item) | DataType::LargeList(item) => match item.data_type() {
                    DataType::Struct(inner) => Some(inner),
                    _ => None,
                },
                _ => None,
            };
            match inner {
                Some(inner) => add(&format!("{path}."), inner, to),
                None => to.push((path, field.data_type().clone())),
            }
        }
    }
    let mut all = Vec::new();
    add("", &schema.fields, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use arrow_buffer::OffsetBuffer;

    use super::*;

    #[test]
    fn paths_lead_through_nested_columns() {
        let name: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b")]));
        let fields = Fields::from(vec![Field::new("name", DataType::Utf8, true)]);
        let user: ArrayRef =
            Arc::new(StructArray::new(fields.clone(), vec![Arc::clone(&name)], Some(vec![true, false].into())));
        let item = Arc::new(Field::new_list_field(DataType::Struct(fields.clone()), true));
        let inner = Arc::new(StructArray::new(fields, vec![name], None));
        let list: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([2, 0]), inner, None));
        let dotted: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("user", user), ("tags", list), ("a.b", dotted)]).unwrap();
        let found = find(&batch, "user.name").unwrap();
        assert_eq!(found.as_string::<i32>(), &StringArray::from(vec![Some("a"), None]));
        let tags = find(&batch, "tags.name").unwrap();
        assert_eq!(tags.as_list::<i32>().value_length(0), 2);
        assert_eq!(type_at(&batch.schema(), "tags.name").as_ref(), Some(tags.data_type()));
        assert!(find(&batch, "a.b").is_some() && find(&batch, "user.none").is_none());
        assert_eq!(top_level(&batch.schema(), "user.name"), Some("user"));
        let names: Vec<String> = paths(&batch.schema()).into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, ["user.name", "tags.name", "a.b"]);
    }
}
