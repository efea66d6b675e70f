//! What a log holds, before it is imported.

use std::num::NonZeroUsize;

use skimlog_import::importer::Importer;
use skimlog_import::mapping::Mapping;
use skimlog_import::profile::{Profile, ProfileOptions};

use crate::files::VOCABULARY;

/// 2024-06-01T00:00:00Z.
const NOW: i64 = 1_717_200_000;

const MAPPING: &str = "tweet: id\ntime: at\nauthor: {id: a, followers: n}\nreader: r\nlanguage: lang\n\
    tokens: {column: tokens, split: ' '}\nmedia: {column: media, split: ' '}\nreactions: {like: {column: l, name: \
    heart}, quote: {column: q, name: save}}\n";

fn profile(text: &str, rows: Option<u64>, threads: usize) -> Profile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).unwrap();
    let importer = Importer::new(Mapping::parse(MAPPING, "m.yaml".as_ref()).unwrap(), VOCABULARY).unwrap();
    let (blocks, shape) = importer.open(&path, None, None).unwrap();
    let options = ProfileOptions { rows, threads: NonZeroUsize::new(threads).unwrap(), now: NOW };
    let mut profile = Profile::of(&importer, blocks, &shape, options).unwrap();
    profile.log = "log.csv".into();
    profile
}

const TEXT: &str = "id,at,a,n,r,lang,tokens,media,l,q\n\
    at://1,1715934600,did:a,5,did:b,en,101 7 102,Photo,1715934700,\n\
    at://2,2024-05-18T00:00:00Z,did:a,-3,did:b,de,101 102,,,1715934700\n\
    at://3,5,did:a,,did:c,en,101 102,GIF,1715934800,\n\
    at://4,,did:a,many,did:c,fr,101 102,,,\n\
    at://5,1715934600,did:a,5\n\
    at://6,1717300000,did:a,7,did:c,,101 1 2 3 4 5 6 7 8 102,,,\n";

#[test]
fn columns_and_records_are_as_they_will_be_read() {
    let profile = profile(TEXT, None, 1);
    assert_eq!((profile.rows, profile.bad_rows, profile.bad_lines, profile.records.len()), (6, 2, 1, 4));
    let column = |field: &str| profile.columns.iter().find(|column| column.field == field).unwrap();
    let time = column("time");
    assert_eq!((time.rows, time.nulls, time.bad, time.out_of_range), (5, 1, 1, 2));
    assert_eq!((time.least, time.greatest), (Some(5), Some(1_717_300_000)));
    assert_eq!(time.first_bad.as_ref().unwrap().row, 4);
    let followers = column("author.followers");
    assert_eq!((followers.nulls, followers.bad, followers.out_of_range), (1, 1, 1), "both faults of a row count");
    assert_eq!((followers.least, followers.greatest), (Some(-3), Some(7)));
    assert_eq!(column("language").words, ["en", "de", "fr"]);
    assert_eq!(column("media").words, ["Photo", "GIF"]);
    assert_eq!((column("tokens").least, column("tokens").greatest), (Some(2), Some(10)));
    let shares: Vec<_> = profile.reactions.iter().map(|share| (share.name.as_str(), share.rows)).collect();
    assert_eq!(shares, [("heart", 2), ("save", 1)]);
    assert_eq!(profile.first_bad_line.as_ref().unwrap().row, 5);
    let first = &profile.records[0];
    assert_eq!((first.tweet.as_str(), first.time.as_str()), ("at://1", "2024-05-17T08:30:00Z"));
    assert_eq!((first.author.id.as_str(), first.author.followers), ("did:a", 5));
    assert_eq!((first.n_tokens, &*first.first_tokens, &*first.media), (3, &[101, 7, 102][..], &["Photo"][..]));
    assert_eq!(first.reactions["heart"], "2024-05-17T08:31:40Z");
    assert_eq!(profile.records[3].language, "und");
    let json = serde_json::to_value(&profile).unwrap();
    assert_eq!(json["columns"][0]["field"], "tweet");
}

#[test]
fn the_text_fits_a_hundred_columns() {
    let long = "x".repeat(500);
    let text = TEXT.replace("at://2", &long).replace("did:c", "did:plc:ewvi7nxzyoun6zhxrhs64oiz\u{1b}[31m");
    let shown = profile(&text, None, 1).to_string();
    assert!(shown.lines().all(|line| line.chars().count() <= 100 && !line.contains('\u{1b}')), "{shown}");
    for part in [
        "log.csv: 6 rows, 2 of them bad",
        " 1 at://1  2024-05-17T08:30:00Z  TopLevel  language en",
        "   3 tokens: 101 7 102",
        "   10 tokens: 101 1 2 3 4 5 6 7 …",
        "   author did:a (5 followers, 0 following, since 2024-05-17T08:30:00Z)",
        "time              at                     1       1       2 1970-01-01 00:00:05 … 2024-06-02 03:46:40",
        "rows with a reaction: heart 50.00 %, save 25.00 %",
        "row 4: column `at` (time): is null, and a record needs it: fill it or leave the row out",
        "row 5: has 4 fields, and the header 10:",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
}

#[test]
fn neither_threads_nor_blocks_change_it() {
    let (header, rows) = TEXT.split_once('\n').unwrap();
    let whole: String = rows.split_inclusive('\n').filter(|line| line.matches(',').count() == 9).collect();
    let log = format!("{header}\n{rows}{}", whole.repeat(13_200));
    let one = profile(&log, None, 1);
    assert_eq!((one.rows, one.bad_rows, one.records.len()), (66_006, 13_202, 10));
    let json = |profile: &Profile| serde_json::to_string(profile).unwrap();
    assert_eq!(json(&profile(&log, None, 3)), json(&one));
    for most in [1, 6, 4097] {
        assert_eq!(profile(&log, Some(most), 2).rows, most);
    }
}
