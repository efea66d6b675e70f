//! The shipped, commented `config.yaml`, as it is or with a configuration's own values.

use serde_yaml::Value;

use super::Location;
use super::yaml::{Meaning, Node, meaning, parse};

/// The configuration with every key explained and set to its default.
pub const TEMPLATE: &str = include_str!("../../config.yaml");

/// The template with these values instead of the defaults. Comments stay where they are.
pub(super) fn fill(values: &Value) -> String {
    let mut lines: Vec<String> = TEMPLATE.lines().map(str::to_owned).collect();
    if let Ok(Some(root)) = parse(TEMPLATE, Location::Line) {
        set(&mut lines, &root, values);
    }
    lines.join("\n") + "\n"
}

fn set(lines: &mut [String], node: &Node, values: &Value) {
    let Node::Map(entries) = node else { return };
    for entry in entries {
        let (Some(value), Location::Line(number)) = (values.get(&entry.key), &entry.location) else { continue };
        if matches!(entry.value, Node::Map(_)) {
            set(lines, &entry.value, value);
            continue;
        }
        let line = &mut lines[number - 1];
        if let Some((key, old)) = line.split_once(':') {
            // The comment keeps its column where the new value leaves room for it.
            let comment = old.find(" #").map_or("", |at| &old[at + 1..]);
            let new = format!("{key}: {}", flow(value));
            let width = (line.chars().count() - comment.chars().count()).max(new.chars().count() + 1);
            *line = if comment.is_empty() { new } else { format!("{new:<width$}{comment}") };
        }
    }
}

/// A value in YAML's flow style, on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
            let plain = text.bytes().all(bare) && !text.starts_with('-') && meaning(text) == Meaning::Text;
            // A text of JSON is one of YAML.
            if plain { text.clone() } else { serde_json::Value::from(text.as_str()).to_string() }
        }
        Value::Sequence(values) => format!("[{}]", values.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Tagged(_) => "null".into(),
    }
}
