//! A tokenizer for the text of posts: WordPiece, in the format of the library `tokenizers`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::language::SCRIPTS;
use super::names;
use super::words::{EMOJI, Words};

/// The special tokens, with the ids that they have in BERT's multilingual vocabulary.
const SPECIAL: [(&str, usize); 5] = [("[PAD]", 0), ("[UNK]", 100), ("[CLS]", 101), ("[SEP]", 102), ("[MASK]", 103)];
/// The first id of an ordinary token.
const ORDINARY: usize = 104;

/// The contents of `tokenizer.json`.
pub(crate) fn tokenizer(words: &Words) -> Value {
    let token = |&(content, id): &(&str, usize)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let (cls, sep) = (json!({"SpecialToken": {"id": "[CLS]", "type_id": 0}}), special("[SEP]", 0));
    let sequence = |id: &str, kind: u8| json!({"Sequence": {"id": id, "type_id": kind}});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": SPECIAL.iter().map(token).collect::<Vec<_>>(),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": false},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [cls, sequence("A", 0), sep],
            "pair": [cls, sequence("A", 0), sep, sequence("B", 1), special("[SEP]", 1)],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [102], "tokens": ["[SEP]"]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary(words)},
    })
}

fn special(id: &str, kind: u8) -> Value {
    json!({"SpecialToken": {"id": id, "type_id": kind}})
}

/// Tokens and their ids: every character of the scripts and of names, alone and within a word; all syllables; all
/// words.
fn vocabulary(words: &Words) -> Map<String, Value> {
    let mut vocabulary: Map<String, Value> = (1..100).map(|id| (format!("[unused{id}]"), id.into())).collect();
    vocabulary.extend(SPECIAL.iter().map(|&(token, id)| (token.to_owned(), id.into())));
    let syllables: Vec<String> = SCRIPTS
        .iter()
        .flat_map(|script| (0..script.syllables()).map(|number| script.syllable(number).concat()))
        .chain(names::syllables())
        .collect();
    let marks = SCRIPTS.iter().flat_map(|script| [script.comma, script.stop]).chain(EMOJI).map(str::to_owned);
    let characters: Vec<String> = syllables
        .iter()
        .cloned()
        .chain(marks)
        .flat_map(|text| text.chars().collect::<Vec<_>>())
        .chain(names::characters())
        .chain((33..127).map(char::from))
        .filter(|character| !character.is_whitespace())
        .map(String::from)
        .collect();
    let within = characters.iter().chain(&syllables).map(|piece| format!("##{piece}"));
    let names = ["https", "example"].map(str::to_owned);
    let all = characters.iter().chain(&syllables).cloned().chain(within).chain(names);
    let mut seen = HashSet::new();
    let distinct = all.chain(words.all().map(str::to_owned)).filter(|token| seen.insert(token.clone()));
    vocabulary.extend((ORDINARY..).zip(distinct).map(|(id, token)| (token, id.into())));
    vocabulary
}
