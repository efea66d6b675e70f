//! The stages by name, in their order.

use std::fmt;
use std::str::FromStr;

/// A stage of the way from raw parts to a measured model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Raw parts → `parts/*.skim`.
    Convert,
    /// Follower sets → `similar.skim`.
    Similar,
    /// Counts → `features/*.skim`, `counts/*.skim`.
    Features,
    /// The text model → `distilbert/checkpoint-N/`.
    Finetune,
    /// Token vectors → `token_embeddings.npy`, `token_ids.npy`.
    Embed,
    /// Token codes → `codes.skim`.
    Sketch,
    /// The network → `model/`.
    Train,
    /// Its measures on the hold-out records → `evaluation.json`.
    Evaluate,
}

impl Stage {
    /// All stages, in the order in which they run.
    pub const ALL: [Self; 8] = [
        Self::Convert,
        Self::Similar,
        Self::Features,
        Self::Finetune,
        Self::Embed,
        Self::Sketch,
        Self::Train,
        Self::Evaluate,
    ];

    /// The stage's name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Convert => "convert",
            Self::Similar => "similar",
            Self::Features => "features",
            Self::Finetune => "finetune",
            Self::Embed => "embed",
            Self::Sketch => "sketch",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
        }
    }
}

impl Stage {
    /// The names of all stages in the order in which they run, for messages.
    pub fn order() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.name() == name)
            .ok_or_else(|| format!("no stage of this name; the stages are {}", Self::order()))
    }
}
