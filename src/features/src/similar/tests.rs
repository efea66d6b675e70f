//! Similar authors against the golden lists and against the definition.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use skimlog_formats::Id;

use super::{Follows, SimilaritySearch, SimilaritySettings};
use crate::key::Key;

type Pairs = Vec<(Id, Id)>;
type SimilarList = (Id, Vec<(Id, f64)>);

/// The lists of all authors, found with so much memory, in ranges of so many authors.
fn lists(pairs: &Pairs, settings: SimilaritySettings, memory: usize, range: u32) -> Vec<SimilarList> {
    lists_with(2, pairs, settings, memory, range)
}

/// The same with readers of up to `rare` authors taken for rare.
fn lists_with(rare: u32, pairs: &Pairs, settings: SimilaritySettings, memory: usize, range: u32) -> Vec<SimilarList> {
    let directory = tempfile::tempdir().unwrap();
    let mut follows = Follows::new(memory, directory.path());
    // A few at a time, so that authors come again.
    for pairs in pairs.chunks(3) {
        let authors: Vec<Id> = pairs.iter().map(|&(author, _)| author).collect();
        let readers: Vec<_> = (0..).zip(pairs).map(|(position, &(_, reader))| (position, Key::of(reader))).collect();
        follows.add(&authors, &readers).unwrap();
    }
    let search = SimilaritySearch::new(follows.finish_with(rare).unwrap(), settings, memory, directory.path()).unwrap();
    let authors = search.authors().len() as u32;
    let mut lists = Vec::new();
    for start in (0..authors).step_by(range as usize) {
        let range = start..authors.min(start + range);
        let each = |id, list: &[_]| -> Result<(), ()> {
            lists.push((id, list.to_vec()));
            Ok(())
        };
        search.search(range).unwrap().for_each(each).unwrap();
    }
    lists
}

/// The definition, author by author.
fn naive(pairs: &Pairs, settings: SimilaritySettings) -> Vec<SimilarList> {
    let mut sets: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    pairs.iter().for_each(|&(author, reader)| _ = sets.entry(author).or_default().insert(reader));
    let similar = |(&author, set): (&Id, &BTreeSet<Id>)| {
        let mut list = Vec::new();
        for (&other, other_set) in &sets {
            let score = set.intersection(other_set).count() as f64 / set.union(other_set).count() as f64;
            if score >= settings.threshold {
                list.push((other, score));
            }
        }
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        list.truncate(settings.top);
        list.retain(|&(other, _)| other != author);
        (author, list)
    };
    sets.iter().map(similar).collect()
}

fn id(number: u32) -> Id {
    // Ids that do not order as their keys or numbers do.
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.wrapping_mul(0x9E37_79B9).to_be_bytes());
    Id(bytes)
}

fn golden_pairs() -> Pairs {
    let parts = ["part-00000", "part-00001"].map(|part| format!("../../fixtures/golden/small/raw/train/{part}"));
    let text = parts.map(|part| std::fs::read_to_string(part).unwrap()).concat();
    let records = text.lines().map(|line| line.split('\x01').collect::<Vec<_>>());
    let follows = records.filter(|fields| fields[19] == "true");
    follows.map(|fields| [9, 14].map(|field| Id::parse(fields[field].as_bytes()).unwrap()).into()).collect()
}

/// The golden file's rows: author, rank, similar author, score (or author, other, …, score).
fn golden_rows(file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(format!("../../fixtures/golden/small/expected/{file}")).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn golden_lists_in_their_order() {
    let found = lists(&golden_pairs(), SimilaritySettings { threshold: 0.1, top: 10 }, 1 << 20, 100);
    assert_eq!(found.len(), 354);
    let mut expected: BTreeMap<Id, Vec<(Id, f64)>> = BTreeMap::new();
    for row in golden_rows("author_similar_canonical.tsv") {
        let [author, similar] = [&row[0], &row[2]].map(|id| Id::parse(id.as_bytes()).unwrap());
        let list = expected.entry(author).or_default();
        assert_eq!(row[1], list.len().to_string());
        list.push((similar, row[3].parse().unwrap()));
    }
    assert_eq!(expected, found.into_iter().filter(|(_, list)| !list.is_empty()).collect());
}

#[test]
fn golden_pairs_all_found() {
    let found = lists(&golden_pairs(), SimilaritySettings { threshold: 0.1, top: usize::MAX }, 1 << 20, 1000);
    let found = found.into_iter().flat_map(|(author, list)| list.into_iter().map(move |other| (author, other)));
    let found: BTreeSet<String> = found.map(|(author, (other, score))| format!("{author} {other} {score:?}")).collect();
    let rows = golden_rows("author_pairs_all.tsv");
    let expected: BTreeSet<String> = rows.iter().map(|row| format!("{} {} {}", row[0], row[1], row[4])).collect();
    assert!(found == expected, "{:?}", found.symmetric_difference(&expected).next());
}

#[test]
fn more_identical_authors_than_the_list_is_long() {
    let mut pairs: Pairs = (0..7).flat_map(|author| [(id(author), id(100)), (id(author), id(101))]).collect();
    pairs.push((id(8), id(100)));
    let settings = SimilaritySettings { threshold: 0.1, top: 3 };
    let found = lists(&pairs, settings, 1 << 20, 100);
    assert_eq!(found, naive(&pairs, settings));
    // Authors outside the first three see all three of them.
    assert_eq!(found.iter().filter(|(_, list)| list.len() == 3).count(), 4);
}

#[test]
fn thresholds_outside_their_range_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for threshold in [0.0, -0.5, 1.1, f64::NAN] {
        let sets = Follows::new(0, directory.path()).finish().unwrap();
        let settings = SimilaritySettings { threshold, top: 10 };
        let message = SimilaritySearch::new(sets, settings, 0, directory.path()).err().map(|error| error.to_string());
        assert!(message.unwrap().contains("authors_similarity_threshold"));
    }
}

#[test]
fn no_follower_at_all_gives_no_list() {
    assert_eq!(lists(&Vec::new(), SimilaritySettings { threshold: 0.5, top: 10 }, 0, 10), []);
}

/// Small sets of readers of whom some are very popular, so that ties, equal sets and long postings abound.
fn follower_sets() -> impl Strategy<Value = Pairs> {
    let reader = prop_oneof![3 => 0u32..4, 3 => 4u32..12, 2 => 12u32..60];
    let set = prop::collection::vec(reader, 1..9);
    prop::collection::vec(set, 1..60).prop_map(|sets| {
        let pairs =
            sets.into_iter().zip(0..).flat_map(|(set, author)| set.into_iter().map(move |reader| (author, reader)));
        pairs.map(|(author, reader)| (id(author), id(1000 + reader))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_the_definition(
        pairs in follower_sets(),
        threshold in prop_oneof![
            Just(1e-9), Just(0.1), Just(0.2), Just(0.25), Just(1.0 / 3.0), Just(0.5), Just(1.0), 0.01f64..1.0
        ],
        top in prop_oneof![0usize..6, 6usize..80],
        memory in prop_oneof![Just(0usize), Just(1 << 20)],
        range in 1u32..80,
        threads in 1usize..3,
        rare in prop_oneof![Just(0u32), 1u32..12, Just(u32::MAX)],
    ) {
        let settings = SimilaritySettings { threshold, top };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| lists_with(rare, &pairs, settings, memory, range));
        prop_assert_eq!(found, naive(&pairs, settings));
    }
}
