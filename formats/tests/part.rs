//! Parts: any batch comes back whole or column by column, and files of every version are still read.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use skimlog_formats::columnar::{Advice, ColumnRef, ColumnarError, Reader, Schema, Writer, encode_block_advised};
use skimlog_formats::part::{self, PartReader, PartWriter};
use skimlog_formats::record::{Columns, Media, NO_REACTION, RecordBatch, TweetType, Users, write_record};
use skimlog_formats::{Id, Lists, PerReaction, Reaction};

fn write(path: &Path, batches: &[RecordBatch], has_reactions: bool) {
    let mut writer = PartWriter::new(Vec::new(), has_reactions).unwrap();
    batches.iter().for_each(|batch| writer.append(part::encode(batch).unwrap()).unwrap());
    let rows = batches.iter().map(|batch| batch.rows as u64).sum::<u64>();
    assert_eq!(writer.rows(), rows);
    fs::write(path, writer.finish().unwrap()).unwrap();
}

#[derive(Clone, Debug)]
struct Row {
    tokens: Vec<u32>,
    ids: [Vec<u8>; 3],
    media: Vec<usize>,
    tweet: u8,
    kind: usize,
    users: [(u8, i64, i64, bool); 2],
    follows: bool,
    delays: [Option<i64>; 4],
}

fn id(family: u8, number: u8) -> Id {
    let mut id = Id([number.wrapping_mul(37) ^ family; 16]);
    id.0[3] = number;
    id
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let ids = || prop::collection::vec(any::<u8>(), 0..3);
    let count = prop_oneof![any::<u32>().prop_map(i64::from), any::<i64>()];
    let user = || (0..20u8, 0..3000i64, count.clone(), any::<bool>());
    let row = (
        prop::collection::vec(0..119_547u32, 0..60),
        [ids(), ids(), ids()],
        prop::collection::vec(0..3usize, 0..4),
        any::<u8>(),
        0..4usize,
        [user(), user()],
        any::<bool>(),
        prop::array::uniform4(prop::option::of(prop_oneof![8 => 0..100_000i64, 1 => -(1i64 << 40)..1 << 62])),
    );
    let row = row.prop_map(|(tokens, ids, media, tweet, kind, users, follows, delays)| Row {
        tokens,
        ids,
        media,
        tweet,
        kind,
        users,
        follows,
        delays,
    });
    prop::collection::vec(row, 0..120)
}

fn batch(rows: &[Row], has_reactions: bool) -> RecordBatch {
    let mut batch = RecordBatch { rows: rows.len(), ..RecordBatch::default() };
    let mut times = PerReaction::<Vec<i64>>::default();
    for row in rows {
        let ids = |family: usize| row.ids[family].iter().map(|&number| id(family as u8, number)).collect::<Vec<_>>();
        batch.tokens.push(&row.tokens);
        batch.hashtags.push(&ids(0));
        batch.links.push(&ids(1));
        batch.domains.push(&ids(2));
        batch.media.push(&row.media.iter().map(|&code| Media::ALL[code]).collect::<Vec<_>>());
        batch.tweet.push(id(3, row.tweet));
        batch.tweet_type.push(TweetType::ALL[row.kind]);
        batch.language.push(id(4, row.tweet % 65));
        let time = 1_612_000_000 + i64::from(row.tweet) * 5000;
        batch.tweet_time.push(time);
        for (users, (user, followers, following, verified)) in
            [&mut batch.author, &mut batch.reader].into_iter().zip(row.users)
        {
            users.id.push(id(5, user));
            users.followers.push(i64::from(user) * 1000 + followers / 2999);
            users.following.push(following);
            users.verified.push(verified);
            users.created.push(1_200_000_000 - i64::from(user) * 100_000_000);
        }
        batch.author_follows_reader.push(row.follows);
        for (reaction, delay) in Reaction::ALL.into_iter().zip(row.delays) {
            times[reaction].push(delay.map_or(NO_REACTION, |delay| time + delay));
        }
    }
    batch.reactions = has_reactions.then_some(times);
    batch
}

/// What a selection of columns leaves of a batch.
fn selected(batch: &RecordBatch, columns: Columns) -> RecordBatch {
    fn list<T: Clone>(keep: bool, lists: &Lists<T>) -> Lists<T> {
        if keep { lists.clone() } else { Lists::default() }
    }
    fn flat<T: Clone>(keep: bool, values: &[T]) -> Vec<T> {
        if keep { values.to_vec() } else { Vec::new() }
    }
    let has = |column| columns.contains(column);
    let users = |users: &Users, id, profile| Users {
        id: flat(has(id), &users.id),
        followers: flat(has(profile), &users.followers),
        following: flat(has(profile), &users.following),
        verified: flat(has(profile), &users.verified),
        created: flat(has(profile), &users.created),
    };
    RecordBatch {
        rows: batch.rows,
        tokens: list(has(Columns::TOKENS), &batch.tokens),
        hashtags: list(has(Columns::HASHTAGS), &batch.hashtags),
        tweet: flat(has(Columns::TWEET), &batch.tweet),
        media: list(has(Columns::MEDIA), &batch.media),
        links: list(has(Columns::LINKS), &batch.links),
        domains: list(has(Columns::DOMAINS), &batch.domains),
        tweet_type: flat(has(Columns::TWEET_TYPE), &batch.tweet_type),
        language: flat(has(Columns::LANGUAGE), &batch.language),
        tweet_time: flat(has(Columns::TWEET_TIME), &batch.tweet_time),
        author: users(&batch.author, Columns::AUTHOR_ID, Columns::AUTHOR_PROFILE),
        reader: users(&batch.reader, Columns::READER_ID, Columns::READER_PROFILE),
        author_follows_reader: flat(has(Columns::AUTHOR_FOLLOWS_READER), &batch.author_follows_reader),
        reactions: batch.reactions.clone().filter(|_| has(Columns::REACTIONS)),
    }
}

const EVERY_COLUMN: [Columns; 15] = [
    Columns::TOKENS,
    Columns::HASHTAGS,
    Columns::TWEET,
    Columns::MEDIA,
    Columns::LINKS,
    Columns::DOMAINS,
    Columns::TWEET_TYPE,
    Columns::LANGUAGE,
    Columns::TWEET_TIME,
    Columns::AUTHOR_ID,
    Columns::AUTHOR_PROFILE,
    Columns::READER_ID,
    Columns::READER_PROFILE,
    Columns::AUTHOR_FOLLOWS_READER,
    Columns::REACTIONS,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_part_comes_back(
        blocks in prop::collection::vec(rows(), 0..4),
        has_reactions in any::<bool>(),
        choice in any::<u16>(),
    ) {
        let batches: Vec<RecordBatch> = blocks.iter().map(|rows| batch(rows, has_reactions)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.skim");
        write(&path, &batches, has_reactions);
        let part = PartReader::open(&path).unwrap();
        prop_assert_eq!(part.has_reactions(), has_reactions);
        let written: Vec<&RecordBatch> = batches.iter().filter(|batch| batch.rows > 0).collect();
        prop_assert_eq!(part.blocks(), written.len());
        let chosen = EVERY_COLUMN.into_iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1);
        let chosen = chosen.fold(Columns::NONE, |all, (_, column)| all.union(column));
        for (block, batch) in written.into_iter().enumerate() {
            prop_assert_eq!(&part.read(block, Columns::ALL).unwrap(), batch);
            prop_assert_eq!(part.read(block, chosen).unwrap(), selected(batch, chosen));
        }
    }
}

#[test]
fn wrong_batches_and_files_are_named() {
    let empty = RecordBatch::default();
    let too_large = RecordBatch { rows: part::BLOCK_ROWS + 1, ..RecordBatch::default() };
    assert!(matches!(part::encode(&too_large), Err(ColumnarError::Shape(_))));
    let incomplete = RecordBatch { rows: 1, ..RecordBatch::default() };
    assert!(part::encode(&incomplete).unwrap_err().to_string().contains("lacks columns"));
    assert_eq!(part::encode(&empty).unwrap().rows(), 0);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.skim");
    let open = |schema: &Schema| {
        fs::write(&path, Writer::new(Vec::new(), schema).unwrap().finish().unwrap()).unwrap();
        PartReader::open(&path)
    };
    let schema = part::schema(true);
    assert!(!open(&part::schema(false)).unwrap().has_reactions());
    assert!(matches!(open(&Schema { kind: "codes".into(), ..schema.clone() }), Err(ColumnarError::Kind { .. })));
    let mut lacking = schema.clone();
    lacking.fields.retain(|field| field.name != "quote_time");
    assert!(open(&lacking).unwrap_err().to_string().contains("no column \"quote_time\""));
    let mut retyped = schema.clone();
    retyped.fields[0].list = false;
    assert!(open(&retyped).unwrap_err().to_string().contains("column \"tokens\" holds u32, not list of u32"));
}

#[test]
fn a_code_that_means_nothing_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.skim");
    let rows = [Row {
        tokens: vec![1],
        ids: Default::default(),
        media: vec![0],
        tweet: 1,
        kind: 0,
        users: [(1, 1, 1, false); 2],
        follows: true,
        delays: [None; 4],
    }];
    write(&path, &[batch(&rows, false)], false);
    let sound = Reader::open(&path).unwrap();
    let schema = part::schema(false);
    let mut columns: Vec<_> = (0..schema.fields.len()).map(|field| sound.read(0, field).unwrap()).collect();
    let field = sound.field("tweet_type").unwrap();
    columns[field] = skimlog_formats::columnar::Column::Flat(skimlog_formats::columnar::Values::U8(vec![4]));
    let references: Vec<ColumnRef<'_>> = columns.iter().map(|column| column.as_ref()).collect();
    let mut writer = Writer::new(Vec::new(), &schema).unwrap();
    writer.append(encode_block_advised(&schema, &references, &[Advice::Auto]).unwrap()).unwrap();
    let path = folder.path().join("other.skim");
    fs::write(&path, writer.finish().unwrap()).unwrap();
    let error = PartReader::open(&path).unwrap().read(0, Columns::TWEET_TYPE).unwrap_err().to_string();
    assert!(error.contains("column \"tweet_type\" has the code 4") && error.contains("byte "), "{error}");
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// `fixtures/part-v1.skim` and `part-v2.skim` hold the first 300 records of the golden training part, as those versions
/// wrote them, `part-v3.skim` those of [`unusual_records`] (`skimmer convert PART -o FILE`).
#[test]
fn every_version_is_read() {
    let raw = fs::read(fixtures().join("golden/small/raw/train/part-00000")).unwrap();
    let raw = raw.split_inclusive(|&byte| byte == b'\n').take(300).collect::<Vec<_>>().concat();
    for (version, expected) in [(1, &raw), (2, &raw), (3, &unusual_records())] {
        let part = PartReader::open(fixtures().join(format!("part-v{version}.skim"))).unwrap();
        part.reader().verify().unwrap();
        assert_eq!(
            (part.reader().version(), part.rows(), part.blocks(), part.has_reactions()),
            (version, 300, 1, true)
        );
        let batch = part.read(0, Columns::ALL).unwrap();
        let mut text = Vec::new();
        (0..batch.rows).for_each(|row| write_record(&batch, row, &mut text));
        if !part.has_final_newline() {
            text.pop();
        }
        assert!(&text == expected, "version {version}");
    }
}

/// The golden records with every number that a time or a count may be, the type `Reply`, and no final newline.
fn unusual_records() -> Vec<u8> {
    let raw = fs::read_to_string(fixtures().join("golden/small/raw/train/part-00000")).unwrap();
    let numbers = ["-4665600", "0", "-1", "4294967296", "9223372036854775807", "-9223372036854775807", "1612400000"];
    let lines = raw.lines().take(300).enumerate().map(|(row, line)| {
        let mut fields: Vec<&str> = line.split('\u{1}').collect();
        for (place, field) in [8, 10, 11, 13, 15, 16, 18, 20, 21, 22, 23].into_iter().enumerate() {
            if (row + place) % 3 == 0 && !(field >= 20 && fields[field].is_empty()) {
                fields[field] = numbers[(row / 3 + place) % numbers.len()];
            }
        }
        if row % 5 == 0 {
            fields[6] = "Reply";
        }
        fields.join("\u{1}")
    });
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}
