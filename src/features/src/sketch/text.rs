//! What the network sees of a tweet's text.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TokenCodes;

/// What the network sees of a tweet's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextMode {
    /// Nothing: its input has no sketch.
    None,
    /// A sketch whose token codes are hashes of the token ids ([`TokenCodes::hashed`]).
    Hashed,
    /// A sketch whose token codes come from the token vectors of a DistilBERT.
    #[default]
    DistilBert,
}

impl TextMode {
    /// What a network sees whose sketches are made of these codes; nothing without any.
    pub fn of(codes: Option<&TokenCodes>) -> Self {
        match codes {
            None => Self::None,
            Some(codes) if codes.is_hashed() => Self::Hashed,
            Some(_) => Self::DistilBert,
        }
    }

    /// Its name in the configuration and in the manifest of a model.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hashed => "hashed",
            Self::DistilBert => "distilbert",
        }
    }
}

impl fmt::Display for TextMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
