//! The raw tweet-engagement record: 24 fields with reactions (train, validation) or 20 without (test).
//!
//! A record is a line ended by `\n`; its fields are separated by byte `0x01`, the lists inside a field by TAB; nothing
//! is quoted or escaped; the last record's newline may be missing. Parsing accepts canonical text only (upper-case ids,
//! decimals without leading zeros), so that writing a record gives back the bytes it was read from. A number that is
//! merely implausible is data.
//!
//! * [`RecordParser`] — pushed pieces of text with borders anywhere, on csv-core;
//! * [`RecordReader`] — the same over anything that can be read: a pipe, standard input;
//! * [`RecordScanner`] — text that lies in memory whole, such as a mapped part: the fast way;
//! * [`write_record`] — the way back.
//!
//! All of them add to a [`RecordBatch`], give equal batches and equal [`RecordError`]s, and can go on after an error.

mod append;
mod batch;
#[cfg(target_arch = "x86_64")]
mod ends;
mod error;
mod field;
mod options;
mod parse;
mod read;
#[cfg(any(test, feature = "arbitrary"))]
pub mod sample;
mod scan;
mod value;
#[cfg(target_arch = "x86_64")]
mod wide;
mod write;

pub use batch::{Columns, Media, NO_REACTION, RecordBatch, TweetType, Users};
pub use error::{Reason, RecordError};
pub use field::{FIELD_SEPARATOR, Field, FieldCount, LIST_SEPARATOR};
pub use options::{MAX_RECORD_BYTES, RecordOptions, VOCABULARY};
pub use parse::{Parsed, RecordParser};
pub use read::{ReadError, RecordReader};
pub use scan::RecordScanner;
pub use write::write_record;
