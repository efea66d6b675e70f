//! Text as token ids, by a `tokenizer.json`. Equal texts are cut once, and so are equal words where a tokenizer cuts
//! word by word.

mod error;
mod pipeline;
mod shelf;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;
use tokenizers::Tokenizer;
use xxhash_rust::xxh3::xxh3_128;

pub use error::TokenizerError;
use shelf::Shelf;

use crate::mapping::TokenizerOptions;

/// Most words that a thread remembers; beyond, it begins anew.
const WORDS: usize = 1 << 18;

/// A tokenizer that threads share, each through a [`TextTokens`] of its own.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    file: std::path::PathBuf,
    /// `[CLS]` and `[SEP]`.
    ends: [u32; 2],
    /// Most tokens between the two.
    most: usize,
    /// Whether the tokens of a text are those of its words, one after the other.
    by_word: bool,
    texts: Shelf,
}

impl TextTokenizer {
    /// Opens a tokenizer whose token ids must be below `vocabulary`.
    ///
    /// # Errors
    /// [`TokenizerError`]: unreadable, no tokenizer, without `[CLS]` and `[SEP]`, or of a larger vocabulary.
    pub fn open(options: &TokenizerOptions, vocabulary: u32) -> Result<Self, TokenizerError> {
        let path = options.file.as_path();
        let json = std::fs::read(path).map_err(|source| TokenizerError::Read { path: path.to_owned(), source })?;
        let invalid = |what: String| TokenizerError::Invalid { path: path.to_owned(), what };
        let mut tokenizer = Tokenizer::from_bytes(&json).map_err(|error| invalid(error.to_string()))?;
        // A file may ask for padding, or to be cut at another length.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        let ends = ends(&tokenizer, path)?;
        let tokens = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if tokens >= vocabulary {
            return Err(TokenizerError::Vocabulary { path: path.to_owned(), token: tokens, vocabulary });
        }
        let by_word = pipeline::cuts_by_word(&json);
        let (file, most) = (path.to_owned(), options.max_tokens.saturating_sub(2));
        Ok(Self { tokenizer, file, ends, most, by_word, texts: Shelf::default() })
    }

    /// The tokens of texts, for one thread.
    pub fn texts(self: &Arc<Self>) -> TextTokens {
        TextTokens { shared: Arc::clone(self), words: HashMap::new() }
    }

    fn cut(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let failed =
            |error: tokenizers::Error| TokenizerError::Encode { path: self.file.clone(), what: error.to_string() };
        Ok(encoding.map_err(failed)?.get_ids().to_vec())
    }
}

/// What a text begins and ends with: what the file says, or `[CLS]` and `[SEP]` of its vocabulary.
fn ends(tokenizer: &Tokenizer, path: &Path) -> Result<[u32; 2], TokenizerError> {
    let empty = tokenizer.encode_fast("", true).ok();
    if let Some(&[first, last]) = empty.as_ref().map(|encoding| encoding.get_ids()) {
        return Ok([first, last]);
    }
    match [tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")] {
        [Some(first), Some(last)] => Ok([first, last]),
        _ => Err(TokenizerError::Ends { path: path.to_owned() }),
    }
}

/// One thread's way to a [`TextTokenizer`].
pub struct TextTokens {
    shared: Arc<TextTokenizer>,
    words: HashMap<Box<str>, Box<[u32]>>,
}

impl TextTokens {
    /// Adds the tokens of a text to `to`, `[CLS]` and `[SEP]` included, and cut so that they are no more than the most.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`], as when a word is not in a vocabulary without an unknown token.
    pub fn add(&mut self, text: &str, to: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let key = xxh3_128(text.as_bytes());
        if self.shared.texts.get(key, to) {
            return Ok(());
        }
        let start = to.len();
        let [first, last] = self.shared.ends;
        to.push(first);
        if self.shared.by_word {
            self.add_words(text, to)?;
        } else {
            to.extend(self.shared.cut(text)?);
        }
        to.truncate(start + 1 + self.shared.most);
        to.push(last);
        self.shared.texts.put(key, &to[start..]);
        Ok(())
    }

    fn add_words(&mut self, text: &str, to: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let enough = to.len() + self.shared.most;
        for word in text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()) {
            if to.len() > enough {
                break;
            }
            if let Some(tokens) = self.words.get(word) {
                to.extend_from_slice(tokens);
                continue;
            }
            let tokens = self.shared.cut(word)?;
            to.extend_from_slice(&tokens);
            if self.words.len() >= WORDS {
                self.words.clear();
            }
            self.words.insert(word.into(), tokens.into());
        }
        Ok(())
    }
}
