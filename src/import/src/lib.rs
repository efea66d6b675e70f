//! Engagement logs of one's own, row by row one impression, become records.
//!
//! In the data's order:
//!
//! * [`log`]: logs as blocks of rows;
//! * [`mapping`]: where each field of a record comes from;
//! * [`tokens`]: text becomes token ids;
//! * [`rows`]: rows become records;
//! * [`identity`]: ids of any type become 128-bit ids.

pub mod identity;
pub mod log;
pub mod mapping;
pub mod rows;
pub mod tokens;
