//! Features of engagement records, defined once and used by training, evaluation, prediction and export alike.
//!
//! In the order of the data, each module using only those before it:
//!
//! 1. [`key`]: the 64-bit keys under which records are counted;
//! 2. [`similar`]: authors whose followers overlap (uses `key`);
//! 3. [`counts`]: the 65 counts of a record, counted out of core, and the frozen tables that answer for unseen records
//!    (uses `key`, and looks up `similar`);
//! 4. [`input`]: the network's input of a record, 65 counts and 8 scalars among it (uses `counts`);
//! 5. [`sketch`]: token codes, and the sketch of a tweet that they make (fills a row of `input`).
//!
//! `examples/features_of_one_record.rs` goes from the text of one record to its 73 numbers.
//!
//! The feature `coder` (on by default) makes token codes from token vectors; who only looks them up does without it.

pub mod counts;
pub mod input;
pub mod key;
pub mod similar;
pub mod sketch;
