//! The counts straight from their definition: every record looks at every other.

use std::collections::BTreeMap;

use skimlog_features::counts::{COUNTS, Counter, Period, Side, SimilarLookup, Split, Table};
use skimlog_features::key::Key;
use skimlog_formats::{Id, Reaction};

use crate::source::{Collected, Record, Row, SimilarLists, Total};

/// Who a record is counted with and what it must not see.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Training { day: i64 },
    Finetune { chunk: u16 },
    Uncounted,
}

fn day(record: &Record) -> i64 {
    let latest = Reaction::ALL.into_iter().filter_map(|reaction| record.reactions[reaction]).max();
    latest.unwrap_or(record.tweet_time).div_euclid(86_400)
}

fn has(record: &Record, reaction: Reaction) -> bool {
    record.reactions[reaction].is_some()
}

fn without_reaction(record: &Record) -> bool {
    Reaction::ALL.into_iter().all(|reaction| !has(record, reaction))
}

fn occurrences(hashtags: &[Id], hashtag: Id) -> u64 {
    hashtags.iter().filter(|&&other| other == hashtag).count() as u64
}

/// Counts of each reaction among `seen`, each record weighted.
fn reactions(seen: &[&Record], weight: impl Fn(&Record) -> u64) -> [u64; 4] {
    Reaction::ALL.map(|reaction| seen.iter().filter(|other| has(other, reaction)).map(|other| weight(other)).sum())
}

fn row(record: &Record, training: &[&Record], finetune: &[&Record], similar: &SimilarLists) -> Row {
    let mut numbers: Vec<u64> = Vec::new();
    let pair = |other: &Record| u64::from((other.author, other.reader) == (record.author, record.reader));
    let author = |other: &Record| u64::from(other.author == record.author);
    let reader = |other: &Record| u64::from(other.reader == record.reader);
    let language = |other: &Record| reader(other) * u64::from(other.language == record.language);
    let hashtags = |other: &Record| {
        let shared = record.hashtags.iter().map(|&hashtag| occurrences(&other.hashtags, hashtag)).sum::<u64>();
        reader(other) * shared
    };
    for seen in [training, finetune] {
        numbers.extend(reactions(seen, pair));
        numbers.extend(reactions(seen, author));
        numbers.extend(reactions(seen, reader));
        numbers.extend(reactions(seen, language));
        numbers.extend(reactions(seen, hashtags));
        if numbers.len() == 20 {
            let (authors, scores) = similar.get(Key::of(record.author));
            let mut sums = [0.0; 4];
            for (&like_author, &score) in authors.iter().zip(scores) {
                let weight = |other: &Record| reader(other) * u64::from(Key::of(other.author) == like_author);
                let counts = reactions(seen, weight);
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += score * count as f64);
            }
            numbers.extend(sums.map(f64::to_bits));
            numbers.push(scores.iter().fold(0.0, |mass, score| mass + score).to_bits());
        }
    }
    numbers.extend(reactions(finetune, |other| u64::from(other.tweet == record.tweet)));
    numbers
        .extend(reactions(finetune, |other| u64::from((other.author, other.reader) == (record.reader, record.author))));
    numbers.extend(reactions(finetune, |other| u64::from(other.author == record.reader)));
    numbers.extend(reactions(finetune, |other| u64::from(other.reader == record.author)));
    let none = |same: &dyn Fn(&Record) -> bool| {
        finetune.iter().filter(|other| without_reaction(other) && same(other)).count() as u64
    };
    numbers.push(none(&|other| pair(other) == 1));
    numbers.push(none(&|other| author(other) == 1));
    numbers.push(none(&|other| reader(other) == 1));
    numbers.push(none(&|other| other.tweet == record.tweet));
    numbers.try_into().unwrap_or_else(|numbers: Vec<u64>| panic!("{} numbers, not {COUNTS}", numbers.len()))
}

fn keys(record: &Record, counter: Counter) -> Vec<u64> {
    let [author, reader, language] = [record.author, record.reader, record.language].map(Key::of);
    match counter {
        Counter::Pair => vec![author.pair(reader).0],
        Counter::Author => vec![author.0],
        Counter::Reader => vec![reader.0],
        Counter::LanguageReader => vec![language.pair(reader).0],
        Counter::HashtagsReader => record.hashtags.iter().map(|&hashtag| Key::of(hashtag).pair(reader).0).collect(),
        Counter::Tweet => vec![Key::of(record.tweet).0],
    }
}

fn totals(table: Table, counted: &[&Record]) -> Vec<Total> {
    let mut rows: BTreeMap<u64, ([u32; 4], u32)> = BTreeMap::new();
    for record in counted {
        if without_reaction(record) && !table.has_unreacted() {
            continue;
        }
        for key in keys(record, table.counter) {
            let (reactions, unreacted) = rows.entry(key).or_default();
            Reaction::ALL
                .iter()
                .zip(reactions)
                .for_each(|(&reaction, count)| *count += u32::from(has(record, reaction)));
            *unreacted += u32::from(without_reaction(record));
        }
    }
    rows.into_iter().map(|(key, (reactions, unreacted))| (key, reactions, unreacted)).collect()
}

/// The counts of all parts, training parts first, then the validation part, then test parts.
pub(crate) fn define(
    training: &[Vec<Record>],
    validation: Option<(&[Record], &Split)>,
    test: &[Vec<Record>],
    similar: &SimilarLists,
) -> Collected {
    let mut parts: Vec<Vec<(&Record, Standing)>> = Vec::new();
    let in_training = |record| (record, Standing::Training { day: day(record) });
    parts.extend(training.iter().map(|part| part.iter().map(in_training).collect()));
    if let Some((records, split)) = validation {
        let standing = |(row, record)| match split.side(row as u64) {
            Side::Finetune { chunk } => (record, Standing::Finetune { chunk }),
            Side::HoldOut => (record, Standing::Uncounted),
        };
        parts.push(records.iter().enumerate().map(standing).collect());
    }
    parts.extend(test.iter().map(|part| part.iter().map(|record| (record, Standing::Uncounted)).collect()));
    let all: Vec<(&Record, Standing)> = parts.iter().flatten().copied().collect();
    let among = |seen: &dyn Fn(Standing) -> bool| -> Vec<&Record> {
        all.iter().filter(|(_, standing)| seen(*standing)).map(|&(record, _)| record).collect()
    };
    let rows = parts.iter().map(|part| {
        part.iter()
            .map(|&(record, own)| {
                let training = among(&|standing| matches!(standing, Standing::Training { .. }) && standing != own);
                let finetune = among(&|standing| matches!(standing, Standing::Finetune { .. }) && standing != own);
                row(record, &training, &finetune, similar)
            })
            .collect()
    });
    let tables = Table::ALL.into_iter().map(|table| {
        let counted = among(&|standing| match table.period {
            Period::Training => matches!(standing, Standing::Training { .. }),
            Period::Validation => matches!(standing, Standing::Finetune { .. }),
        });
        totals(table, &counted)
    });
    Collected { parts: rows.collect(), totals: tables.collect() }
}
