//! The same rows in every format are the same records.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use skimlog_formats::Reaction;
use skimlog_formats::record::{Media, NO_REACTION, RecordBatch as Records, TweetType, Users};
use skimlog_import::identity::id_of;

use crate::files::{arrow_file, arrow_stream, gz, parquet, read, zst};

const MAPPING: &str = "tweet: tweet\ntime: time\nlanguage: language\ntype: type\nfollows: follows\n\
    tokens: {column: tokens, split: '|'}\nhashtags: {column: hashtags, split: '|'}\n\
    links: {column: links, split: '|'}\ndomains: {column: domains, split: '|'}\nmedia: {column: media, split: '|'}\n\
    author: {id: author, followers: a_followers, following: a_following, verified: a_verified, created: a_created}\n\
    reader: {id: reader, followers: r_followers, following: r_following, verified: r_verified, created: r_created}\n\
    reactions: {like: {column: like, unit: s}, reply: {column: reply, unit: s}, retweet: {column: retweet, unit: s}, \
    quote: {column: quote, unit: s}}\n";

/// A value of a row.
#[derive(Clone, Debug)]
enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Flag(Option<bool>),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
}

type Row = Vec<(&'static str, Value)>;

/// Row `number` of a log, different for each seed.
fn row(seed: u64, number: u64) -> Row {
    let mut state = seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let odd = ["a", "é, \"ü\"", "did:plc:x", "line\nbreak", "007", "0123456789ABCDEF0123456789ABCDEF", "-", " b", "{}"];
    let mut row = Row::new();
    let number =
        |next: &mut dyn FnMut(u64) -> u64, least: i64, count: u64| (next(4) > 0).then(|| least + next(count) as i64);
    let text = |next: &mut dyn FnMut(u64) -> u64| format!("{}{}", odd[next(9) as usize], next(50));
    row.push(("tweet", Value::Text(Some(text(&mut next)))));
    row.push(("time", Value::Number(Some(next(2_000_000_000) as i64 - 5000))));
    row.push(("language", Value::Text((next(3) > 0).then(|| text(&mut next)))));
    let types = ["TopLevel", "retweet", "QUOTE", "reply"];
    row.push(("type", Value::Text((next(3) > 0).then(|| types[next(4) as usize].to_owned()))));
    row.push(("follows", Value::Flag((next(3) > 0).then(|| next(2) == 1))));
    row.push(("tokens", Value::Tokens((0..=next(6)).map(|_| next(1000) as u32).collect())));
    for name in ["hashtags", "links", "domains"] {
        row.push((name, Value::Texts((0..next(3)).map(|_| format!("t{},{}", next(9), next(9))).collect())));
    }
    let media = ["Photo", "video", "GIF", "image"];
    row.push(("media", Value::Texts((0..next(3)).map(|_| media[next(4) as usize].to_owned()).collect())));
    for [id, followers, following, verified, created] in USERS {
        row.push((id, Value::Text(Some(text(&mut next)))));
        row.push((followers, Value::Number(number(&mut next, -2, 1 << 30))));
        row.push((following, Value::Number(number(&mut next, 0, 1 << 30))));
        row.push((verified, Value::Flag((next(3) > 0).then(|| next(2) == 1))));
        row.push((created, Value::Number(number(&mut next, -1000, 1 << 30))));
    }
    for name in REACTIONS {
        row.push((name, Value::Number(number(&mut next, 0, 1 << 30))));
    }
    row
}

const USERS: [[&str; 5]; 2] = [
    ["author", "a_followers", "a_following", "a_verified", "a_created"],
    ["reader", "r_followers", "r_following", "r_verified", "r_created"],
];
const REACTIONS: [&str; 4] = ["like", "reply", "retweet", "quote"];

fn arrow(rows: &[Row]) -> RecordBatch {
    let column = |index: usize| -> ArrayRef {
        let values = || rows.iter().map(|row| &row[index].1);
        match values().next().unwrap() {
            Value::Text(_) => Arc::new(StringArray::from_iter(values().map(|value| {
                let Value::Text(text) = value else { unreachable!() };
                text.as_deref()
            }))),
            Value::Number(_) => Arc::new(Int64Array::from_iter(values().map(|value| {
                let Value::Number(number) = value else { unreachable!() };
                *number
            }))),
            Value::Flag(_) => Arc::new(BooleanArray::from_iter(values().map(|value| {
                let Value::Flag(flag) = value else { unreachable!() };
                *flag
            }))),
            Value::Texts(_) => {
                let mut lists = ListBuilder::new(StringBuilder::new());
                for value in values() {
                    let Value::Texts(texts) = value else { unreachable!() };
                    // An empty list and null are the same.
                    lists.append_option((!texts.is_empty() || index.is_multiple_of(2)).then(|| texts.iter().map(Some)));
                }
                Arc::new(lists.finish())
            }
            Value::Tokens(_) => {
                let mut lists = ListBuilder::new(UInt32Builder::new());
                for value in values() {
                    let Value::Tokens(tokens) = value else { unreachable!() };
                    lists.append_value(tokens.iter().map(|&token| Some(token)));
                }
                Arc::new(lists.finish())
            }
        }
    };
    RecordBatch::try_from_iter_with_nullable((0..rows[0].len()).map(|index| (rows[0][index].0, column(index), true)))
        .unwrap()
}

fn separated(rows: &[Row], delimiter: &str) -> Vec<u8> {
    let cell = |value: &Value| match value {
        Value::Text(text) => text.clone().unwrap_or_default(),
        Value::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
        Value::Flag(flag) => flag.map(|flag| flag.to_string()).unwrap_or_default(),
        Value::Texts(texts) => texts.join("|"),
        Value::Tokens(tokens) => tokens.iter().map(u32::to_string).collect::<Vec<_>>().join("|"),
    };
    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: Vec<String>| cells.join(delimiter) + "\n";
    let mut text = line(rows[0].iter().map(|(name, _)| (*name).to_owned()).collect());
    text.extend(rows.iter().map(|row| line(row.iter().map(|(_, value)| quoted(cell(value))).collect())));
    text.into_bytes()
}

fn ndjson(rows: &[Row]) -> Vec<u8> {
    let value = |value: &Value| match value {
        Value::Text(text) => serde_json::json!(text),
        Value::Number(number) => serde_json::json!(number),
        Value::Flag(flag) => serde_json::json!(flag),
        Value::Texts(texts) => serde_json::json!(texts),
        Value::Tokens(tokens) => serde_json::json!(tokens),
    };
    let line = |row: &Row| {
        let object: serde_json::Map<_, _> = row.iter().map(|(name, one)| ((*name).to_owned(), value(one))).collect();
        serde_json::Value::from(object).to_string() + "\n"
    };
    rows.iter().map(line).collect::<String>().into_bytes()
}

/// The records of rows, value by value.
fn records(rows: &[Row]) -> Records {
    let mut to = Records { rows: rows.len(), reactions: Some(Default::default()), ..Records::default() };
    for row in rows {
        let get = |wanted: &str| &row.iter().find(|(name, _)| *name == wanted).unwrap().1;
        let text = |name| match get(name) {
            Value::Text(text) => text.clone(),
            other => unreachable!("{other:?}"),
        };
        let number = |name| match get(name) {
            Value::Number(number) => *number,
            other => unreachable!("{other:?}"),
        };
        let flag = |name| matches!(get(name), Value::Flag(Some(true)));
        let texts = |name| match get(name) {
            Value::Texts(texts) => texts.clone(),
            other => unreachable!("{other:?}"),
        };
        let ids = |name| texts(name).iter().map(|text| id_of(text.as_bytes())).collect::<Vec<_>>();
        let id = |text: Option<String>| id_of(text.as_deref().unwrap_or("und").as_bytes());
        let Value::Tokens(tokens) = get("tokens") else { unreachable!() };
        to.tokens.push(tokens);
        to.hashtags.push(&ids("hashtags"));
        to.links.push(&ids("links"));
        to.domains.push(&ids("domains"));
        let media = |word: &String| match word.as_str() {
            "video" => Media::Video,
            "GIF" => Media::Gif,
            _ => Media::Photo,
        };
        to.media.push(&texts("media").iter().map(media).collect::<Vec<_>>());
        to.tweet.push(id(text("tweet")));
        to.tweet_type.push(match text("type").as_deref() {
            Some("retweet") => TweetType::Retweet,
            Some("QUOTE") => TweetType::Quote,
            Some("reply") => TweetType::Reply,
            _ => TweetType::TopLevel,
        });
        to.language.push(id(text("language")));
        let time = number("time").unwrap();
        to.tweet_time.push(time);
        to.author_follows_reader.push(flag("follows"));
        let user = |names: [&'static str; 5], to: &mut Users| {
            to.id.push(id(text(names[0])));
            to.followers.push(number(names[1]).unwrap_or(0));
            to.following.push(number(names[2]).unwrap_or(0));
            to.verified.push(flag(names[3]));
            to.created.push(number(names[4]).unwrap_or(time));
        };
        user(USERS[0], &mut to.author);
        user(USERS[1], &mut to.reader);
        for (reaction, name) in Reaction::ALL.into_iter().zip(REACTIONS) {
            to.reactions.as_mut().unwrap()[reaction].push(number(name).unwrap_or(NO_REACTION));
        }
    }
    to
}

/// Logs of the same rows: names and bytes.
fn logs(rows: &[Row]) -> Vec<(&'static str, Vec<u8>)> {
    let batch = arrow(rows);
    vec![
        ("log.parquet", parquet(&batch)),
        ("log.csv", separated(rows, ",")),
        ("log.tsv", separated(rows, "\t")),
        ("log.ndjson", ndjson(rows)),
        ("log.arrow", arrow_file(&batch)),
        ("log.arrows", arrow_stream(&batch)),
    ]
}

fn check(folder: &std::path::Path, name: &str, bytes: &[u8], expected: &Records) {
    let found = read(folder, MAPPING, name, bytes).unwrap_or_else(|what| panic!("{what}"));
    // A batch of a hundred thousand rows is not printed.
    assert!(&found == expected, "{name}: other records, the first tweet {:?}", found.tweet.first());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_format_and_packing_gives_the_same_records(seed: u64, count in 1..30u64) {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<Row> = (0..count).map(|number| row(seed, number)).collect();
        let expected = records(&rows);
        for (name, bytes) in logs(&rows) {
            check(folder.path(), name, &bytes, &expected);
            check(folder.path(), &format!("{name}.gz"), &gz(&bytes), &expected);
            check(folder.path(), &format!("{name}.zst"), &zst(&bytes), &expected);
        }
    }
}

#[test]
fn chunks_and_blocks_join_without_a_seam() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Row> = (0..65_536 + 4096 + 1).map(|number| row(7, number)).collect();
    for count in [4096, rows.len()] {
        let expected = records(&rows[..count]);
        for (name, bytes) in logs(&rows[..count]) {
            check(folder.path(), name, &bytes, &expected);
        }
    }
}
