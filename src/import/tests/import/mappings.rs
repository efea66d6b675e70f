//! What is wrong with a mapping or its tokenizer, and logs of unusual form that are read all the same.

use std::path::Path;

use crate::files::read;

const LEAST: &str = "tweet: id\ntime: at\nauthor: a\nreader: r\n";
const LINE: &str = r#"{"id":1,"at":-5,"a":"a","r":"r"}"#;

/// Reads one line by a mapping.
fn by(folder: &Path, mapping: &str) -> String {
    read(folder, mapping, "log.ndjson", LINE.as_bytes()).map_or_else(|what| what, |records| format!("{records:?}"))
}

#[test]
fn a_wrong_mapping_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = |name: &str, cls: u32| {
        let json = serde_json::json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordLevel", "vocab": {"[CLS]": cls, "[SEP]": 1, "a": 2}, "unk_token": "a"}});
        std::fs::write(folder.path().join(name), json.to_string()).unwrap();
    };
    tokenizer("good.json", 0);
    tokenizer("large.json", 1000);
    std::fs::write(folder.path().join("no.json"), "{}").unwrap();
    let with = |keys: &str| by(folder.path(), &format!("{LEAST}{keys}\n"));
    let cases = [
        (
            by(folder.path(), "tweet: id\n"),
            "mapping.yaml: not mapped, and without a default: time, author.id, reader.id",
        ),
        (with("languag: l"), "mapping.yaml: unknown key `languag`; did you mean `language`?"),
        (
            with("shown: {column: s, zone: Mars}"),
            "mapping.yaml: shown.zone: `Mars` is no time zone: write UTC, an \
            offset (+02:00) or a name (Europe/Berlin)",
        ),
        (with("shown: {column: s, unit: min}"), "mapping.yaml: shown.unit: cannot be min; s, ms, us or ns is"),
        (with("text: a"), "mapping.yaml: text needs `tokenizer: FILE`, the tokenizer.json of its model"),
        (with("language: 'l"), "mapping.yaml: no YAML: …"),
        (
            with("media: {column: m, words: {a: Audio}}"),
            "mapping.yaml: media.words: `a` cannot stand for `Audio`: a \
            kind of media is one of Photo, Video, GIF, or null",
        ),
        (with("text: {column: a, tokenizer: none.json}"), "cannot read the tokenizer none.json: …"),
        (with("text: {column: a, tokenizer: no.json}"), "no.json is no tokenizer.json of Hugging Face: …"),
        (
            with("text: {column: a, tokenizer: large.json}"),
            "large.json has the token id 1000, which is not below \
            vocabulary_size (1000): raise vocabulary_size, or take the tokenizer of the text model",
        ),
    ];
    for (found, expected) in cases {
        let (first, last) = expected.split_once('…').unwrap_or((expected, ""));
        let fits = found == expected || expected.contains('…') && found.starts_with(first) && found.ends_with(last);
        assert!(fits, "{found}\n{expected}");
    }
    assert!(with("text: {column: a, tokenizer: good.json}").contains("tokens: "));
}

#[test]
fn unusual_logs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "id,at,a,r\n1,-5,a,r\n2,-5,a,r\n";
    let lines = format!("{LINE}\n{}\n", LINE.replace('1', "2"));
    let read = |name: &str, text: &str| read(folder.path(), LEAST, name, text.as_bytes()).unwrap();
    let expected = read("log.csv", csv);
    assert_eq!((expected.rows, &*expected.tweet_time), (2, &[-5, -5][..]));
    for text in [
        csv.replace('\n', "\r\n"),
        csv.replace("2,", "\n\n2,"),
        format!("\u{FEFF}{csv}"),
        csv.trim_end().to_owned(),
        csv.replace("at", "\"at\"").replace(",a,", ",\"a\","),
        csv.replace("-5", "1969-12-31T23:59:55Z"),
        csv.replace("-5", "1970-01-01 01:59:55.9+02:00"),
        csv.replace("-5", "-4.5"),
    ] {
        assert_eq!(read("log.csv", &text), expected, "{text}");
    }
    assert_eq!(read("log.tsv", &csv.replace(',', "\t")), expected);
    for text in [
        lines.clone(),
        lines.replace('\n', "\r\n"),
        lines.replace('\n', "\n\n"),
        format!("\u{FEFF}{lines}"),
        lines.trim_end().to_owned(),
        lines.replace("-5", "\"-5\""),
        lines.replace('{', "{\"other\":[{\"x\":null}],"),
    ] {
        assert_eq!(read("log.ndjson", &text), expected, "{text}");
    }
    assert_eq!(read("log.csv", "id,at,a,r").rows, 0);
}
