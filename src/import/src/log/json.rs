//! Logs with a JSON object a line.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_json::reader::{Decoder, infer_json_schema_from_iterator};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::Value;

use super::chunks::DecodeLines;
use crate::mapping::{Kind, LogField, Mapping};
use crate::rows::type_at;

/// Lines from which the shape of nested columns is seen.
const SAMPLE_LINES: usize = 1000;

const MORE: &str = "the line holds more than one object: write one a line (`jq -c .`)";

/// Reads lines as rows of a schema.
pub(super) struct JsonLines {
    schema: SchemaRef,
    decoder: Option<Decoder>,
}

impl JsonLines {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, decoder: None }
    }
}

impl DecodeLines for JsonLines {
    fn decode(&mut self, lines: &[u8], _rows: usize) -> Result<Option<RecordBatch>, String> {
        // One more than there should be, so that a second object in a line is seen.
        let builder = || ReaderBuilder::new(Arc::clone(&self.schema)).with_coerce_primitive(true);
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => builder().with_batch_size(super::CHUNK + 1).build_decoder().map_err(reason)?,
        };
        let mut at = 0;
        while at < lines.len() {
            match decoder.decode(&lines[at..]).map_err(reason)? {
                0 => return Err(MORE.into()),
                read => at += read,
            }
        }
        if decoder.has_partial_record() {
            return Err("the object does not end in this line: write one a line (`jq -c .`)".into());
        }
        let batch = decoder.flush().map_err(reason)?;
        // After an error, a decoder holds what it has read.
        self.decoder = Some(decoder);
        Ok(batch)
    }
}

fn reason(error: arrow_schema::ArrowError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Json error: ").unwrap_or(&text);
    format!("is no JSON object with the columns of the first lines ({text}): correct the line")
}

/// The columns that a mapping takes of a log, as texts, in the shape that its first lines have.
///
/// # Errors
/// What is wrong with the first lines.
pub(super) fn schema_of(sample: &[u8], mapping: Option<&Mapping>) -> Result<SchemaRef, String> {
    if sample.trim_ascii_start().starts_with(b"[") {
        return Err("is a JSON array, and an object a line is read: write it so (`jq -c '.[]'`)".into());
    }
    let seen = shape_of(&objects(sample)?);
    let Some(mapping) = mapping else { return Ok(Arc::new(seen)) };
    let mut wanted: Vec<Field> = Vec::new();
    for (field, column) in mapping.columns() {
        let default = if is_list(field, mapping) { DataType::new_list(DataType::Utf8, true) } else { DataType::Utf8 };
        let found = type_at(&seen, column).filter(|found| !matches!(found, DataType::Null)).map(as_text);
        add(&mut wanted, &seen, column, found.unwrap_or(default)).map_err(|inner| {
            format!(
                "the path `{column}` ({}) leads into `{inner}`, which holds no objects: map another column",
                field.name()
            )
        })?;
    }
    for column in &mapping.keep {
        if type_at(&Schema::new(wanted.clone()), column).is_none() {
            let found = type_at(&seen, column).filter(|found| !matches!(found, DataType::Null));
            add(&mut wanted, &seen, column, found.unwrap_or(DataType::Utf8)).map_err(|inner| {
                format!("the path `{column}` (keep) leads into `{inner}`, which holds no objects: keep another column")
            })?;
        }
    }
    Ok(Arc::new(Schema::new(wanted)))
}

/// The objects of the first lines. A line that is none is not looked at: who reads the rows will find it.
///
/// # Errors
/// No line is an object.
fn objects(sample: &[u8]) -> Result<Vec<Value>, String> {
    let lines = sample.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(SAMPLE_LINES);
    let (mut objects, mut first) = (Vec::new(), None);
    for line in lines {
        match serde_json::from_slice(line) {
            Ok(object @ Value::Object(_)) => objects.push(object),
            Ok(_) => {}
            Err(error) if first.is_none() => first = Some(error),
            Err(_) => {}
        }
    }
    if !objects.is_empty() {
        return Ok(objects);
    }
    match first {
        Some(error) if error.is_eof() => Err("its first line is no whole JSON object, and an object a line is read: \
                                              write it so (`jq -c .`)"
            .into()),
        _ => {
            Err("its first lines are no JSON objects: is it NDJSON, an object a line? (--format gives another format)"
                .into())
        }
    }
}

/// The columns of objects. Where their shapes contradict each other, those that come first count.
fn shape_of(objects: &[Value]) -> Schema {
    let objects_of = |objects: &[Value]| infer_json_schema_from_iterator(objects.iter().map(Ok));
    match objects_of(objects) {
        Ok(schema) => schema,
        Err(_) if objects.len() > 1 => shape_of(&objects[..objects.len() / 2]),
        Err(_) => Schema::empty(),
    }
}

fn is_list(field: LogField, mapping: &Mapping) -> bool {
    let split = mapping.field(field).is_some_and(|mapping| mapping.split.is_some());
    matches!(field.kind(), Kind::Ids | Kind::Tokens | Kind::Media) && !split
}

/// A type with texts in place of numbers and the like, which are read in whatever form a line has them.
fn as_text(data_type: DataType) -> DataType {
    match data_type {
        DataType::List(item) => DataType::new_list(as_text(item.data_type().clone()), true),
        DataType::Struct(fields) => DataType::Struct(fields),
        _ => DataType::Utf8,
    }
}

/// Adds a column of this type at `path`: in the nesting that was seen, else in one object for each dot.
///
/// # Errors
/// The name of a column within the path that holds no objects.
fn add<'p>(fields: &mut Vec<Field>, seen: &Schema, path: &'p str, leaf: DataType) -> Result<(), &'p str> {
    let seen_names = seen.fields();
    let whole = seen_names.find(path).is_some() || !path.contains('.');
    let (first, rest) = if whole { (path, None) } else { split(seen_names, path) };
    let at = fields.iter().position(|field| field.name() == first);
    let Some(rest) = rest else {
        if at.is_none() {
            fields.push(Field::new(first, leaf, true));
        }
        return Ok(());
    };
    let seen_type = seen_names.find(first).map(|(_, field)| field.data_type().clone());
    let item = seen_type.as_ref().map(|seen| if let DataType::List(item) = seen { item.data_type() } else { seen });
    if !matches!(item, None | Some(DataType::Struct(_) | DataType::Null)) {
        return Err(first);
    }
    let (in_list, seen_inner) = match &seen_type {
        Some(DataType::List(item)) => (true, inner_of(item.data_type())),
        Some(other) => (false, inner_of(other)),
        None => (false, Fields::empty()),
    };
    // Through a list, the leaf is one of its items.
    let leaf = match leaf {
        DataType::List(item) if in_list => item.data_type().clone(),
        leaf => leaf,
    };
    let known = at.map(|at| fields[at].data_type().clone());
    let known = match known {
        Some(DataType::List(item)) => inner_of(item.data_type()),
        Some(other) => inner_of(&other),
        None => Fields::empty(),
    };
    let mut inner: Vec<Field> = known.iter().map(|field| field.as_ref().clone()).collect();
    add(&mut inner, &Schema::new(seen_inner), rest, leaf)?;
    let object = DataType::Struct(inner.into());
    let nested = if in_list { DataType::new_list(object, true) } else { object };
    let field = Field::new(first, nested, true);
    match at {
        Some(at) => fields[at] = field,
        None => fields.push(field),
    }
    Ok(())
}

fn inner_of(data_type: &DataType) -> Fields {
    match data_type {
        DataType::Struct(fields) => fields.clone(),
        _ => Fields::empty(),
    }
}

/// A path at the dot behind a name that was seen, or at its first one.
fn split<'p>(seen: &Fields, path: &'p str) -> (&'p str, Option<&'p str>) {
    let splits = || path.match_indices('.').map(|(dot, _)| (&path[..dot], Some(&path[dot + 1..])));
    splits().find(|(first, _)| seen.find(first).is_some()).or_else(|| splits().next()).unwrap_or((path, None))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_schema_is_what_the_mapping_takes_in_the_shape_that_is_seen() {
        let sample = br#"{"id": 5, "post": {"text": "a", "tags": [{"t": "x"}], "n": 1}, "more": {"x": 1}, "kept": 2}"#;
        let text = "tweet: id\ntime: post.at\nauthor: a.b\nreader: r\nhashtags: post.tags.t\nlinks: l\nkeep: [kept]\n";
        let mapping = Mapping::parse(text, Path::new("m")).unwrap();
        let schema = schema_of(sample, Some(&mapping)).unwrap();
        let type_of = |path| type_at(&schema, path).unwrap();
        assert_eq!(
            (type_of("id"), type_of("post.at"), type_of("a.b")),
            (DataType::Utf8, DataType::Utf8, DataType::Utf8)
        );
        assert_eq!(type_of("post.tags.t"), DataType::new_list(DataType::Utf8, true));
        assert_eq!((type_of("l"), type_of("kept")), (DataType::new_list(DataType::Utf8, true), DataType::Int64));
        assert!(type_at(&schema, "more").is_none());
        let mut lines = JsonLines::new(schema);
        let two = b"{\"id\": 1, \"post\": {\"tags\": [{\"t\": true}]}}\n{\"id\": \"x\"}\n";
        assert_eq!(lines.decode(two, 2).unwrap().unwrap().num_rows(), 2);
        assert!(lines.decode(b"{\"id\": 1\n", 1).unwrap_err().contains("does not end"));
        assert_eq!(lines.decode(two, 2).unwrap().unwrap().num_rows(), 2);
        assert!(lines.decode(b"{\"id\": {}}\n", 1).is_err());
        assert!(schema_of(b"[{\"a\": 1}]", None).unwrap_err().contains("jq -c"));
    }
}
