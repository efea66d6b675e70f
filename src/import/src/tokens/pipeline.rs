//! Whether a tokenizer cuts a text word by word, as BERT's does: then the tokens of a word never depend on its
//! neighbours, and words can be remembered.

use serde::Deserialize;
use serde_json::Value;

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

/// BERT's normalizer changes characters one by one, or with the marks that follow them; its pre-tokenizer cuts at all
/// white space; and a model sees one of its pieces at a time. Added tokens are found in the text before all that.
pub(super) fn cuts_by_word(json: &[u8]) -> bool {
    let Ok(pipeline) = serde_json::from_slice::<Pipeline>(json) else { return false };
    let is = |part: &Value, types: &[&str]| part["type"].as_str().is_some_and(|name| types.contains(&name));
    let within_a_word = |token: &AddedToken| {
        let plain = !token.lstrip && !token.rstrip && !token.single_word && !token.normalized;
        plain && !token.content.is_empty() && !token.content.contains(char::is_whitespace)
    };
    (pipeline.normalizer.is_null() || is(&pipeline.normalizer, &["BertNormalizer"]))
        && is(&pipeline.pre_tokenizer, &["BertPreTokenizer", "Whitespace", "WhitespaceSplit"])
        && is(&pipeline.model, &["WordPiece"])
        && pipeline.added_tokens.iter().all(within_a_word)
}
