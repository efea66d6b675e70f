//! The feed's promises, checked on its files and against the raw parts of the same options.

// A file that cannot be read ends the test.
#![allow(clippy::unwrap_used)]

mod generated;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use generated::{list, options, records, times};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use skimlog_formats::{Id, Reaction};
use skimlog_synth::{FeedForms, SynthError, SynthOptions, generate, generate_feed};
use tokenizers::Tokenizer;

fn few(out: &Path) -> SynthOptions {
    SynthOptions { rows: 12_000, valid_rows: 2_000, test_rows: 1_000, ..options(out) }
}

fn feed(out: &Path, options: &SynthOptions) {
    let options = SynthOptions { out: out.to_owned(), ..options.clone() };
    let summary = generate_feed(&options, FeedForms { parquet: true, ndjson: true }, &|_| ()).unwrap();
    assert_eq!((summary.impressions, summary.test), (options.rows + options.valid_rows, options.test_rows));
    assert_eq!(summary.posts, rows(out, "posts").len() as u64);
    assert_eq!(summary.users, rows(out, "users").len() as u64);
}

/// A row's cells as JSON, by column.
type Row = BTreeMap<String, serde_json::Value>;

fn rows(out: &Path, table: &str) -> Vec<Row> {
    let file = File::open(out.join(format!("{table}.parquet"))).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    batches.flat_map(|batch| rows_of(&batch.unwrap())).collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let cell = |column: &dyn Array, row: usize| -> serde_json::Value {
        if column.is_null(row) {
            return serde_json::Value::Null;
        }
        match column.data_type().to_string().as_str() {
            "Utf8" => column.as_string::<i32>().value(row).into(),
            "Int64" => column.as_primitive::<Int64Type>().value(row).into(),
            "Boolean" => column.as_boolean().value(row).into(),
            "Timestamp(ms, \"UTC\")" => column.as_primitive::<TimestampMillisecondType>().value(row).into(),
            list if list.starts_with("List(") => {
                let items = column.as_list::<i32>().value(row);
                items.as_string::<i32>().iter().map(|item| item.unwrap()).collect()
            }
            other => panic!("{other}"),
        }
    };
    let schema = batch.schema();
    let names = || schema.fields().iter().map(|field| field.name().clone());
    (0..batch.num_rows())
        .map(|row| names().zip(batch.columns().iter().map(|column| cell(column, row))).collect())
        .collect()
}

/// The name of an account, by its definition.
fn account(id: &str) -> String {
    let number = u128::from_be_bytes(Id::parse(id.as_bytes()).unwrap().0) >> 8;
    let digits: Vec<char> = "abcdefghijklmnopqrstuvwxyz234567".chars().collect();
    let digit = |place: u32| digits[(number >> (5 * place)) as usize % 32];
    "did:plc:".chars().chain((0..24).rev().map(digit)).collect()
}

fn seconds(cell: &serde_json::Value) -> u32 {
    cell.as_i64().map_or(0, |milliseconds| (milliseconds / 1_000) as u32)
}

#[test]
fn impressions_are_those_of_the_raw_parts() {
    let out = tempfile::tempdir().unwrap();
    let options = few(out.path());
    generate(&options, &|_| ()).unwrap();
    feed(out.path(), &options);
    let numbers = |row: &Row, who: &str| {
        ["followers", "following"].map(|name| row[&format!("{who}_{name}")].as_u64().unwrap().to_string())
    };
    let log = rows(out.path(), "feed").into_iter().map(|row| (true, row));
    let log = log.chain(rows(out.path(), "test").into_iter().map(|row| (false, row)));
    let mut ours: Vec<Vec<String>> = log
        .map(|(reactions, row)| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let count = |name: &str| row[name].as_array().map_or(0, Vec::len).to_string();
            let reacted = |name: &str| if reactions { seconds(&row[name]).to_string() } else { "0".into() };
            let mut fields = vec![text("author_id"), text("viewer_id"), seconds(&row["post_created_at"]).to_string()];
            fields.extend(numbers(&row, "author").into_iter().chain(numbers(&row, "viewer")));
            fields.extend(["post_hashtags", "post_media", "post_links", "post_domains"].map(count));
            fields.push(row["viewer_follows_author"].as_bool().unwrap().to_string());
            fields.extend(["author", "viewer"].map(|who| seconds(&row[&format!("{who}_created_at")]).to_string()));
            fields.push(text("post_kind"));
            fields.extend(["liked_at", "replied_at", "reposted_at", "quoted_at"].map(reacted));
            fields
        })
        .collect();
    let kind = |name: &str| match name {
        "TopLevel" => "post",
        "Retweet" => "repost",
        "Quote" => "quote",
        other => panic!("{other}"),
    };
    let parts = ["train/part-00000", "train/part-00001", "validation/part-00000", "test/part-00000"];
    let mut raw: Vec<Vec<String>> = Vec::new();
    for part in parts {
        let text = fs::read(out.path().join(part)).unwrap();
        for record in records(&text) {
            let mut fields = vec![account(record[9]), account(record[14]), record[8].to_owned()];
            fields.extend([10, 11, 15, 16].map(|field| record[field].to_owned()));
            fields.extend([1, 3, 4, 5].map(|field| list(record[field]).len().to_string()));
            fields.push(record[19].to_owned());
            fields.extend([13, 18].map(|field| record[field].to_owned()));
            fields.push(kind(record[6]).to_owned());
            let order = [Reaction::Like, Reaction::Reply, Reaction::Retweet, Reaction::Quote];
            let reacted = |reaction| if record.len() == 24 { times(&record)[reaction].to_string() } else { "0".into() };
            fields.extend(order.map(reacted));
            raw.push(fields);
        }
    }
    ours.sort();
    raw.sort();
    assert_eq!(ours.len(), 15_000);
    assert!(ours == raw, "the first that differ: {:?}", ours.iter().zip(&raw).find(|(ours, raw)| ours != raw));
}

#[test]
fn the_log_is_in_the_order_of_time_and_is_the_join_of_its_tables() {
    let out = tempfile::tempdir().unwrap();
    feed(out.path(), &few(out.path()));
    let key = |row: &Row, name: &str| row[name].as_str().unwrap().to_owned();
    let by = |table: &str, name: &str| -> HashMap<String, Row> {
        let rows = rows(out.path(), table);
        let count = rows.len();
        let by: HashMap<String, Row> = rows.into_iter().map(|row| (key(&row, name), row)).collect();
        assert_eq!(by.len(), count, "{table}");
        by
    };
    let (posts, users) = (by("posts", "post_id"), by("users", "user_id"));
    let (log, feed) = (rows(out.path(), "impressions"), rows(out.path(), "feed"));
    assert_eq!(log.len(), feed.len());
    let mut before = 0;
    for (number, (impression, row)) in log.iter().zip(&feed).enumerate() {
        for (name, cell) in impression {
            assert_eq!(&row[name], cell, "{name}");
        }
        let prefixed = |prefix: &str, cells: &Row| {
            for (name, cell) in cells.iter().filter(|(name, _)| !name.ends_with("_id")) {
                assert_eq!(&row[&format!("{prefix}_{name}")], cell, "{prefix} {name}");
            }
        };
        let post = &posts[&key(impression, "post_id")];
        prefixed("post", post);
        assert_eq!(row["author_id"], post["author_id"]);
        prefixed("author", &users[&key(row, "author_id")]);
        prefixed("viewer", &users[&key(row, "viewer_id")]);
        let (shown, created) = (row["shown_at"].as_i64().unwrap(), row["post_created_at"].as_i64().unwrap());
        assert!(shown >= before && shown >= created && shown / 86_400_000 == created / 86_400_000);
        for reaction in ["liked_at", "replied_at", "reposted_at", "quoted_at"] {
            assert!(row[reaction].as_i64().is_none_or(|time| time >= shown), "{row:?}");
        }
        assert_eq!(shown >= 1_614_211_200_000, number >= 12_000, "the validation days come last");
        before = shown;
    }
}

#[test]
fn lines_of_json_are_the_rows_of_parquet() {
    let out = tempfile::tempdir().unwrap();
    feed(out.path(), &few(out.path()));
    for table in ["feed", "test"] {
        let text = fs::read_to_string(out.path().join(format!("{table}.ndjson"))).unwrap();
        let rows = rows(out.path(), table);
        assert_eq!(text.lines().count(), rows.len());
        for (line, row) in text.lines().zip(rows) {
            let mut cells: Row = serde_json::from_str(line).unwrap();
            for (name, cell) in cells.iter_mut().filter(|(name, cell)| name.ends_with("_at") && !cell.is_null()) {
                let time: chrono::DateTime<chrono::FixedOffset> = cell.as_str().unwrap().parse().unwrap();
                assert!(cell.as_str().unwrap().ends_with('Z'), "{name}");
                *cell = time.timestamp_millis().into();
            }
            assert_eq!(cells, row);
        }
    }
}

#[test]
fn text_is_a_feed_s_and_the_tokenizer_knows_it() {
    let out = tempfile::tempdir().unwrap();
    feed(out.path(), &few(out.path()));
    let tokenizer = Tokenizer::from_file(out.path().join("tokenizer.json")).unwrap();
    let rows = rows(out.path(), "feed");
    let texts: Vec<&str> = rows.iter().map(|row| row["post_text"].as_str().unwrap()).collect();
    let distinct: HashSet<&str> = texts.iter().copied().collect();
    assert!(distinct.len() * 10 < texts.len() * 8 && distinct.len() * 4 > texts.len(), "{}", distinct.len());
    assert!(texts.iter().all(|text| !text.is_empty() && text.chars().count() <= 300));
    let (mut unknown, mut tokens, mut scripts) = (0, 0, HashSet::new());
    for row in &rows {
        let text = row["post_text"].as_str().unwrap();
        let ids = tokenizer.encode(text, true).unwrap().get_ids().to_vec();
        assert_eq!((ids[0], ids[ids.len() - 1]), (101, 102));
        assert!(ids.iter().all(|&id| id < 119_547));
        unknown += ids.iter().filter(|&&id| id == 100).count();
        tokens += ids.len();
        for named in row["post_hashtags"].as_array().unwrap() {
            assert!(text.contains(&format!("#{}", named.as_str().unwrap())));
        }
        for (link, domain) in row["post_links"].as_array().unwrap().iter().zip(row["post_domains"].as_array().unwrap())
        {
            let link = link.as_str().unwrap();
            assert!(text.contains(link) && link.starts_with(&format!("https://{}/", domain.as_str().unwrap())));
        }
        scripts.insert(row["post_lang"].as_str().unwrap());
    }
    assert_eq!(unknown, 0);
    let mean = tokens as f64 / rows.len() as f64;
    assert!((25.0..60.0).contains(&mean), "{mean}");
    assert!(scripts.len() > 20 && scripts.contains("ja") && scripts.contains("ar"), "{}", scripts.len());
    assert!(texts.iter().any(|text| text.contains('日')) && texts.iter().any(|text| text.contains('🔥')));
}

#[test]
fn threads_do_not_show_and_nothing_is_overwritten() {
    let outs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let few = few(outs[0].path());
    for (out, (threads, seed)) in outs.iter().zip([(1, 11), (3, 11), (2, 12)]) {
        feed(out.path(), &SynthOptions { threads, seed, ..few.clone() });
    }
    let files = outs.each_ref().map(|out| generated::files(out.path()));
    assert_eq!(files[0].len(), 8, "{:?}", files[0].keys());
    assert!(files[0] == files[1]);
    for (name, bytes) in &files[2] {
        assert_eq!(bytes == &files[0][name], name == "tokenizer.json", "{name}");
    }
    let again = generate_feed(&few, FeedForms { parquet: true, ndjson: false }, &|_| ());
    assert!(matches!(again, Err(SynthError::Exists { path }) if path == outs[0].path().join("posts.parquet")));
}
