//! Checks a tree of YAML against the table of keys: gives values for [`Config`](super::Config), or says what is wrong.

use std::path::{MAIN_SEPARATOR, Path};

use serde_yaml::{Mapping, Value};

use super::keys::{Key, Kind, Range, find};
use super::suggest::suggestion;
use super::yaml::{Entry, Meaning, Node, Scalar, meaning};
use super::{ByteSize, Location, Wrong};

/// Checks a whole configuration and gives its values. `home` is what `~` stands for, where that is known.
pub(super) fn check(root: &Node, home: Option<&Path>) -> Result<Value, Wrong> {
    match root {
        Node::Map(entries) => section(entries, "", home),
        root if root.is_null() => Ok(Mapping::new().into()),
        _ => {
            let problem = "the configuration must be a mapping of keys to values (`key: value` lines)";
            Err(Wrong::at(Location::Line(1), problem))
        }
    }
}

/// The values of a section whose keys begin with `above`.
fn section(entries: &[Entry], above: &str, home: Option<&Path>) -> Result<Value, Wrong> {
    let mut values = Mapping::new();
    for entry in entries {
        let path = format!("{above}{}", entry.key);
        let at = |problem: String| Wrong::at(entry.location.clone(), problem);
        let Some(key) = find(&path) else {
            return Err(at(format!("unknown key `{path}`{}", suggestion(above, &entry.key))));
        };
        let value = match (&entry.value, key.kind) {
            (Node::Map(entries), Kind::Section) => section(entries, &format!("{path}."), home)?,
            // A section of which every key is left out or commented out.
            (value, Kind::Section) if value.is_null() && !key.optional => Mapping::new().into(),
            (value, _) => of_key(key, value, home).map_err(|problem| at(format!("{path}: {problem}")))?,
        };
        values.insert(entry.key.clone().into(), value);
    }
    Ok(values.into())
}

/// The value of a key that is no section, or what is wrong with it.
fn of_key(key: &Key, node: &Node, home: Option<&Path>) -> Result<Value, String> {
    let Node::Scalar(scalar) = node else { return Err(refusal(key, node)) };
    if key.kind == Kind::Path
        && let Some(path) = path(key, scalar, home)?
    {
        return Ok(path.into());
    }
    let text = scalar.text.as_str();
    let value = match (key.kind, scalar.meaning()) {
        (_, Meaning::Null) if key.optional => Some(Value::Null),
        (Kind::Whole { least, most }, Meaning::Whole(whole)) => {
            u64::try_from(whole).ok().filter(|whole| (least..=most).contains(whole)).map(Value::from)
        }
        (Kind::Number(range), Meaning::Whole(whole)) => range.holds(whole as f64).then(|| (whole as f64).into()),
        (Kind::Number(range), Meaning::Number(number)) => range.holds(number).then(|| number.into()),
        (Kind::Flag, Meaning::Flag(flag)) => Some(Value::Bool(flag)),
        (Kind::Choice(words), Meaning::Text) => words.contains(&text).then(|| text.into()),
        (Kind::Size { least }, Meaning::Whole(whole)) => {
            u64::try_from(whole).ok().filter(|&bytes| bytes >= least).map(Value::from)
        }
        (Kind::Size { least }, Meaning::Text) => {
            let size = serde_yaml::from_value::<ByteSize>(text.into()).ok();
            size.filter(|size| size.0 >= least).map(|size| size.0.into())
        }
        _ => None,
    };
    value.ok_or_else(|| refusal(key, node))
}

/// A path, with `~` as the home folder; `None` if the value is none.
fn path(key: &Key, scalar: &Scalar, home: Option<&Path>) -> Result<Option<String>, String> {
    let text = scalar.text.as_str();
    // Bare, it is YAML's null, which a key that must have a path cannot be.
    let bare_home = scalar.plain && text == "~" && !key.optional;
    if scalar.meaning() != Meaning::Text && !bare_home || text.is_empty() {
        return Ok(None);
    }
    if text.contains('\0') {
        return Err("a path cannot hold a zero byte".into());
    }
    let Some(rest) = text.strip_prefix('~') else { return Ok(Some(text.to_owned())) };
    let below = rest.strip_prefix(['/', MAIN_SEPARATOR]);
    if below.is_none() && !rest.is_empty() {
        let name = rest.split('/').next().unwrap_or_default();
        return Err(format!(
            "`~{name}` is not expanded: write the folder out, or `./{text}` for a file or folder of that name"
        ));
    }
    let home = home.ok_or("`~` stands for the home folder, but HOME is not set: write the folder out")?;
    let path = home.join(below.unwrap_or_default().trim_start_matches('/'));
    let path = path.into_os_string().into_string();
    path.map(Some).map_err(|_| "the home folder's name is not UTF-8: write the folder out in a file of its own".into())
}

impl Range {
    fn holds(self, number: f64) -> bool {
        match self {
            Self::Share => (0.0..=1.0).contains(&number),
            Self::PositiveShare => number > 0.0 && number <= 1.0,
            Self::Positive => number > 0.0 && number.is_finite(),
            Self::Amount => (0.0..=1e9).contains(&number),
        }
    }
}

/// Says what a value must be and what it is.
fn refusal(key: &Key, node: &Node) -> String {
    let or_null = if key.optional { " (or null)" } else { "" };
    format!("must be {}{or_null}, but is {}", wanted(key.kind, node), found(key.kind, node))
}

fn wanted(kind: Kind, node: &Node) -> String {
    match kind {
        Kind::Whole { least, most } => match node {
            Node::Scalar(scalar) if above(scalar, most) => format!("a whole number of at most {most}"),
            _ => format!("a whole number of at least {least}"),
        },
        Kind::Number(Range::Share) => "a number between 0 and 1".into(),
        Kind::Number(Range::PositiveShare) => "a number above 0 and at most 1".into(),
        Kind::Number(Range::Positive) => "a number above 0".into(),
        Kind::Number(Range::Amount) => "a number between 0 and 1000000000".into(),
        Kind::Flag => "true or false".into(),
        Kind::Choice([first, second]) => format!("`{first}` or `{second}`"),
        Kind::Choice(words) => format!("one of `{}`", words.join("`, `")),
        Kind::Path => "a path (a text)".into(),
        Kind::Size { least } => format!("an amount of memory such as 512MiB or 2GiB, at least {}MiB", least >> 20),
        Kind::Section => "a mapping (indented `key: value` lines)".into(),
    }
}

fn above(scalar: &Scalar, most: u64) -> bool {
    match scalar.meaning() {
        Meaning::Whole(whole) => whole > i128::from(most),
        Meaning::Number(number) => number > most as f64,
        _ => false,
    }
}

fn found(kind: Kind, node: &Node) -> String {
    let scalar = match node {
        Node::List => return "a list".into(),
        Node::Map(_) => return "a mapping".into(),
        Node::Scalar(scalar) => scalar,
    };
    let text = &scalar.text;
    match scalar.meaning() {
        Meaning::Null => "null".into(),
        Meaning::Text if text.is_empty() => "an empty text".into(),
        Meaning::Text => {
            let unquoted = !scalar.plain && !matches!(kind, Kind::Choice(_)) && meaning(text) != Meaning::Text;
            let advice = if unquoted { ": leave out the quotes" } else { "" };
            format!("the text {text:?}{advice}")
        }
        Meaning::Flag(_) | Meaning::Whole(_) | Meaning::Number(_) if kind == Kind::Path => {
            format!("{text}: put it in quotes if that is its name")
        }
        _ => text.clone(),
    }
}
