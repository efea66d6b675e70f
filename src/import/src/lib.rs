//! Engagement logs of one's own, row by row one impression, become records.
//!
//! In the data's order:
//!
//! * [`mapping`]: where each field of a record comes from;
//! * [`tokens`]: text becomes token ids;
//! * [`identity`]: ids of any type become 128-bit ids.

pub mod identity;
pub mod mapping;
pub mod tokens;
