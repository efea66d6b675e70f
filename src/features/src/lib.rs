//! Features of engagement records, defined once and used by training, evaluation, prediction and export alike.
//!
//! * [`key`]: the 64-bit keys under which records are counted;
//! * [`counts`]: the count families, counted out of core, and the frozen tables that answer for unseen records;
//! * [`similar`]: authors whose followers overlap;
//! * [`sketch`]: token codes, and the sketch of a tweet that they make;
//! * [`input`]: the network's input of a record.

pub mod counts;
pub mod input;
pub mod key;
pub mod similar;
pub mod sketch;
