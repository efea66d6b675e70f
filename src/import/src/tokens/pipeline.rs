//! How a tokenizer cuts a text: where the tokens of a piece never depend on its neighbours, pieces can be remembered.

use serde::Deserialize;
use serde_json::Value;

/// The pieces of a text whose tokens, one piece after the other, are those of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pieces {
    /// The text itself.
    Text,
    /// What stands between white space.
    Words,
    /// The words that BERT's pre-tokenizer makes. But what stands between white space is one piece if it has one of
    /// these characters, with which the tokenizer's own words begin, such as `[MASK]`.
    Bert(Vec<char>),
}

/// What matters of a `tokenizer.json`.
#[derive(Deserialize)]
struct Pipeline {
    normalizer: Value,
    pre_tokenizer: Value,
    model: Value,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(Deserialize)]
struct AddedToken {
    content: String,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    normalized: bool,
}

impl Pieces {
    /// Of the tokenizer in this `tokenizer.json`.
    ///
    /// BERT's normalizer changes characters one by one, or with the marks that follow them; its pre-tokenizer cuts at
    /// all white space and around all punctuation; and a model sees one of its words at a time. Added tokens are found
    /// in the text before all that.
    pub(super) fn of(json: &[u8]) -> Self {
        let Ok(pipeline) = serde_json::from_slice::<Pipeline>(json) else { return Self::Text };
        let is = |part: &Value, types: &[&str]| part["type"].as_str().is_some_and(|name| types.contains(&name));
        let within_a_word = |token: &AddedToken| {
            let plain = !token.lstrip && !token.rstrip && !token.single_word && !token.normalized;
            plain && !token.content.is_empty() && !token.content.contains(char::is_whitespace)
        };
        let by_bert = is(&pipeline.normalizer, &["BertNormalizer"]);
        let by_word = (pipeline.normalizer.is_null() || by_bert)
            && is(&pipeline.pre_tokenizer, &["BertPreTokenizer", "Whitespace", "WhitespaceSplit"])
            && is(&pipeline.model, &["WordPiece"])
            && pipeline.added_tokens.iter().all(within_a_word);
        match by_word {
            false => Self::Text,
            true if !is(&pipeline.pre_tokenizer, &["BertPreTokenizer"]) => Self::Words,
            true => Self::Bert(pipeline.added_tokens.iter().filter_map(|token| token.content.chars().next()).collect()),
        }
    }
}
