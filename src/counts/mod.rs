//! Count families: the 65 counts of a record.

pub mod frozen;
