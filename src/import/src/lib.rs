//! Engagement logs of one's own, row by row one impression, become records.
//!
//! In the data's order:
//!
//! * [`identity`]: ids of any type become 128-bit ids;
//! * [`ids`]: the dictionary beside a part, which turns them back.

pub mod identity;
pub mod ids;
