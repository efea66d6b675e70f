//! Token ids decoded to text.

use std::{fs, path::Path};

use serde_json::Value;
use tokenizers::Tokenizer;

use crate::TextError;

/// Decodes token ids to text.
pub struct Decoder {
    tokenizer: Tokenizer,
}

impl Decoder {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TextError::File`] for a file that cannot be read, [`TextError::Tokenizer`] for one that is no tokenizer.
    pub fn open(path: &Path) -> Result<Self, TextError> {
        Ok(Self { tokenizer: read_tokenizer(path)? })
    }

    /// The text of these tokens, with or without special ones such as `[CLS]` and `[SEP]`.
    ///
    /// # Errors
    /// [`TextError::Decode`] for a token that is not in the vocabulary.
    pub fn decode(&self, tokens: &[u32], special: bool) -> Result<String, TextError> {
        let vocabulary = self.tokenizer.get_vocab_size(true);
        let unknown = |token: u32| TextError::Decode { token, vocabulary };
        if let Some(&token) = tokens.iter().find(|&&token| self.tokenizer.id_to_token(token).is_none()) {
            return Err(unknown(token));
        }
        // All tokens are known, so the tokenizer has no reason to fail.
        self.tokenizer.decode(tokens, !special).map_err(|_| unknown(tokens.first().copied().unwrap_or(0)))
    }
}

/// Reads a `tokenizer.json`.
pub(super) fn read_tokenizer(path: &Path) -> Result<Tokenizer, TextError> {
    let json = fs::read(path).map_err(TextError::file(path))?;
    let refuse = |reason: String| TextError::Tokenizer { path: path.to_owned(), reason };
    // The tokenizers library panics on invalid JSON within a decoder. serde_json checks strings only in values that it
    // keeps.
    serde_json::from_slice::<Value>(&json).map_err(|error| refuse(error.to_string()))?;
    Tokenizer::from_bytes(json).map_err(|error| refuse(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Decoder {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tokenizer/tokenizer.json");
        Decoder::open(&path).unwrap()
    }

    #[test]
    fn what_was_tokenised_reads_as_before() {
        let decoder = fixture();
        for text in ["Good morning everyone, coffee first!", "Спасибо всем за поздравления", "좋은 아침이에요"]
        {
            let tokens = decoder.tokenizer.encode(text, true).unwrap();
            let ids = tokens.get_ids();
            assert_eq!((ids[0], ids[ids.len() - 1]), (101, 102));
            assert_eq!(decoder.decode(ids, false).unwrap(), text);
            assert_eq!(decoder.decode(ids, true).unwrap(), format!("[CLS] {text} [SEP]"));
        }
    }

    #[test]
    fn an_unknown_token_is_named() {
        let found = fixture().decode(&[101, 2000, 102], true).unwrap_err();
        assert_eq!(found.to_string(), "token 2000 is not in the tokenizer's vocabulary of 2000 tokens");
    }

    #[test]
    fn another_file_is_refused_with_its_name() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = Decoder::open(&root.join("../../fixtures/tiny-distilbert/config.json")).err().unwrap();
        assert!(matches!(found, TextError::Tokenizer { .. }) && found.to_string().contains("config.json"), "{found}");
        assert!(matches!(Decoder::open(&root.join("nowhere.json")), Err(TextError::File { .. })));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let whole = std::fs::read_to_string(root.join("../../fixtures/tokenizer/tokenizer.json")).unwrap();
        let decoder = whole.find("\"decoder\"").unwrap();
        let comma = decoder + whole[decoder..].find(',').unwrap();
        std::fs::write(&path, [&whole[..comma], &whole[comma + 1..]].concat()).unwrap();
        assert!(matches!(Decoder::open(&path), Err(TextError::Tokenizer { .. })), "a decoder that is no JSON");
        let surrogate = [&whole[..decoder], "\"decoder\": {\"type\": \"\\uD800\"}, ", &whole[decoder..]].concat();
        std::fs::write(&path, surrogate).unwrap();
        assert!(matches!(Decoder::open(&path), Err(TextError::Tokenizer { .. })), "half a character");
    }
}
