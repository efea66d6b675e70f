//! The mapping as commented YAML.

use std::fmt::Write;
use std::path::Path;

use skimlog_formats::record::{Media, TweetType};

use super::found::{Found, Guess};
use super::sample::{WORDS, is_default, meaning};
use crate::mapping::{Kind, LogField, TimeUnit, Word};

/// Where to get a tokenizer.
const TOKENIZER: &str = "tokenizer.json of the text model, such as that of distilbert-base-multilingual-cased at \
                         https://huggingface.co/distilbert/distilbert-base-multilingual-cased";
/// Columns of text before a comment.
const WIDTH: usize = 44;

/// Writes a guess. `columns`: the names of all columns.
pub(super) fn write<'c>(log: &Path, guess: &Guess, columns: impl Iterator<Item = &'c str>) -> String {
    let mut yaml = format!("# Where each field of a record comes from in {}.\n", one_line(&log.display().to_string()));
    yaml += "# Guessed from the names, types and first rows of its columns: look it through.\n";
    let missing = |field: &LogField| field.is_required() && guess.columns[*field as usize].is_none();
    let missing: Vec<&str> = LogField::ALL.into_iter().filter(missing).map(LogField::name).collect();
    if !missing.is_empty() {
        yaml += &format!("# Not found, and required: {}. Fill them in.\n", missing.join(", "));
    }
    yaml.push('\n');
    let mut group = "";
    for field in LogField::ALL {
        let (of, key) = field.name().split_once('.').unwrap_or(("", field.name()));
        if of != group && !of.is_empty() {
            // A group without a key would be a null.
            let inner = LogField::ALL.into_iter().filter(|field| field.name().starts_with(&format!("{of}.")));
            let is_empty = inner.into_iter().all(|field| guess.columns[field as usize].is_none());
            yaml += &format!("{}{of}:\n", if is_empty { "# " } else { "" });
        }
        group = of;
        let indent = if of.is_empty() { "" } else { "  " };
        field_lines(&mut yaml, field, indent, key, guess.columns[field as usize].as_ref());
    }
    let used = |path: &&str| guess.columns.iter().flatten().any(|found| found.path == *path);
    let unused: Vec<String> = columns.filter(|path| !used(path)).map(one_line).collect();
    yaml += "\n# keep: []                 # columns that predictions repeat\n";
    yaml += "# keep_ids: true           # a dictionary beside the part gives the log's own ids back\n";
    if !unused.is_empty() {
        yaml += &format!("# Columns that no field was found for: {}\n", unused.join(", "));
    }
    yaml
}

fn field_lines(yaml: &mut String, field: LogField, indent: &str, key: &str, found: Option<&Found>) {
    let Some(found) = found else {
        let about = field.about();
        let what = about.strip_suffix("; required").map_or(about.to_owned(), |what| format!("required: {what}"));
        let indent = if indent.is_empty() { "# " } else { "#   " };
        return line(yaml, &format!("{indent}{key}:"), &what);
    };
    let options = options(field, found);
    let column = quoted(&found.path);
    let value = match options.is_empty() {
        true => column,
        false => format!("{{column: {column}, {}}}", options.join(", ")),
    };
    line(yaml, &format!("{indent}{key}: {value}"), field.about());
    hints(yaml, field, indent, found);
}

/// A line and its comment.
fn line(yaml: &mut String, text: &str, comment: &str) {
    let _ = writeln!(yaml, "{text:WIDTH$} # {comment}");
}

fn options(field: LogField, found: &Found) -> Vec<String> {
    let mut options = Vec::new();
    let sample = &found.sample;
    match field.kind() {
        Kind::Text => options.push("tokenizer: tokenizer.json".to_owned()),
        Kind::Time | Kind::Reaction => {
            let unit = match sample.unit() {
                Some(TimeUnit::Millisecond) => Some("ms"),
                Some(TimeUnit::Microsecond) => Some("us"),
                Some(TimeUnit::Nanosecond) => Some("ns"),
                Some(TimeUnit::Second) | None => None,
            };
            options.extend(unit.map(|unit| format!("unit: {unit}")));
            // What zone it is only the owner of the log knows.
            options.extend(sample.is_local().then(|| "zone: UTC".to_owned()));
        }
        Kind::Ids | Kind::Tokens => {
            options.extend(sample.split().map(|split| format!("split: {}", quoted_always(split))))
        }
        Kind::Media => {
            let split = sample.split();
            options.extend(split.map(|split| format!("split: {}", quoted_always(split))));
            options.extend(words::<Media>(&sample.words(split), Media::name));
        }
        Kind::Type => options.extend(words::<TweetType>(&sample.words(None), TweetType::name)),
        Kind::Id | Kind::Number | Kind::Flag => {}
    }
    options
}

/// The list of words, if there are others than the default ones.
fn words<W: Word>(words: &[&str], name: impl Fn(W) -> &'static str) -> Option<String> {
    if words.iter().all(|word| is_default::<W>(word)) {
        return None;
    }
    let meant = words.iter().map(|word| {
        let meaning = meaning::<W>(word).map_or("null", &name);
        format!("{}: {meaning}", quoted_always(word))
    });
    Some(format!("words: {{{}}}", meant.collect::<Vec<_>>().join(", ")))
}

/// What a person should look at.
fn hints(yaml: &mut String, field: LogField, indent: &str, found: &Found) {
    let mut hint = |text: &str| {
        let _ = writeln!(yaml, "{indent}# ^ {text}");
    };
    match field.kind() {
        Kind::Text => hint(TOKENIZER),
        Kind::Time | Kind::Reaction if found.sample.is_local() => {
            hint("local times: put their zone in place of UTC (+02:00 or Europe/Berlin)");
        }
        Kind::Media | Kind::Type => {
            let words = found.sample.words(found.sample.split().filter(|_| field.kind() == Kind::Media));
            let is_default = |word: &&str| match field.kind() {
                Kind::Media => is_default::<Media>(word),
                _ => is_default::<TweetType>(word),
            };
            if !words.iter().all(is_default) {
                hint("the words of the first rows: look their meanings through (null: none)");
            }
            if words.len() == WORDS {
                hint("there may be more words");
            }
        }
        _ => {}
    }
}

/// A column's name as YAML.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    // Words such as `yes` and numbers would be something else.
    let plain = text.bytes().all(is_plain) && serde_yaml::from_str::<String>(text).is_ok();
    if plain && !text.is_empty() { text.to_owned() } else { quoted_always(text) }
}

/// A text in double quotes: JSON is YAML.
fn quoted_always(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
