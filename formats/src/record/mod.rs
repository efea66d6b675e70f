//! The raw tweet-engagement record: 24 fields with reactions (train, validation) or 20 without (test).
//!
//! A record is a line ended by `\n`; its fields are separated by byte `0x01`, the lists inside a field by TAB; nothing
//! is quoted or escaped. Parsing accepts canonical text only (upper-case ids, decimals without leading zeros), so that
//! writing a record gives back the bytes it was read from.

mod batch;
mod write;

pub use batch::{Columns, Media, RecordBatch, TweetType, Users};
pub use write::{FIELD_SEPARATOR, LIST_SEPARATOR, write_record};
