//! A mapping from its YAML. All that is wrong with it is found at once.

use std::path::{Path, PathBuf};

use serde_yaml::Value;
use skimlog_formats::{PerReaction, Reaction};

use super::definition::{CsvOptions, FieldMapping, MAX_TOKENS, Mapping, Source, TokenizerOptions};
use super::error::MappingError;
use super::field::{Kind, LogField};
use super::time::{TimeFormat, TimeUnit};
use super::words::{Word, Words};

/// Keys that hold fields of their own.
const GROUPS: [&str; 3] = ["author", "reader", "reactions"];
/// Keys that are no field.
const SETTINGS: [&str; 5] = ["tokenizer", "max_tokens", "keep_ids", "keep", "csv"];
/// Keys of a field.
const OPTIONS: [&str; 9] = ["column", "value", "unit", "zone", "words", "split", "tokenizer", "max_tokens", "name"];

impl Mapping {
    /// Reads a mapping. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`MappingError`]: unreadable, no YAML, or all that is wrong with its keys.
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| MappingError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a mapping from its text; `path` is where it is from.
    ///
    /// # Errors
    /// As [`Mapping::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, MappingError> {
        parse(text, path)
    }
}

fn parse(text: &str, path: &Path) -> Result<Mapping, MappingError> {
    let syntax = |what: String| MappingError::Syntax { path: path.to_owned(), what };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let value: Value = serde_yaml::from_str(text).map_err(|error| syntax(format!("no YAML: {error}")))?;
    let Value::Mapping(keys) = value else {
        return Err(syntax(
            "a mapping has keys such as `tweet: COLUMN`; `skimmer import --init LOG` writes one".into(),
        ));
    };
    let mut parser = Parser::new(path);
    for (key, value) in keys {
        match key.as_str() {
            Some(key) => parser.top(key, value),
            None => parser.problems.push(format!("the key {} must be a word", shown(&key))),
        }
    }
    parser.finish()
}

struct Parser<'a> {
    folder: &'a Path,
    mapping: Mapping,
    tokenizer: Option<PathBuf>,
    max_tokens: Option<usize>,
    problems: Vec<String>,
}

impl<'a> Parser<'a> {
    fn new(path: &'a Path) -> Self {
        let mapping = Mapping {
            path: path.to_owned(),
            fields: [const { None }; LogField::COUNT],
            tokenizer: None,
            media: Words::default(),
            types: Words::default(),
            reaction_names: PerReaction::from_fn(|reaction: Reaction| reaction.name().to_owned()),
            keep_ids: true,
            keep: Vec::new(),
            csv: CsvOptions::default(),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        Self { folder, mapping, tokenizer: None, max_tokens: None, problems: Vec::new() }
    }

    fn top(&mut self, key: &str, value: Value) {
        match (key, &value) {
            (key, Value::Mapping(entries)) if GROUPS.contains(&key) && !is_field(entries) => {
                for (inner, value) in entries {
                    match inner.as_str() {
                        Some(inner) => self.field(&format!("{key}.{inner}"), value),
                        None => self.problems.push(format!("the key {key}.{} must be a word", shown(inner))),
                    }
                }
            }
            ("tokenizer" | "max_tokens", value) => self.tokens_option("", key, value),
            ("keep_ids", Value::Bool(keep)) => self.mapping.keep_ids = *keep,
            ("keep_ids", value) => self.problems.push(format!("keep_ids is true or false, not {}", shown(value))),
            ("keep", value) => match strings(value) {
                Some(columns) => self.mapping.keep = columns,
                None => self.problems.push(format!("keep is a list of columns, not {}", shown(value))),
            },
            ("csv", value) => self.csv(value),
            (key, value) => self.field(key, value),
        }
    }

    fn field(&mut self, name: &str, value: &Value) {
        let Some(field) = LogField::named(name) else {
            let known = LogField::ALL.into_iter().map(LogField::name).chain(SETTINGS);
            let hint = nearest(name, known).map_or_else(
                || "`skimmer import --init LOG` writes a mapping with all keys there are".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return self.problems.push(format!("unknown key `{name}`; {hint}"));
        };
        if self.mapping.fields[field as usize].is_some() {
            return self.problems.push(format!("{} is given twice", field.name()));
        }
        let mut mapping = FieldMapping { from: Source::Value(String::new()), time: TimeFormat::default(), split: None };
        match value {
            // A key without a value is as good as none.
            Value::Null => return,
            Value::String(column) => mapping.from = Source::Column(column.clone()),
            Value::Bool(_) | Value::Number(_) => mapping.from = Source::Value(shown(value)),
            Value::Mapping(options) => match self.options(field, options, &mut mapping) {
                Some(from) => mapping.from = from,
                None => return,
            },
            Value::Sequence(_) | Value::Tagged(_) => {
                let what = format!("{name}: a column's name, or {{column: NAME, …}}, or {{value: …}} is wanted here");
                return self.problems.push(what);
            }
        }
        if matches!(mapping.from, Source::Value(_)) && !takes_value(field.kind()) {
            return self.problems.push(format!("{name}: comes from a column, one value for all rows is of no use"));
        }
        self.mapping.fields[field as usize] = Some(mapping);
    }

    /// Reads a field's options; what it comes from, or `None` after a problem.
    fn options(&mut self, field: LogField, options: &serde_yaml::Mapping, to: &mut FieldMapping) -> Option<Source> {
        let (name, kind) = (field.name(), field.kind());
        let (mut from, before) = (None, self.problems.len());
        for (key, value) in options {
            let key = key.as_str().unwrap_or_default();
            // Whether the value is of the option's kind; what else is wrong with it is noted here.
            let said = match (key, kind) {
                ("column", _) => value.as_str().map(|column| from = Some(Source::Column(column.to_owned()))).is_some(),
                ("value", _) => scalar(value).map(|value| from = Some(Source::Value(value))).is_some(),
                ("unit", Kind::Time | Kind::Reaction) => {
                    to.time.unit = value.as_str().and_then(TimeUnit::named);
                    to.time.unit.is_some()
                }
                ("zone", Kind::Time | Kind::Reaction) => {
                    match value.as_str().unwrap_or_default().parse() {
                        Ok(zone) => to.time.zone = Some(zone),
                        Err(error) => self.problems.push(format!("{name}.zone: {error}")),
                    }
                    true
                }
                ("words", Kind::Media) => self.words(name, value).map(|words| self.mapping.media = words).is_some(),
                ("words", Kind::Type) => self.words(name, value).map(|words| self.mapping.types = words).is_some(),
                ("split", Kind::Ids | Kind::Tokens | Kind::Media) => {
                    to.split = value.as_str().filter(|split| !split.is_empty()).map(str::to_owned);
                    to.split.is_some()
                }
                ("name", Kind::Reaction) => value.as_str().map(|name| self.name_reaction(field, name)).is_some(),
                ("tokenizer" | "max_tokens", Kind::Text) => {
                    self.tokens_option("text.", key, value);
                    true
                }
                (key, _) => {
                    self.problems.push(no_option(name, key, kind));
                    true
                }
            };
            if !said {
                self.problems.push(format!("{name}.{key}: cannot be {}; {}", shown(value), wanted(key)));
            }
        }
        let both = options.contains_key("column") && options.contains_key("value");
        if both {
            self.problems.push(format!("{name}: has a column and a value: one of them is enough"));
        } else if from.is_none() && self.problems.len() == before {
            self.problems.push(format!("{name}: says neither `column:` nor `value:`"));
        }
        from.filter(|_| self.problems.len() == before)
    }

    fn name_reaction(&mut self, field: LogField, name: &str) {
        if let Some(reaction) = Reaction::ALL.into_iter().find(|&reaction| LogField::of_reaction(reaction) == field) {
            self.mapping.reaction_names[reaction] = name.to_owned();
        }
    }

    fn words<W: Word>(&mut self, name: &str, value: &Value) -> Option<Words<W>> {
        let list = value.as_mapping()?.iter().map(|(word, value)| {
            let value = if value.is_null() { Some(None) } else { value.as_str().map(|value| Some(value.to_owned())) };
            Some((scalar(word)?, value?))
        });
        match Words::listed(list.collect::<Option<Vec<_>>>()?) {
            Ok(words) => Some(words),
            Err(error) => {
                self.problems.push(format!("{name}.words: {error}"));
                Some(Words::default())
            }
        }
    }

    fn tokens_option(&mut self, prefix: &str, key: &str, value: &Value) {
        if key == "tokenizer" {
            match value.as_str() {
                Some(file) => self.tokenizer = Some(self.folder.join(file)),
                None => self.problems.push(format!("{prefix}tokenizer is a file, not {}", shown(value))),
            }
            return;
        }
        match value.as_u64().and_then(|most| usize::try_from(most).ok()).filter(|&most| most >= 2) {
            Some(most) => self.max_tokens = Some(most),
            None => self.problems.push(format!("{prefix}max_tokens is at least 2, not {}", shown(value))),
        }
    }

    fn csv(&mut self, value: &Value) {
        let Value::Mapping(options) = value else {
            return self.problems.push(format!("csv has the keys delimiter and quote, it is not {}", shown(value)));
        };
        for (key, value) in options {
            let text = value.as_str().unwrap_or_default();
            match (key.as_str().unwrap_or_default(), text.as_bytes()) {
                ("delimiter", &[delimiter]) if delimiter.is_ascii() && !b"\"\r\n".contains(&delimiter) => {
                    self.mapping.csv.delimiter = Some(delimiter);
                }
                ("delimiter", _) => {
                    let what = format!("csv.delimiter is one ASCII character (\"\\t\" is a TAB), not {}", shown(value));
                    self.problems.push(what);
                }
                ("quote", b"none") => self.mapping.csv.unquoted = true,
                ("quote", b"\"") => self.mapping.csv.unquoted = false,
                ("quote", _) => self.problems.push(format!("csv.quote is '\"' or none, not {}", shown(value))),
                _ => self.problems.push(format!("unknown key `csv.{}`; delimiter and quote are known", shown(key))),
            }
        }
    }

    fn finish(mut self) -> Result<Mapping, MappingError> {
        let has = |field: LogField| self.mapping.field(field).is_some();
        let (text, tokens) = (has(LogField::Text), has(LogField::Tokens));
        let missing: Vec<&str> =
            LogField::ALL.into_iter().filter(|&f| f.is_required() && !has(f)).map(LogField::name).collect();
        if text && tokens {
            self.problems.push("text and tokens are both mapped: a record has one of them".into());
        }
        if text && self.tokenizer.is_none() {
            let what = "text needs `tokenizer: FILE`, the tokenizer.json of its model";
            self.problems.push(what.into());
        }
        if self.problems.is_empty() && !missing.is_empty() {
            let what = "not mapped, and without a default: ";
            self.problems.push(format!("{what}{}", missing.join(", ")));
        }
        let path = self.mapping.path.clone();
        if !self.problems.is_empty() {
            return Err(MappingError::Keys { path, problems: self.problems });
        }
        let max_tokens = self.max_tokens.unwrap_or(MAX_TOKENS);
        self.mapping.tokenizer = self.tokenizer.map(|file| TokenizerOptions { file, max_tokens });
        Ok(self.mapping)
    }
}

/// Whether a mapping below `author`, `reader` or `reactions` is a field itself: `reader: {column: did}`.
fn is_field(entries: &serde_yaml::Mapping) -> bool {
    entries.contains_key("column") || entries.contains_key("value")
}

/// What is wrong with an option that a field does not have.
fn no_option(name: &str, key: &str, kind: Kind) -> String {
    if OPTIONS.contains(&key) {
        return format!("{name}: `{key}` does not go with {}", what_is(kind));
    }
    let hint = nearest(key, OPTIONS.into_iter()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("unknown key `{name}.{key}`{hint}")
}

const fn takes_value(kind: Kind) -> bool {
    !matches!(kind, Kind::Ids | Kind::Tokens | Kind::Media)
}

const fn what_is(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "an id",
        Kind::Ids => "a list of ids",
        Kind::Tokens => "a list of tokens",
        Kind::Text => "a text",
        Kind::Media => "a list of media",
        Kind::Type => "a type",
        Kind::Time => "a time",
        Kind::Number => "a number",
        Kind::Flag => "yes or no",
        Kind::Reaction => "a reaction",
    }
}

fn wanted(option: &str) -> &'static str {
    match option {
        "unit" => "s, ms, us or ns is",
        "words" => "a list of WORD: MEANING is",
        "value" => "a text, a number, true or false is",
        _ => "a text is",
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(shown(value)),
        _ => None,
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_sequence()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

/// A value in a message.
fn shown(value: &Value) -> String {
    serde_yaml::to_string(value).unwrap_or_default().trim_end().replace('\n', ", ")
}

/// The nearest of some names, if one is near.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = names.map(|known| (strsim::jaro_winkler(name, known), known));
    near.filter(|&(score, _)| score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "tweet: id\ntime: at\nauthor: a\nreader: {column: r}\n";

    fn wrong(text: &str) -> String {
        parse(text, Path::new("m.yaml")).unwrap_err().to_string()
    }

    #[test]
    fn columns_values_and_options() {
        let text = format!(
            "{LEAST}text: {{column: post.text, tokenizer: t.json, max_tokens: 64}}\nlanguage: {{value: en}}\n\
             author.followers: 5\nreactions: {{like: liked, retweet: {{column: boosts, unit: ms, name: boost}}}}\n\
             media: {{column: m, split: ',', words: {{pic: Photo, poll: null}}}}\nkeep_ids: false\nkeep: [a, b]\n\
             csv: {{delimiter: ';', quote: none}}\n"
        );
        let mapping = parse(&text, Path::new("/d/m.yaml")).unwrap();
        assert_eq!(mapping.column(LogField::Reader), Some("r"));
        assert_eq!(mapping.column(LogField::Text), Some("post.text"));
        assert_eq!(mapping.field(LogField::AuthorFollowers).unwrap().from, Source::Value("5".into()));
        let tokenizer = mapping.tokenizer.clone().unwrap();
        assert_eq!((tokenizer.file, tokenizer.max_tokens), ("/d/t.json".into(), 64));
        assert_eq!(mapping.reaction_names[Reaction::Retweet], "boost");
        assert_eq!(mapping.field(LogField::Retweet).unwrap().time.unit, Some(TimeUnit::Millisecond));
        assert_eq!(mapping.media.get("poll"), Some(None));
        assert!(!mapping.keep_ids && mapping.csv.unquoted && mapping.has_reactions());
        assert_eq!((mapping.keep.len(), mapping.csv.delimiter), (2, Some(b';')));
        assert!(!mapping.without_reactions().has_reactions());
    }

    #[test]
    fn all_that_is_missing_is_one_message() {
        assert_eq!(wrong("tweet: id\n"), "m.yaml: not mapped, and without a default: time, author.id, reader.id");
        assert!(wrong("[1, 2]").starts_with("m.yaml: a mapping has keys such as `tweet: COLUMN`"));
        assert!(wrong("tweet: [").starts_with("m.yaml: no YAML: "));
    }

    #[test]
    fn every_wrong_key_is_named() {
        let cases = [
            ("twet: id\n", "unknown key `twet`; did you mean `tweet`?"),
            ("author: {folowers: x}\n", "unknown key `author.folowers`; did you mean `author.followers`?"),
            ("time: {column: t, unit: hours}\n", "time.unit: cannot be hours; s, ms, us or ns is"),
            ("time: {column: t, zone: Mars}\n", "time.zone: `Mars` is no time zone: write UTC"),
            ("tweet: {column: t, unit: s}\n", "tweet: `unit` does not go with an id"),
            ("tweet: {colum: t}\n", "unknown key `tweet.colum`; did you mean `column`?"),
            ("tweet: {}\n", "tweet: says neither `column:` nor `value:`"),
            ("tweet: {column: a, value: b}\n", "tweet: has a column and a value: one of them is enough"),
            ("tweet: [a]\n", "tweet: a column's name, or {column: NAME, …}, or {value: …} is wanted here"),
            ("hashtags: 5\n", "hashtags: comes from a column, one value for all rows is of no use"),
            ("text: t\n", "text needs `tokenizer: FILE`, the tokenizer.json of its model"),
            ("text: {column: t, tokenizer: x}\ntokens: t\n", "text and tokens are both mapped"),
            ("text: {column: t, tokenizer: x, max_tokens: 1}\n", "text.max_tokens is at least 2, not 1"),
            ("media: {column: m, words: {a: Foto}}\n", "media.words: `a` cannot stand for `Foto`"),
            ("media: {column: m, words: [a]}\n", "media.words: cannot be - a; a list of WORD: MEANING is"),
            ("keep_ids: maybe\n", "keep_ids is true or false, not maybe"),
            ("keep: a\n", "keep is a list of columns, not a"),
            ("csv: {delimiter: ab}\n", "csv.delimiter is one ASCII character"),
            ("csv: {quote: x}\n", "csv.quote is '\"' or none, not x"),
            ("author: a\nauthor.id: b\n", "author.id is given twice"),
            ("5: a\n", "the key 5 must be a word"),
        ];
        for (text, message) in cases {
            let error = wrong(text);
            assert!(error.starts_with(&format!("m.yaml: {message}")), "{text}{error}");
        }
        let two = wrong("twet: id\nkeep: a\n");
        assert!(two.contains("`twet`") && two.contains("keep is a list"), "{two}");
    }
}
