//! Text as token ids, by a `tokenizer.json`. Equal texts are cut once, and so are equal words where a tokenizer cuts
//! word by word.

mod characters;
mod error;
mod hot;
mod pipeline;
mod shelf;
#[cfg(test)]
mod tests;
mod word_piece;

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;
use tokenizers::{Model, Tokenizer};
use xxhash_rust::xxh3::xxh3_128;

use characters::{Becomes, Characters};
pub use error::TokenizerError;
use hot::Hot;
use pipeline::Pieces;
use shelf::Shelf;
use word_piece::WordPieces;

use crate::mapping::TokenizerOptions;

/// Most pieces of texts that a thread remembers; beyond, it begins anew.
const PIECES: usize = 1 << 18;

/// A tokenizer that threads share, each through a [`TextTokens`] of its own.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    file: std::path::PathBuf,
    /// `[CLS]` and `[SEP]`.
    ends: [u32; 2],
    /// Most tokens between the two.
    most: usize,
    /// The pieces of a text that are cut one by one.
    pieces: Pieces,
    word_pieces: Option<WordPieces>,
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
        let (pieces, word_pieces) = (Pieces::of(&json), WordPieces::of(&json));
        let (file, most) = (path.to_owned(), options.max_tokens.saturating_sub(2));
        Ok(Self { tokenizer, file, ends, most, pieces, word_pieces, texts: Shelf::default() })
    }

    /// The tokens of texts, for one thread.
    pub fn texts(self: &Arc<Self>) -> TextTokens {
        TextTokens {
            shared: Arc::clone(self),
            characters: Characters::new(),
            hot: Hot::default(),
            pieces: HashMap::new(),
            tokens: Vec::new(),
            letters: String::new(),
        }
    }

    fn cut(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let failed =
            |error: tokenizers::Error| TokenizerError::Encode { path: self.file.clone(), what: error.to_string() };
        Ok(encoding.map_err(failed)?.get_ids().to_vec())
    }

    /// The tokens of a word that normalizer and pre-tokenizer have no more to do with.
    fn cut_word(&self, word: &str) -> Result<Vec<u32>, TokenizerError> {
        if let Some(pieces) = &self.word_pieces {
            return Ok(pieces.cut(word));
        }
        let failed =
            |error: tokenizers::Error| TokenizerError::Encode { path: self.file.clone(), what: error.to_string() };
        let tokens = self.tokenizer.get_model().tokenize(word).map_err(failed)?;
        Ok(tokens.into_iter().map(|token| token.id).collect())
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
    characters: Characters,
    hot: Hot,
    /// Where the tokens of a piece stand, by a hash of the piece.
    pieces: HashMap<u128, (u32, u32)>,
    tokens: Vec<u32>,
    /// The letters of a word.
    letters: String,
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
        let shared = Arc::clone(&self.shared);
        let [first, last] = shared.ends;
        to.push(first);
        let enough = to.len() + shared.most;
        if shared.pieces == Pieces::Text {
            to.extend(shared.cut(text)?);
        } else {
            for word in text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()) {
                if to.len() > enough {
                    break;
                }
                match &shared.pieces {
                    Pieces::Bert(kept) if !word.contains(&kept[..]) => self.add_words(word, to)?,
                    _ => self.add_piece(word, None, to)?,
                }
            }
        }
        to.truncate(start + 1 + shared.most);
        to.push(last);
        shared.texts.put(key, &to[start..]);
        Ok(())
    }

    /// Adds the tokens of what stands between white space, word by word.
    fn add_words(&mut self, text: &str, to: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let shared = Arc::clone(&self.shared);
        let mut letters = std::mem::take(&mut self.letters);
        letters.clear();
        let (mut start, mut plain) = (0, true);
        for (at, character) in text.char_indices() {
            match self.characters.get(&shared.tokenizer, character) {
                Becomes::Letter(letter) => letters.push(letter),
                Becomes::Other => plain = false,
                becomes @ (Becomes::Word | Becomes::Space) => {
                    self.add_piece(&text[start..at], plain.then_some(&letters), to)?;
                    let end = at + character.len_utf8();
                    if becomes == Becomes::Word {
                        self.add_piece(&text[at..end], Some(&text[at..end]), to)?;
                    }
                    (start, plain) = (end, true);
                    letters.clear();
                }
            }
        }
        self.add_piece(&text[start..], plain.then_some(&letters), to)?;
        self.letters = letters;
        Ok(())
    }

    /// Adds the tokens of a piece; `word`: what the model gets of it, if it is one word.
    fn add_piece(&mut self, piece: &str, word: Option<&str>, to: &mut Vec<u32>) -> Result<(), TokenizerError> {
        if piece.is_empty() {
            return Ok(());
        }
        let key = xxh3_128(piece.as_bytes());
        if let Some(tokens) = self.hot.get(key) {
            to.extend_from_slice(tokens);
            return Ok(());
        }
        if let Some(&(start, end)) = self.pieces.get(&key) {
            let tokens = &self.tokens[start as usize..end as usize];
            to.extend_from_slice(tokens);
            self.hot.put(key, tokens);
            return Ok(());
        }
        let tokens = match word {
            Some(word) => self.shared.cut_word(word)?,
            None => self.shared.cut(piece)?,
        };
        to.extend_from_slice(&tokens);
        if self.pieces.len() >= PIECES {
            self.pieces.clear();
            self.tokens.clear();
        }
        let start = self.tokens.len() as u32;
        self.tokens.extend(tokens);
        self.pieces.insert(key, (start, self.tokens.len() as u32));
        Ok(())
    }
}
