//! Logs of one's own: imported, trained on, and predicted under their own ids.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use crate::harness::{demo, fixture, golden_lines, run, run_with_input, skimmer, stderr, success};

/// The columns of `skimmer export --to parquet`.
const EXPORTED: &str = "\
tweet: tweet
tokens: tokens
hashtags: hashtags
links: links
domains: domains
media: media
type: tweet_type
language: language
time: tweet_time
author: {id: author, followers: author_followers, following: author_following, verified: author_verified,
         created: author_created}
reader: {id: reader, followers: reader_followers, following: reader_following, verified: reader_verified,
         created: reader_created}
follows: author_follows_reader
reactions: {like: like_time, reply: reply_time, retweet: retweet_time, quote: quote_time}
";

/// A small feed: its log in both forms, its test rows, its tokenizer, and a mapping of them.
fn feed() -> &'static Path {
    static FEED: OnceLock<PathBuf> = OnceLock::new();
    FEED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("feed");
        let _ = fs::remove_dir_all(&folder);
        let folder_text = folder.to_str().unwrap();
        success(run([
            "synth",
            "--quiet",
            "--as",
            "feed",
            "--joined",
            "parquet,ndjson",
            "--out",
            folder_text,
            "--rows",
            "4000",
            "--valid-rows",
            "1000",
            "--test-rows",
            "300",
        ]));
        fs::write(folder.join("mapping.yaml"), FEED_MAPPING).unwrap();
        folder
    })
}

/// What a user writes for a feed: at most 15 lines.
const FEED_MAPPING: &str = "\
tweet: post_id
text: {column: post_text, tokenizer: tokenizer.json}
hashtags: post_hashtags
links: post_links
domains: post_domains
media: post_media
type: post_kind
language: post_lang
time: post_created_at
author: {id: author_id, followers: author_followers, following: author_following, verified: author_verified, \
         created: author_created_at}
reader: {id: viewer_id, followers: viewer_followers, following: viewer_following, verified: viewer_verified, \
         created: viewer_created_at}
follows: viewer_follows_author
shown: shown_at
reactions: {like: liked_at, reply: replied_at, retweet: {column: reposted_at, name: repost}, quote: quoted_at}
";

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn import(arguments: &[&str]) -> std::process::Output {
    run([&["import", "--quiet"], arguments].concat())
}

#[test]
fn the_records_of_a_raw_part_are_the_same_through_import() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    let raw = fixture("golden/small/raw/train/part-00000");
    success(run(["convert", "--quiet", raw.to_str().unwrap(), "-o", &at("raw.skim")]));
    success(run(["export", "--quiet", &at("raw.skim"), "--to", "parquet", "-o", &at("log.parquet")]));
    fs::write(at("mapping.yaml"), EXPORTED).unwrap();
    success(import(&[&at("log.parquet"), "-m", &at("mapping.yaml"), "-o", &at("imported.skim")]));
    assert_eq!(fs::read(at("imported.skim")).unwrap(), fs::read(at("raw.skim")).unwrap());

    // Predictions of the same records, as raw lines and as rows.
    let model = path(demo(), "working_dir/model");
    let lines = golden_lines("train/part-00000", 200).concat();
    let from_raw = success(run_with_input(["predict", "--quiet", "--model", &model], &lines)).stdout;
    fs::write(at("lines"), &lines).unwrap();
    success(run(["convert", "--quiet", &at("lines"), "-o", &at("lines.skim")]));
    success(run(["export", "--quiet", &at("lines.skim"), "--to", "parquet", "-o", &at("lines.parquet")]));
    let from_log = ["predict", "--quiet", "--model", &model, "--mapping", &at("mapping.yaml"), &at("lines.parquet")];
    assert_eq!(success(run(from_log)).stdout, from_raw);
}

#[test]
fn the_forms_of_a_log_give_the_same_part() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    let (parquet, ndjson, mapping) =
        (path(feed(), "feed.parquet"), path(feed(), "feed.ndjson"), path(feed(), "mapping.yaml"));
    success(import(&[&parquet, "-m", &mapping, "-o", &at("a.skim"), "--threads", "1"]));
    success(import(&[&ndjson, "-m", &mapping, "-o", &at("b.skim"), "--threads", "3", "--memory-budget", "64KiB"]));
    let stdin = ["import", "--quiet", "-", "-m", &mapping, "-o", &at("c.skim")];
    success(run_with_input(stdin, &fs::read(&parquet).unwrap()));
    success(run_with_input(
        ["import", "--quiet", "-", "-m", &mapping, "-o", &at("d.skim")],
        &fs::read(&ndjson).unwrap(),
    ));
    for ending in ["skim", "ids"] {
        let first = fs::read(at(&format!("a.{ending}"))).unwrap();
        for other in ["b", "c", "d"] {
            assert_eq!(fs::read(at(&format!("{other}.{ending}"))).unwrap(), first, "{other}.{ending}");
        }
    }
    let table = success(run(["inspect", &at("a.skim"), "--rows", "2"])).stdout;
    assert!(String::from_utf8(table).unwrap().contains("did:plc:"));
}

#[test]
fn a_log_is_divided_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    let (log, mapping) = (path(feed(), "feed.parquet"), path(feed(), "mapping.yaml"));
    let split = |time: &str| {
        import(&[&log, "-m", &mapping, "-o", &at("t.skim"), "--split-time", time, "--validation", &at("v.skim")])
    };
    success(split("2021-02-25"));
    let rows = |name: &str| {
        let card = success(run(["inspect", "--json", &at(name)])).stdout;
        serde_json::from_slice::<serde_json::Value>(&card).unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!(rows("t.skim") + rows("v.skim"), 5000);
    assert!(rows("v.skim").abs_diff(1000) < 50, "{}", rows("v.skim"));
    assert_eq!(fs::read(at("t.ids")).unwrap(), fs::read(at("v.ids")).unwrap());
    fs::remove_file(at("t.skim")).unwrap();
    fs::remove_file(at("t.ids")).unwrap();
    let refused = split("1990-01-01");
    assert!(stderr(&refused).contains("no record is before the split time"), "{}", stderr(&refused));
    assert!(!Path::new(&at("t.skim")).exists() && !Path::new(&at("t.ids")).exists());
}

/// A folder in which a configuration with logs has run.
fn trained() -> &'static Path {
    static TRAINED: OnceLock<PathBuf> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trained");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("logs")).unwrap();
        let at = |name: &str| path(&folder, name);
        for file in ["mapping.yaml", "tokenizer.json"] {
            fs::copy(feed().join(file), folder.join(file)).unwrap();
        }
        let text = fs::read_to_string(feed().join("feed.ndjson")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let name_of = ["logs/monday.ndjson", "logs/tuesday.jsonl", "validation.ndjson"];
        for (name, lines) in name_of.into_iter().zip([&lines[..2000], &lines[2000..4000], &lines[4000..]]) {
            fs::write(folder.join(name), lines.join("\n")).unwrap();
        }
        let config = "recsys_data: logs\nvalidation_part: validation.ndjson\nmapping: mapping.yaml\ntext: hashed\n\
                      train: {hidden_size: 16}\n";
        fs::write(folder.join("config.yaml"), config).unwrap();
        success(run(["run", "--quiet", "--config", &at("config.yaml")]));
        folder
    })
}

#[test]
fn a_configuration_of_logs_runs_and_predicts_their_ids() {
    let folder = trained();
    let model = path(folder, "working_dir/model");
    let again = success(run(["run", "--config", &path(folder, "config.yaml")]));
    assert!(stderr(&again).contains("up to date"), "{}", stderr(&again));
    let test = path(feed(), "test.ndjson");
    let rows = success(run(["predict", "--quiet", "--model", &model, &test])).stdout;
    let rows = String::from_utf8(rows).unwrap();
    let asked = fs::read_to_string(&test).unwrap();
    assert_eq!(rows.lines().count(), asked.lines().count());
    for (row, asked) in rows.lines().zip(asked.lines()) {
        let [row, asked] = [row, asked].map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        assert_eq!((&row["post_id"], &row["viewer_id"]), (&asked["post_id"], &asked["viewer_id"]));
        for reaction in ["like", "reply", "repost", "quote"] {
            assert!((0.0..=1.0).contains(&row[reaction].as_f64().unwrap()), "{row}");
        }
    }
    // Every other form has the same rows.
    let parquet = path(feed(), "test.parquet");
    let csv = success(run(["predict", "--quiet", "--model", &model, "--header", &parquet])).stdout;
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().next(), Some("post_id,viewer_id,reply,repost,quote,like"));
    let threads = ["predict", "--quiet", "--model", &model, "--to", "csv", "--header", "--threads", "3", &test];
    assert_eq!(String::from_utf8(success(run(threads)).stdout).unwrap(), csv);
}

#[test]
fn a_slow_pipe_is_answered_line_by_line() {
    let model = path(trained(), "working_dir/model");
    let mut child = skimmer()
        .args(["predict", "--quiet", "--model", &model, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let asked = fs::read_to_string(path(feed(), "test.ndjson")).unwrap();
    for line in asked.lines().take(5) {
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        // Waits for ever if the answer waits for more rows.
        let answer: serde_json::Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        let asked: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["post_id"], asked["post_id"]);
    }
    drop(input);
    assert!(answers.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn bad_rows_stop_or_are_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    fs::write(at("m.yaml"), "tweet: id\ntime: at\nauthor: a\nreader: r\nreactions: {like: l}\n").unwrap();
    let good = r#"{"id": 1, "at": "2024-05-17T08:30:00Z", "a": "x", "r": "y", "l": true}"#;
    let bad = r#"{"id": 2, "at": "2024-13-01", "a": "x", "r": "y"}"#;
    fs::write(at("log.ndjson"), [good, bad, "{", good].join("\n")).unwrap();
    let stopped = import(&[&at("log.ndjson"), "-m", &at("m.yaml"), "-o", &at("p.skim")]);
    let said = stderr(&stopped);
    let sentence = "log.ndjson: row 2: column `at` (time): `2024-13-01` is no time: a number or ISO 8601";
    assert!(said.contains(sentence), "{said}");
    assert!(!Path::new(&at("p.skim")).exists() && !Path::new(&at("p.ids")).exists());
    let aside = ["import", "--json", &at("log.ndjson"), "-m", &at("m.yaml"), "-o", &at("p.skim")];
    let output = success(run([&aside[..], &["--quarantine", &at("bad")]].concat()));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["records"], &summary["rejected"]), (&2.into(), &2.into()));
    let text = fs::read_to_string(at("bad/p.ndjson")).unwrap();
    assert!(text.starts_with(r#"{"id":"2","at":"2024-13-01","a":"x","r":"y"}"#) && text.ends_with("\n{\n"), "{text}");
    let reasons = fs::read_to_string(at("bad/p.reasons.tsv")).unwrap();
    assert!(reasons.starts_with("2\tcolumn `at`") && reasons.contains("\n3\t"), "{reasons}");
    let (model, mapping, log) = (path(trained(), "working_dir/model"), at("m.yaml"), at("log.ndjson"));
    let skip = ["predict", "--quiet", "--model", &model, "--mapping", &mapping, "--on-error", "skip", &log];
    let skipped = success(run(skip));
    assert_eq!(String::from_utf8(skipped.stdout).unwrap().lines().count(), 2);
}
