//! YAML to values, with the line and the key in every complaint.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

/// What is wrong, and in which line.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// The text that a file's bytes are.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, Wrong> {
    std::str::from_utf8(bytes).map_err(|error| Wrong {
        line: line_at(bytes, error.valid_up_to()),
        problem: "the line holds bytes that are not UTF-8: save the file as UTF-8".into(),
    })
}

/// The 1-based line in which a byte of a text stands.
fn line_at(text: &[u8], byte: usize) -> usize {
    1 + text[..byte.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

/// Reads a value of which every key has a default.
pub(super) fn deserialize<T: DeserializeOwned + Serialize + Default>(text: &str) -> Result<T, Wrong> {
    let tree: Value = serde_yaml::from_str(text).map_err(|error| Wrong {
        // By its place in the text: YAML counts characters as line ends that no editor shows as such.
        line: error.location().map_or(1, |location| line_at(text.as_bytes(), location.index())),
        problem: format!("not valid YAML: {error}"),
    })?;
    match &tree {
        Value::Null => return Ok(T::default()),
        Value::Mapping(_) => {}
        _ => {
            let problem = "the configuration must be a mapping of keys to values (`key: value` lines)".into();
            return Err(Wrong { line: 1, problem });
        }
    }
    let known = serde_yaml::to_value(T::default()).map_err(|error| Wrong { line: 1, problem: error.to_string() })?;
    refuse_unknown_keys(text, &tree, &known, "")?;
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let key = error.path().to_string();
        Wrong { line: line_of(text, &key), problem: format!("{key}: {}", error.into_inner()) }
    })
}

fn refuse_unknown_keys(text: &str, tree: &Value, known: &Value, path: &str) -> Result<(), Wrong> {
    let (Value::Mapping(tree), Value::Mapping(known)) = (tree, known) else { return Ok(()) };
    for (key, value) in tree {
        let name = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
        let full = format!("{path}{name}");
        match known.get(key) {
            Some(known) => refuse_unknown_keys(text, value, known, &format!("{full}."))?,
            None => {
                let nearest = known
                    .keys()
                    .filter_map(Value::as_str)
                    .max_by(|a, b| strsim::jaro_winkler(a, &name).total_cmp(&strsim::jaro_winkler(b, &name)))
                    .unwrap_or_default();
                let problem = format!("unknown key `{full}`; did you mean `{path}{nearest}`?");
                return Err(Wrong { line: line_of(text, &full), problem });
            }
        }
    }
    Ok(())
}

/// The 1-based line in which a key of the given path (`section.key`) stands; the last section found, or 1, if it stands
/// nowhere as `key:` at the start of a line.
pub(super) fn line_of(text: &str, path: &str) -> usize {
    let mut lines = text.lines().enumerate();
    let mut found = 1;
    for name in path.split('.') {
        let is_key = |line: &str| {
            let line = line.trim_start().trim_start_matches(['"', '\'']);
            line.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        };
        match lines.find(|(_, line)| is_key(line)) {
            Some((index, _)) => found = index + 1,
            None => break,
        }
    }
    found
}
