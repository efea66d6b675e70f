//! Small random data, in which almost all keys collide, against the definition.

use proptest::collection::vec;
use proptest::prelude::*;
use skimlog_features::counts::{CountInputs, RecordSource, Split};
use skimlog_features::key::Key;
use skimlog_formats::{Id, PerReaction, Reaction};

use crate::definition::define;
use crate::source::{MemoryPart, Record, SimilarLists, collect};

/// Users, tweets, languages and hashtags share ids on purpose: families must not mix.
fn id(number: u8) -> Id {
    Id([number; 16])
}

fn record() -> impl Strategy<Value = Record> {
    let reaction = (prop::bool::weighted(0.3), 0..4i64);
    // Times before 1970 and beyond any clock are data, too.
    let start =
        prop_oneof![8 => Just(1_612_400_000), 1 => Just(-100_000i64), 1 => Just(i64::MAX / 2), 1 => Just(-(1 << 62))];
    let day = (start, 0..4i64).prop_map(|(start, day)| start + day * 86_400);
    (0..5u8, 0..5u8, 0..4u8, 0..3u8, vec(0..3u8, 0..4), day, vec(reaction, 4)).prop_map(
        |(author, reader, tweet, language, hashtags, tweet_time, reactions)| Record {
            author: id(author),
            reader: id(reader),
            tweet: id(tweet),
            language: id(language),
            hashtags: hashtags.into_iter().map(id).collect(),
            tweet_time,
            reactions: PerReaction::from_fn(|reaction: Reaction| {
                let (reacted, days_later) = reactions[reaction as usize];
                reacted.then_some(tweet_time + days_later * 86_400 + 50_000)
            }),
        },
    )
}

fn similar() -> impl Strategy<Value = SimilarLists> {
    let list = vec((0..6u8, 0.01..1.0f64), 0..4);
    vec(list, 5).prop_map(|lists| {
        let with_keys =
            |list: Vec<(u8, f64)>| list.into_iter().map(|(author, score)| (Key::of(id(author)), score)).unzip();
        let by_author = lists.into_iter().enumerate().filter(|(_, list)| !list.is_empty());
        SimilarLists(by_author.map(|(author, list)| (Key::of(id(author as u8)), with_keys(list))).collect())
    })
}

fn parts(name: &str, records: &[Vec<Record>], block_rows: usize) -> Vec<MemoryPart> {
    let part = |records: &Vec<Record>| MemoryPart { name: name.to_owned(), records: records.clone(), block_rows };
    records.iter().map(part).collect()
}

fn sources(parts: &[MemoryPart]) -> Vec<&dyn RecordSource> {
    parts.iter().map(|part| part as &dyn RecordSource).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_equal_their_definition(
        training in vec(vec(record(), 0..60), 0..4),
        validation in prop::option::of(vec((record(), prop::bool::weighted(0.3)), 0..60)),
        test in vec(vec(record(), 0..15), 0..2),
        similar in similar(),
        chunks in 1..5u16,
        read_rows in 1..30usize,
        block_rows in 1..30usize,
        budget in prop_oneof![0..2_000u64, 2_000..200_000u64, Just(1 << 30)],
        threads in 1..4usize,
    ) {
        let training_parts = parts("training", &training, read_rows);
        let test_parts = parts("test", &test, read_rows);
        let validation = validation.map(|records| {
            let (records, held_out): (Vec<Record>, Vec<bool>) = records.into_iter().unzip();
            (parts("validation", &[records], read_rows).remove(0), Split::from_bits(held_out, chunks))
        });
        let expected = define(
            &training,
            validation.as_ref().map(|(part, split)| (&part.records[..], split)),
            &test,
            &similar,
        );
        let inputs = CountInputs {
            training: &sources(&training_parts),
            validation: validation.as_ref().map(|(part, split)| (part as &dyn RecordSource, split)),
            test: &sources(&test_parts),
            similar: &similar,
        };
        let (counted, _) = collect(&inputs, budget, threads, block_rows);
        prop_assert_eq!(counted, expected);
    }
}
