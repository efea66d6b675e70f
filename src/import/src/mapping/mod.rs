//! Where each field of a record comes from in a log.
//!
//! ```yaml
//! tweet: post_id                     # a column
//! time: {column: created_at, unit: ms}
//! author: {id: author_did, followers: author.followers_count}
//! reader: viewer_did
//! language: {value: en}              # the same for every row
//! reactions: {like: liked_at, retweet: {column: boosted, name: boost}}
//! ```
//!
//! `docs/IMPORT.md` describes all keys.

mod definition;
mod error;
mod field;
mod parse;
mod time;
mod words;

pub use definition::{CsvOptions, FieldMapping, MAX_TOKENS, Mapping, Source, TokenizerOptions};
pub use error::MappingError;
pub use field::{Kind, LogField};
pub(crate) use parse::nearest;
pub(crate) use time::OUT_OF_RANGE;
pub use time::{TimeFormat, TimeUnit, Zone};
pub use words::{Word, Words};
