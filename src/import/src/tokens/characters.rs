//! What BERT's normalizer and pre-tokenizer do with single characters, as the tokenizer itself says.

use hashbrown::HashMap;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer,
};

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A character within a word: itself, or another one.
    Letter(char),
    /// A word of its own, punctuation for example.
    Word,
    /// Nothing, and what stands before it and behind it are two words.
    Space,
    /// Something that depends on what stands around it, or several characters.
    Other,
}

/// Stands before and behind a character that is asked for: a letter that nothing changes.
const LETTER: &str = "x";

/// What becomes of characters, remembered.
pub(super) struct Characters {
    ascii: [Option<Becomes>; 128],
    others: HashMap<char, Becomes>,
}

impl Characters {
    pub(super) fn new() -> Self {
        Self { ascii: [None; 128], others: HashMap::new() }
    }

    /// What becomes of a character.
    pub(super) fn get(&mut self, tokenizer: &Tokenizer, character: char) -> Becomes {
        match self.ascii.get_mut(character as usize) {
            Some(known) => *known.get_or_insert_with(|| ask(tokenizer, character)),
            None => *self.others.entry(character).or_insert_with(|| ask(tokenizer, character)),
        }
    }
}

/// Has the tokenizer cut the character between two letters.
fn ask(tokenizer: &Tokenizer, character: char) -> Becomes {
    let Some(words) = words(tokenizer, &format!("{LETTER}{character}{LETTER}")) else { return Becomes::Other };
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [LETTER, LETTER] => Becomes::Space,
        [LETTER, word, LETTER] if word.chars().eq([character]) => Becomes::Word,
        [word] => {
            let within = word.strip_prefix(LETTER).and_then(|rest| rest.strip_suffix(LETTER));
            let mut within = within.unwrap_or_default().chars();
            match (within.next(), within.next()) {
                (Some(letter), None) => Becomes::Letter(letter),
                _ => Becomes::Other,
            }
        }
        _ => Becomes::Other,
    }
}

/// The words of a text as the model gets them.
fn words(tokenizer: &Tokenizer, text: &str) -> Option<Vec<String>> {
    let mut normalized = NormalizedString::from(text);
    if let Some(normalizer) = tokenizer.get_normalizer() {
        normalizer.normalize(&mut normalized).ok()?;
    }
    let mut words = PreTokenizedString::from(normalized);
    if let Some(pre_tokenizer) = tokenizer.get_pre_tokenizer() {
        pre_tokenizer.pre_tokenize(&mut words).ok()?;
    }
    let splits = words.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
    Some(splits.into_iter().map(|(word, ..)| word.to_owned()).filter(|word| !word.is_empty()).collect())
}
