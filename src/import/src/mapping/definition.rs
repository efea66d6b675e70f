//! What a mapping says, once it was read.

use std::path::PathBuf;

use skimlog_formats::record::{Media, TweetType};
use skimlog_formats::{PerReaction, Reaction};

use super::field::LogField;
use super::time::TimeFormat;
use super::words::Words;

/// Most tokens of a text, `[CLS]` and `[SEP]` included, if a mapping does not say: what BERT takes.
pub const MAX_TOKENS: usize = 512;

/// A mapping, checked: what a record must have is there.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The file, for messages.
    pub path: PathBuf,
    pub(super) fields: [Option<FieldMapping>; LogField::COUNT],
    /// How text is cut into tokens.
    pub tokenizer: Option<TokenizerOptions>,
    /// Kinds of media.
    pub media: Words<Media>,
    /// Types of tweets.
    pub types: Words<TweetType>,
    /// What the log calls the reactions.
    pub reaction_names: PerReaction<String>,
    /// Whether a dictionary of the log's own ids is kept beside the part.
    pub keep_ids: bool,
    /// Columns that predictions repeat.
    pub keep: Vec<String>,
    /// How CSV is written.
    pub csv: CsvOptions,
}

/// Where a field comes from.
#[derive(Clone, Debug)]
pub struct FieldMapping {
    /// The column, or one value for all rows.
    pub from: Source,
    /// How times are read.
    pub time: TimeFormat,
    /// What stands between the items of a list that is written as a text.
    pub split: Option<String>,
}

/// A column, or one value for all rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column by its name, or by its path through nested ones with dots.
    Column(String),
    /// A value as a text.
    Value(String),
}

/// How text is cut into tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizerOptions {
    /// A `tokenizer.json` of Hugging Face.
    pub file: PathBuf,
    /// Most tokens of a text, `[CLS]` and `[SEP]` included, at least 2.
    pub max_tokens: usize,
}

/// How CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CsvOptions {
    /// What stands between fields; `None`: a comma, or a TAB in files called `.tsv`.
    pub delimiter: Option<u8>,
    /// Whether `"` has no meaning.
    pub unquoted: bool,
}

impl Mapping {
    /// Where a field comes from; `None`: its default.
    pub fn field(&self, field: LogField) -> Option<&FieldMapping> {
        self.fields[field as usize].as_ref()
    }

    /// The column of a field that has one.
    pub fn column(&self, field: LogField) -> Option<&str> {
        match self.field(field).map(|mapping| &mapping.from) {
            Some(Source::Column(column)) => Some(column),
            _ => None,
        }
    }

    /// The fields that are mapped to a column, with it, in the order of a record.
    pub fn columns(&self) -> impl Iterator<Item = (LogField, &str)> {
        LogField::ALL.into_iter().filter_map(|field| Some((field, self.column(field)?)))
    }

    /// Whether rows have reactions.
    pub fn has_reactions(&self) -> bool {
        Reaction::ALL.into_iter().any(|reaction| self.field(LogField::of_reaction(reaction)).is_some())
    }

    /// This mapping for rows without reactions, as they are predicted.
    pub fn without_reactions(mut self) -> Self {
        for reaction in Reaction::ALL {
            self.fields[LogField::of_reaction(reaction) as usize] = None;
        }
        self.fields[LogField::Shown as usize] = None;
        self
    }
}
