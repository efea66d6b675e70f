//! Whether a log has the columns that its mapping names, and of types that their fields can be made of.

use std::path::Path;

use arrow_schema::{DataType, Schema};

use super::column::{paths, type_at};
use super::number::is_decimal;
use super::text::{is_text_like, item_type};
use crate::mapping::{Kind, Mapping, nearest};

/// All that is wrong between a log and its mapping, `None` if nothing is.
pub(crate) fn check_schema(schema: &Schema, mapping: &Mapping, log: &Path) -> Option<String> {
    let (mut problems, mut is_listed, known) = (Vec::new(), false, paths(schema));
    let kept = mapping.keep.iter().map(|column| (None, column.as_str()));
    for (field, column) in mapping.columns().map(|(field, column)| (Some(field), column)).chain(kept) {
        let name = field.map_or("keep", |field| field.name());
        match (type_at(schema, column), field) {
            (None, _) => {
                let near = nearest(column, known.iter().map(|(path, _)| path.as_str()));
                let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
                is_listed |= near.is_none();
                problems.push(format!("no column `{column}` for {name}{hint}"));
            }
            (Some(data_type), Some(field)) if !takes(field.kind(), &data_type) => {
                let what = wanted(field.kind());
                problems.push(format!(
                    "column `{column}` is of the type {data_type}, and {name} is made of {what}: map another column"
                ));
            }
            _ => {}
        }
    }
    if is_listed {
        problems.push(format!("map one of its columns: {}", listed(&known)));
    }
    (!problems.is_empty()).then(|| format!("{}: {}", log.display(), problems.join("; ")))
}

fn listed(columns: &[(String, DataType)]) -> String {
    const MOST: usize = 20;
    let names: Vec<&str> = columns.iter().take(MOST).map(|(path, _)| path.as_str()).collect();
    let more = if columns.len() > MOST { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

/// Whether a field of this kind can be made of a column of this type.
pub(crate) fn takes(kind: Kind, data_type: &DataType) -> bool {
    if let DataType::Dictionary(_, values) = data_type {
        return takes(kind, values);
    }
    let scalar = |data_type: &DataType| {
        is_text_like(data_type) && !matches!(data_type, DataType::FixedSizeBinary(_))
            || data_type.is_numeric()
            || is_decimal(data_type)
    };
    let time = matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
    match kind {
        Kind::Id | Kind::Text | Kind::Type => is_text_like(data_type),
        Kind::Ids | Kind::Tokens | Kind::Media => is_text_like(item_type(data_type).unwrap_or(data_type)),
        Kind::Time => time || scalar(data_type) && data_type != &DataType::Boolean,
        Kind::Reaction => time || scalar(data_type),
        Kind::Number => scalar(data_type) && data_type != &DataType::Boolean,
        Kind::Flag => scalar(data_type),
    }
}

const fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "texts, whole numbers or UUIDs",
        Kind::Text => "texts",
        Kind::Type => "words",
        Kind::Ids => "lists of texts or whole numbers",
        Kind::Tokens => "lists of whole numbers",
        Kind::Media => "lists of words",
        Kind::Time => "times, numbers or texts",
        Kind::Reaction => "times, or true and false",
        Kind::Number => "whole numbers",
        Kind::Flag => "true and false",
    }
}
