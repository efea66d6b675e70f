//! WordPiece: a word as the longest pieces of a vocabulary, from left to right (Schuster and Nakajima, "Japanese and
//! Korean voice search", 2012; Devlin et al., "BERT", 2019).
//!
//! The library does the same, and says what a tokenizer means; it allocates a text for every piece that it looks for,
//! which took a quarter of an import's time.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::Value;

/// The pieces of a vocabulary.
pub(super) struct WordPieces {
    /// Pieces that a word begins with.
    first: HashMap<Box<str>, u32>,
    /// Pieces that continue a word, without their prefix.
    further: HashMap<Box<str>, u32>,
    /// Stands for a word that is not made of pieces.
    unknown: u32,
    /// Words with more characters are not looked at.
    most_characters: usize,
    /// Bytes of the longest piece.
    longest: usize,
}

#[derive(Deserialize)]
struct Model {
    vocab: BTreeMap<String, u32>,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
}

impl WordPieces {
    /// The vocabulary of a `tokenizer.json`; `None` if its model is not of this kind, or lacks the unknown token.
    pub(super) fn of(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct File {
            model: Value,
        }
        let File { model } = serde_json::from_slice(json).ok()?;
        if model["type"] != "WordPiece" {
            return None;
        }
        let model: Model = serde_json::from_value(model).ok()?;
        let unknown = *model.vocab.get(&model.unk_token)?;
        let prefix = model.continuing_subword_prefix.as_str();
        let further = model.vocab.iter().filter_map(|(piece, &id)| Some((piece.strip_prefix(prefix)?.into(), id)));
        Some(Self {
            further: further.collect(),
            unknown,
            most_characters: model.max_input_chars_per_word,
            longest: model.vocab.keys().map(String::len).max()?,
            first: model.vocab.into_iter().map(|(piece, id)| (piece.into(), id)).collect(),
        })
    }

    /// The tokens of a word.
    pub(super) fn cut(&self, word: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        if word.chars().count() > self.most_characters {
            return vec![self.unknown];
        }
        let mut rest = word;
        while !rest.is_empty() {
            let pieces = if tokens.is_empty() { &self.first } else { &self.further };
            let Some((length, token)) = self.longest_piece(pieces, rest) else { return vec![self.unknown] };
            tokens.push(token);
            rest = &rest[length..];
        }
        tokens
    }

    /// The longest piece that a text begins with: its bytes and its token.
    fn longest_piece(&self, pieces: &HashMap<Box<str>, u32>, text: &str) -> Option<(usize, u32)> {
        let mut end = text.floor_char_boundary(self.longest);
        while end > 0 {
            if let Some(&token) = pieces.get(&text[..end]) {
                return Some((end, token));
            }
            end = text.floor_char_boundary(end - 1);
        }
        None
    }
}
