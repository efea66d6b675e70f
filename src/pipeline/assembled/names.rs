//! Ids as text.

use std::borrow::Cow;

use skimlog_formats::Id;

/// What tweets and readers are called. Ids are what the records have; whoever knows where they come from may give the
/// names that they had there.
pub trait Names: Sync {
    /// The name of a tweet.
    fn tweet(&self, id: Id) -> Cow<'_, str>;

    /// The name of a reader.
    fn reader(&self, id: Id) -> Cow<'_, str>;
}

/// Ids as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct HexNames;

impl Names for HexNames {
    fn tweet(&self, id: Id) -> Cow<'_, str> {
        id.to_string().into()
    }

    fn reader(&self, id: Id) -> Cow<'_, str> {
        id.to_string().into()
    }
}
