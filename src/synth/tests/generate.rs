//! The generator's promises, checked on its files.

// A file that cannot be read ends the test.
#![allow(clippy::unwrap_used)]

mod generated;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use generated::{files, list, options, records, times};
use skimlog_formats::record::{Media, NO_REACTION, RecordBatch, TweetType, Users, write_record};
use skimlog_formats::{Id, PerReaction, Reaction};
use skimlog_synth::{SynthError, SynthOptions, Truth, generate};

/// The files most tests look at.
static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| generated(&options("".as_ref())));

fn generated(options: &SynthOptions) -> BTreeMap<String, Vec<u8>> {
    let out = tempfile::tempdir().unwrap();
    let summary = generate(&SynthOptions { out: out.path().to_owned(), ..options.clone() }, &|_| ()).unwrap();
    let files = files(out.path());
    let training: usize =
        files.iter().filter(|(name, _)| name.starts_with("train/")).map(|(_, part)| records(part).len()).sum();
    assert!(options.only_part.is_some() || training as u64 == options.rows);
    assert_eq!(summary.records, training as u64 + options.valid_rows + options.test_rows);
    let parts = files.iter().filter(|(name, _)| name.contains("/part-"));
    assert_eq!(summary.bytes, parts.map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    files
}

fn train() -> Vec<Vec<&'static str>> {
    ["train/part-00000", "train/part-00001"].into_iter().flat_map(|part| records(&FILES[part])).collect()
}

fn share(records: &[Vec<&str>], so: impl Fn(&[&str]) -> bool) -> f64 {
    records.iter().filter(|record| so(record)).count() as f64 / records.len() as f64
}

fn near(value: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!((value - wanted).abs() <= tolerance, "{what}: {value}, not {wanted} ± {tolerance}");
}

#[test]
fn files_and_record_counts_are_as_asked() {
    let names: Vec<&str> = FILES.keys().map(String::as_str).collect();
    let part = |set: &str, number: u32| format!("{set}/part-{number:05}");
    let expected = [part("test", 0), "test_labels.tsv".into(), part("train", 0), part("train", 1), "truth.json".into()];
    let mut expected: Vec<String> = expected.into_iter().chain([part("validation", 0)]).collect();
    expected.sort();
    assert_eq!(names, expected);
    let rows = ["train/part-00000", "train/part-00001", "validation/part-00000", "test/part-00000"];
    assert_eq!(rows.map(|part| records(&FILES[part]).len()), [25_000, 25_000, 6_000, 5_000]);
}

#[test]
fn every_record_is_canonical() {
    for (set, fields, first_day, days) in
        [("train", 24, 1_612_396_800, 21), ("validation", 24, 1_614_211_200, 7), ("test", 20, 1_614_211_200, 7)]
    {
        for (_, bytes) in FILES.iter().filter(|(name, _)| name.starts_with(&format!("{set}/"))) {
            for (record, line) in records(bytes).iter().zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
                assert_eq!(record.len(), fields);
                assert_eq!(rewritten(record).as_bytes(), line);
                let tokens = list(record[0]);
                assert!(tokens.len() <= 300 && tokens[0] == "101" && tokens[tokens.len() - 1] == "102");
                let within = &tokens[1..tokens.len() - 1];
                assert!(within.iter().all(|&t| t == "100" || (104..119_547).contains(&t.parse::<u32>().unwrap())));
                let time: u32 = record[8].parse().unwrap();
                assert!((first_day..first_day + days * 86_400).contains(&time));
                if fields == 24 {
                    assert!(times(record).iter().all(|(_, &t)| t == 0 || (t > time && t < time + 86_400)));
                }
                assert!([13, 18].into_iter().all(|field| record[field].parse::<u32>().unwrap() < 1_612_051_200));
                assert_eq!(list(record[4]).len(), list(record[5]).len());
                assert_ne!(record[9], record[14]);
            }
        }
    }
}

#[test]
fn shapes_are_realistic() {
    let train = train();
    for (reaction, wanted, tolerance) in [
        (Reaction::Like, 0.40, 0.02),
        (Reaction::Retweet, 0.09, 0.01),
        (Reaction::Reply, 0.026, 0.005),
        (Reaction::Quote, 0.007, 0.002),
    ] {
        near(share(&train, |record| times(record)[reaction] != 0), wanted, tolerance, reaction.name());
    }
    near(share(&train, |record| record[19] == "true"), 0.44, 0.02, "follows");
    near(share(&train, |record| record[6] == "TopLevel"), 0.45, 0.02, "top level");
    near(share(&train, |record| record[6] == "Retweet"), 0.35, 0.02, "retweet");
    near(share(&train, |record| record[6] == "Quote"), 0.20, 0.02, "quote");
    near(share(&train, |record| !record[1].is_empty()), 0.16, 0.015, "hashtags");
    near(share(&train, |record| !record[3].is_empty()), 0.40, 0.015, "media");
    near(share(&train, |record| record[3].starts_with("Photo\tPhoto")), 0.07, 0.015, "repeated media");
    near(share(&train, |record| !record[4].is_empty()), 0.13, 0.015, "links");
    assert!(train.iter().any(|record| list(record[1]).len() == 5) && train.iter().all(|r| list(r[1]).len() <= 5));

    let mut lengths: Vec<usize> = train.iter().map(|record| list(record[0]).len()).collect();
    lengths.sort_unstable();
    near(lengths[25_000] as f64, 35.0, 2.0, "median length");
    assert!(lengths[49_999] > 200);

    let mut languages: HashMap<&str, u32> = HashMap::new();
    train.iter().for_each(|record| *languages.entry(record[7]).or_default() += 1);
    assert!((60..=65).contains(&languages.len()), "{}", languages.len());
    near(f64::from(*languages.values().max().unwrap()) / 50_000.0, 0.33, 0.1, "first language");

    let followers = |field: usize| {
        let mut logs: Vec<f64> =
            train.iter().map(|record| (record[field].parse::<f64>().unwrap() + 1.0).ln()).collect();
        logs.sort_by(f64::total_cmp);
        (logs[25_000], logs[47_500] - logs[2_500])
    };
    near(followers(10).0, 7.5, 0.6, "median of the logarithm of authors' followers");
    near(followers(15).1, 2.0 * 1.645 * 1.5, 1.5, "5 to 95 % of the logarithm of readers' followers");

    let day = |record: &[&str]| {
        (times(record).iter().map(|(_, &t)| t).max().unwrap().max(record[8].parse().unwrap()) - 1_612_396_800) / 86_400
    };
    let days: HashSet<u32> = train.iter().map(|record| day(record)).collect();
    assert_eq!(days, (0..22).collect());
}

#[test]
fn readers_authors_tweets_and_pairs_recur() {
    let train = train();
    let distinct = |key: fn(&[&'static str]) -> (&'static str, &'static str)| {
        let mut counts: HashMap<_, u32> = HashMap::new();
        train.iter().for_each(|record| *counts.entry(key(record)).or_default() += 1);
        counts
    };
    let readers = distinct(|record| (record[14], ""));
    let share_above_five = readers.values().filter(|&&count| count > 5).count() as f64 / readers.len() as f64;
    assert!(share_above_five > 0.4, "{share_above_five}");
    let (tweets, pairs) = (distinct(|record| (record[2], "")), distinct(|record| (record[9], record[14])));
    assert!(tweets.len() < 25_000 && pairs.len() < 35_000, "{} {}", tweets.len(), pairs.len());
    assert!(distinct(|record| (record[9], "")).values().any(|&count| count > 250));
    assert!(distinct(|record| (record[2], record[14])).len() > 47_500);
    // Pairs that read each other are what the reversed pair counts are about.
    assert!(pairs.keys().any(|&(author, reader)| pairs.contains_key(&(reader, author))));

    let mut pair_days: HashMap<(&str, &str), HashSet<u32>> = HashMap::new();
    for record in &train {
        let day = record[8].parse::<u32>().unwrap() / 86_400;
        pair_days.entry((record[9], record[14])).or_default().insert(day);
    }
    assert!(pair_days.values().filter(|days| days.len() > 1).count() > 5_000);
}

#[test]
fn history_tells_who_reacts() {
    // By halves of the training set: the records' order has nothing to do with time.
    let (first, second) = (records(&FILES["train/part-00000"]), records(&FILES["train/part-00001"]));
    for (reaction, factor) in [(Reaction::Like, 1.25), (Reaction::Retweet, 2.0), (Reaction::Reply, 2.5)] {
        let known: HashSet<&str> = first.iter().map(|record| record[14]).collect();
        let reacted: HashSet<&str> =
            first.iter().filter(|record| times(record)[reaction] != 0).map(|record| record[14]).collect();
        let rate = |among: &dyn Fn(&str) -> bool| {
            let records: Vec<_> = second.iter().filter(|record| among(record[14])).cloned().collect();
            share(&records, |record| times(record)[reaction] != 0)
        };
        let (with, without) = (rate(&|r| reacted.contains(r)), rate(&|r| known.contains(r) && !reacted.contains(r)));
        assert!(with > factor * without, "{reaction}: {with} {without}");
    }
}

#[test]
fn followers_of_authors_overlap() {
    let mut followers: HashMap<&str, HashSet<&str>> = HashMap::new();
    for record in train().iter().filter(|record| record[19] == "true") {
        followers.entry(record[9]).or_default().insert(record[14]);
    }
    let sets: Vec<&HashSet<&str>> = followers.values().filter(|set| set.len() >= 10).collect();
    let similar = |a: &HashSet<&str>, b: &HashSet<&str>| {
        let both = a.intersection(b).count();
        both as f64 / (a.len() + b.len() - both) as f64 >= 0.1
    };
    let with_similar = sets.iter().filter(|a| sets.iter().any(|b| !std::ptr::eq(**a, *b) && similar(a, b))).count();
    assert!(with_similar * 2 > sets.len(), "{with_similar} of {}", sets.len());
}

#[test]
fn tweets_users_and_pairs_stay_what_they_are() {
    let mut seen: HashMap<Vec<&str>, Vec<&str>> = HashMap::new();
    for part in ["train/part-00000", "train/part-00001", "validation/part-00000", "test/part-00000"] {
        for record in records(&FILES[part]) {
            let mut content = record[..14].to_vec();
            content.remove(2);
            let facts = [
                (vec!["tweet", record[2]], content),
                (vec!["user", record[9]], record[10..14].to_vec()),
                (vec!["user", record[14]], record[15..19].to_vec()),
                (vec!["pair", record[9], record[14]], vec![record[19]]),
            ];
            for (key, fact) in facts {
                let first = seen.entry(key).or_insert_with(|| fact.clone());
                assert_eq!(*first, fact);
            }
        }
    }
}

#[test]
fn threads_and_parts_do_not_show_but_seeds_do() {
    let few = SynthOptions { rows: 13_001, valid_rows: 4_097, test_rows: 10, threads: 1, ..options("".as_ref()) };
    let one = generated(&few);
    assert_eq!(one, generated(&SynthOptions { threads: 3, ..few.clone() }));
    let all = |files: &BTreeMap<String, Vec<u8>>| {
        files
            .iter()
            .filter(|(name, _)| name.starts_with("train/"))
            .map(|(_, bytes)| &bytes[..])
            .collect::<Vec<_>>()
            .concat()
    };
    let more_parts = generated(&SynthOptions { parts: 5, ..few.clone() });
    assert_eq!(all(&one), all(&more_parts));
    let rows = (0..5).map(|part| records(&more_parts[&format!("train/part-{part:05}")]).len());
    assert_eq!(rows.collect::<Vec<_>>(), [2_601, 2_600, 2_600, 2_600, 2_600]);
    for part in 0..5 {
        let alone =
            generated(&SynthOptions { parts: 5, only_part: Some(part), valid_rows: 0, test_rows: 0, ..few.clone() });
        let name = format!("train/part-{part:05}");
        assert_eq!(alone.keys().collect::<Vec<_>>(), [&name, "truth.json"]);
        assert!(alone[&name] == more_parts[&name], "{name}");
    }
    let other = generated(&SynthOptions { seed: 12, ..few });
    let ids = |files| records(files).iter().map(|record| record[2].to_owned()).collect::<HashSet<_>>();
    assert!(ids(&one["train/part-00000"]).is_disjoint(&ids(&other["train/part-00000"])));
}

#[test]
fn truth_agrees_with_the_files() {
    let truth: Truth = serde_json::from_slice(&FILES["truth.json"]).unwrap();
    let labels: Vec<Vec<&str>> = std::str::from_utf8(&FILES["test_labels.tsv"])
        .unwrap()
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    for (label, record) in labels.iter().zip(records(&FILES["test/part-00000"])) {
        assert_eq!((label.len(), label[0], label[1]), (6, record[2], record[14]));
    }
    let of_records = |records: &[Vec<&str>]| -> Vec<PerReaction<bool>> {
        records.iter().map(|record| times(record).map(|time| time != 0)).collect()
    };
    let of_labels = |label: &Vec<&str>| {
        let bits = [2, 3, 4, 5].map(|column| match label[column] {
            "0" => false,
            "1" => true,
            other => panic!("label {other}"),
        });
        PerReaction::from_order(Reaction::RECORD_ORDER, bits)
    };
    for (set, reactions) in [
        (truth.train, of_records(&train())),
        (truth.validation, of_records(&records(&FILES["validation/part-00000"]))),
        (truth.test, labels.iter().map(of_labels).collect()),
    ] {
        let set = set.unwrap();
        assert_eq!(set.records, reactions.len() as u64);
        for reaction in Reaction::ALL {
            let of = set.of(reaction);
            let rate = reactions.iter().filter(|had| had[reaction]).count() as f64 / reactions.len() as f64;
            near(of.rate, rate, 1e-12, "rate");
            let noise = (rate * (1.0 - rate) / reactions.len() as f64).sqrt();
            near(of.mean_probability, rate, 4.0 * noise, "mean probability");
            assert!(of.ap.unwrap() > 1.5 * rate && of.rce.unwrap() > 5.0, "{reaction}: {of:?}");
        }
    }
}

#[test]
fn small_vocabularies_and_sets_left_out() {
    let few =
        SynthOptions { rows: 500, parts: 1, valid_rows: 0, test_rows: 0, vocabulary: 2_000, ..options("".as_ref()) };
    let files = generated(&few);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["train/part-00000", "truth.json"]);
    let records = records(&files["train/part-00000"]);
    let tokens: HashSet<u32> = records.iter().flat_map(|r| list(r[0])).map(|token| token.parse().unwrap()).collect();
    assert!(tokens.iter().all(|&token| token < 2_000) && tokens.len() > 1_000, "{}", tokens.len());
}

#[test]
fn nothing_there_is_overwritten_and_an_interrupted_run_is_no_obstacle() {
    let out = tempfile::tempdir().unwrap();
    let few = SynthOptions { rows: 9_000, valid_rows: 10, test_rows: 10, ..options(out.path()) };
    let unfinished = out.path().join(".unfinished/train");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("part-00007"), "half a record").unwrap();
    let (last, calls) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let progress = |records| {
        assert!(last.swap(records, Ordering::Relaxed) < records);
        calls.lock().unwrap().push(records);
    };
    generate(&few, &progress).unwrap();
    assert_eq!(*calls.lock().unwrap(), [4_096, 8_192, 9_000, 9_010, 9_020]);
    assert!(!files(out.path()).keys().any(|name| name.contains("00007") || name.contains("unfinished")));
    let before = files(out.path());
    assert!(matches!(generate(&few, &|_| ()), Err(SynthError::Exists { path }) if path == out.path().join("train")));
    assert_eq!(files(out.path()), before);
}

/// The record, parsed and written again.
fn rewritten(record: &[&str]) -> String {
    let id = |text: &str| Id::parse(text.as_bytes()).unwrap();
    let ids = |field: usize| list(record[field]).into_iter().map(id).collect::<Vec<_>>();
    let user = |first: usize| Users {
        id: vec![id(record[first])],
        followers: vec![record[first + 1].parse().unwrap()],
        following: vec![record[first + 2].parse().unwrap()],
        verified: vec![record[first + 3].parse().unwrap()],
        created: vec![record[first + 4].parse().unwrap()],
    };
    let mut batch = RecordBatch {
        rows: 1,
        tweet: vec![id(record[2])],
        tweet_type: vec![TweetType::ALL.into_iter().find(|kind| kind.name() == record[6]).unwrap()],
        language: vec![id(record[7])],
        tweet_time: vec![record[8].parse().unwrap()],
        author: user(9),
        reader: user(14),
        author_follows_reader: vec![record[19].parse().unwrap()],
        reactions: (record.len() == 24)
            .then(|| times(record).map(|time| vec![if time == 0 { NO_REACTION } else { time.into() }])),
        ..RecordBatch::default()
    };
    let media = |name: &str| Media::ALL.into_iter().find(|media| media.name() == name).unwrap();
    batch.tokens.push(&list(record[0]).iter().map(|token| token.parse().unwrap()).collect::<Vec<_>>());
    batch.hashtags.push(&ids(1));
    batch.media.push(&list(record[3]).into_iter().map(media).collect::<Vec<_>>());
    batch.links.push(&ids(4));
    batch.domains.push(&ids(5));
    let mut text = Vec::new();
    write_record(&batch, 0, &mut text);
    String::from_utf8(text).unwrap()
}
