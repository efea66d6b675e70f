use skimmer_formats::PerReaction;

/// Number of records with each reaction and with none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Records with each reaction; a record with several counts in each.
    pub reactions: PerReaction<u32>,
    /// Records with no reaction.
    pub unreacted: u32,
}
