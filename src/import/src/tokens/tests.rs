use std::io::Write;

use proptest::prelude::*;

use super::*;

/// A small tokenizer of BERT's kind.
fn bert(lowercase: bool) -> serde_json::Value {
    let words =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##a", "##b", "ab", "##ab", "!", "東", "京", "é", "e"];
    let vocab: serde_json::Map<String, serde_json::Value> =
        words.iter().enumerate().map(|(id, &word)| (word.to_owned(), id.into())).collect();
    let special = |id: usize| {
        serde_json::json!({"id": id, "content": words[id], "single_word": false, "lstrip": false, "rstrip": false,
                           "normalized": false, "special": true})
    };
    serde_json::json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": null, "added_tokens": (0..5).map(special).collect::<Vec<_>>(),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab},
    })
}

fn open(json: &serde_json::Value, max_tokens: usize, vocabulary: u32) -> Result<Arc<TextTokenizer>, TokenizerError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(json.to_string().as_bytes()).unwrap();
    let options = TokenizerOptions { file: file.path().to_owned(), max_tokens };
    TextTokenizer::open(&options, vocabulary).map(Arc::new)
}

#[test]
fn texts_begin_with_cls_end_with_sep_and_are_cut() {
    let tokenizer = open(&bert(false), 5, 100).unwrap();
    assert!(matches!(tokenizer.pieces, Pieces::Bert(_)));
    let mut texts = tokenizer.texts();
    let mut tokens = |text| {
        let mut to = vec![7];
        texts.add(text, &mut to).unwrap();
        to
    };
    assert_eq!(tokens("abab b"), [7, 2, 9, 10, 6, 3]);
    assert_eq!(tokens(""), [7, 2, 3]);
    assert_eq!(tokens("a b a b a b"), [7, 2, 5, 6, 5, 3]);
    assert_eq!(tokens("a b a b a b"), [7, 2, 5, 6, 5, 3]);
    assert_eq!(tokens("x[MASK]"), [7, 2, 1, 4, 3]);
}

#[test]
fn what_is_no_tokenizer_for_this_is_refused() {
    let says = |json, vocabulary| open(&json, 9, vocabulary).err().unwrap().to_string();
    assert!(says(bert(true), 15).contains("has the token id 15, which is not below vocabulary_size (15)"));
    assert!(says(serde_json::json!({"a": 1}), 15).contains("is no tokenizer.json of Hugging Face"));
    let mut bare = bert(true);
    bare["post_processor"] = serde_json::Value::Null;
    assert!(open(&bare, 9, 100).is_ok());
    bare["model"]["vocab"].as_object_mut().unwrap().remove("[CLS]");
    bare["added_tokens"] = serde_json::json!([]);
    assert!(says(bare, 100).contains("has no [CLS] and [SEP]"));
    let options = TokenizerOptions { file: "/no/such".into(), max_tokens: 9 };
    let error = TextTokenizer::open(&options, 9).err().unwrap().to_string();
    assert!(error.starts_with("cannot read the tokenizer /no/such: "), "{error}");
}

#[test]
fn other_pipelines_are_not_cut_by_word() {
    let mut with_space = bert(true);
    with_space["added_tokens"][4]["lstrip"] = true.into();
    assert_eq!(open(&with_space, 9, 100).unwrap().pieces, Pieces::Text);
    let mut other = bert(true);
    other["normalizer"] = serde_json::json!({"type": "Lowercase"});
    assert_eq!(open(&other, 9, 100).unwrap().pieces, Pieces::Text);
    other = bert(true);
    other["pre_tokenizer"] = serde_json::json!({"type": "WhitespaceSplit"});
    assert_eq!(open(&other, 9, 100).unwrap().pieces, Pieces::Words);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn words_give_the_tokens_of_the_whole_text(
        text in "([abAB!_.é東京e\u{301}\u{0}\u{200d}\u{3000}\u{a0}\u{85}…¿ \t\n\r🙂Σς]|ab|\\[MASK\\]|\\[SEP\\]){0,30}",
        lowercase: bool,
        pre_tokenizer in prop::sample::select(vec!["BertPreTokenizer", "Whitespace", "WhitespaceSplit"]),
        max_tokens in 2..40usize,
    ) {
        let mut json = bert(lowercase);
        json["pre_tokenizer"] = serde_json::json!({"type": pre_tokenizer});
        let tokenizer = open(&json, max_tokens, 100).unwrap();
        prop_assert!(tokenizer.pieces != Pieces::Text);
        let whole = tokenizer.cut(&text).unwrap();
        let expected = [&[2], &whole[..whole.len().min(max_tokens - 2)], &[3]].concat();
        let mut found = Vec::new();
        let mut texts = tokenizer.texts();
        texts.add(&text, &mut found).unwrap();
        prop_assert_eq!(&found, &expected);
        texts.add(&text, &mut found).unwrap();
        prop_assert_eq!(&found[expected.len()..], &expected);
    }
}
