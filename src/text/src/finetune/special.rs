//! The special tokens of a model.

use std::collections::BTreeSet;
use std::path::Path;

use crate::TextError;
use crate::decode::read_tokenizer;

/// Token ids that are never masked, and the mask token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialTokens {
    /// `[MASK]`.
    pub mask: u32,
    /// All special tokens: `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`, …
    pub all: BTreeSet<u32>,
}

impl Default for SpecialTokens {
    /// BERT's: 0, 100, 101, 102 and 103.
    fn default() -> Self {
        Self { mask: 103, all: [0, 100, 101, 102, 103].into() }
    }
}

impl SpecialTokens {
    /// Those of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TextError::File`], [`TextError::Tokenizer`], the latter also where there is no `[MASK]`.
    pub fn read(path: &Path) -> Result<Self, TextError> {
        let refuse = |reason: String| TextError::Tokenizer { path: path.to_owned(), reason };
        let tokenizer = read_tokenizer(path)?;
        let added = tokenizer.get_added_tokens_decoder();
        let all = added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id).collect();
        let mask = tokenizer.token_to_id("[MASK]");
        let mask = mask.ok_or_else(|| refuse("it has no token [MASK], which masks others".into()))?;
        Ok(Self { mask, all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_from_a_tokenizer() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = SpecialTokens::read(&root.join("../../fixtures/tokenizer/tokenizer.json")).unwrap();
        assert_eq!(read, SpecialTokens::default());
        assert!(SpecialTokens::read(&root.join("Cargo.toml")).unwrap_err().to_string().contains("Cargo.toml"));
    }
}
