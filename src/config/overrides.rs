//! `--set KEY=VALUE`: keys that override the file's.

use std::str::FromStr;

use super::yaml::{Entry, Node, parse};
use super::{Location, Wrong};

/// A key and the value that replaces the file's.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    argument: String,
    keys: Vec<String>,
    value: Node,
}

impl FromStr for Override {
    type Err = String;

    /// Reads `KEY=VALUE`: the key with dots between its sections and its name, the value as YAML has it.
    fn from_str(argument: &str) -> Result<Self, String> {
        let (key, value) = argument
            .split_once('=')
            .ok_or("give a key and its value as KEY=VALUE, for example train.hidden_size=300")?;
        let keys: Vec<String> = key.split('.').map(|name| name.trim().to_owned()).collect();
        if keys.iter().any(String::is_empty) {
            return Err(format!("`{key}` is no key: names with dots between, for example train.hidden_size=300"));
        }
        let argument = argument.to_owned();
        let value = parse(value, |_| Location::Set(argument.clone())).map_err(|Wrong { problem, .. }| problem)?;
        Ok(Self { value: value.unwrap_or_else(Node::null), argument, keys })
    }
}

impl Override {
    /// The key's sections and its name, with dots between.
    pub fn key(&self) -> String {
        self.keys.join(".")
    }

    /// Puts the value into a configuration.
    pub(super) fn apply(&self, root: &mut Node) {
        let mut node = root;
        for key in &self.keys {
            let location = Location::Set(self.argument.clone());
            node = child(node, key, location);
        }
        merge(node, self.value.clone());
    }
}

/// The value of a key, which becomes that of `location`. What is no mapping makes room for one.
fn child<'n>(node: &'n mut Node, key: &str, location: Location) -> &'n mut Node {
    if !matches!(node, Node::Map(_)) {
        *node = Node::Map(Vec::new());
    }
    let Node::Map(entries) = node else { unreachable!("it was made a mapping above") };
    let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        entries.push(Entry { key: key.to_owned(), location: location.clone(), value: Node::null() });
        entries.len() - 1
    });
    entries[index].location = location;
    &mut entries[index].value
}

/// Replaces a value by another; of two mappings, key by key.
fn merge(node: &mut Node, value: Node) {
    match (&mut *node, value) {
        (Node::Map(_), Node::Map(new)) => {
            for Entry { key, location, value } in new {
                merge(child(node, &key, location), value);
            }
        }
        (_, value) => *node = value,
    }
}
