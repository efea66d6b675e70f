//! External partitioning of small records by key.
