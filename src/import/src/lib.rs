//! Engagement logs of one's own, row by row one impression, become records.
//!
//! In the data's order:
//!
//! * [`log`]: logs as blocks of rows;
//! * [`mapping`]: where each field of a record comes from;
//! * [`tokens`]: text becomes token ids;
//! * [`identity`]: ids of any type become 128-bit ids;
//! * [`rows`]: rows become records;
//! * [`importer`]: all of these together;
//! * [`output`]: rows written as logs are;
//! * [`guess`]: a first mapping for a log;
//! * [`profile`]: what a log holds, column by column, before it is imported;
//! * [`ids`]: the dictionary beside a part, which turns ids back into texts.

pub mod guess;
pub mod identity;
pub mod ids;
pub mod importer;
pub mod log;
pub mod mapping;
pub mod output;
pub mod profile;
pub mod rows;
pub mod tokens;
