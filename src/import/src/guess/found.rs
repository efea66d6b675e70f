//! Which column was found for which field.

use super::sample::Sample;
use crate::mapping::LogField;

/// A guess at the columns of a log's fields.
pub(super) struct Guess {
    /// For each field its column, by [`LogField`].
    pub(super) columns: [Option<Found>; LogField::COUNT],
}

/// A column that was found for a field.
pub(super) struct Found {
    /// Its name, or its path through nested columns.
    pub(super) path: String,
    /// Some of its values.
    pub(super) sample: Sample,
}
