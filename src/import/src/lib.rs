//! Engagement logs of one's own, row by row one impression, become records.
//!
//! In the data's order:
//!
//! * [`mapping`]: where each field of a record comes from;
//! * [`identity`]: ids of any type become 128-bit ids.

pub mod identity;
pub mod mapping;
