//! The golden numbers, from the raw parts through the binary: every record of the small set, everything the network is
//! told of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use skimlog::pipeline::examples::{Examples, ExamplesError, Portion, StoredExamples, StoredPart};
use skimlog_features::input::{Day, Example, Flag, NUMBERS};
use skimlog_features::similar::read_lists;
use skimlog_formats::{Reaction, ReactionSet};

use crate::harness::{fixture, run, success};

/// Runs the stages up to the counts on the golden parts, with the golden split.
fn run_features(folder: &Path) {
    let raw = fixture("golden/small/raw");
    let split = fs::read_to_string(fixture("golden/small/expected/split_validation.tsv")).unwrap();
    let bits = split.lines().skip(1).map(|line| if line.contains("\tholdout\t") { "1\n" } else { "0\n" });
    fs::write(folder.join("split"), bits.collect::<String>()).unwrap();
    let config = format!(
        "recsys_data: {}\nvalidation_part: {}\nvalidation_split: split\nauthors_similarity_threshold: 0.1\n\
         authors_similarity_top_N: 10\nnum_validation_chunks: 10\nmax_n_parts_in_memory: 1\n",
        raw.join("train").display(),
        raw.join("validation/part-00000").display(),
    );
    fs::write(folder.join("config.yaml"), config).unwrap();
    let config = folder.join("config.yaml");
    let arguments = ["run", "--to", "features", "--quiet", "--config"].map(Path::new);
    success(run(arguments.into_iter().chain([config.as_path()])));
}

/// A record's place: raw part and 0-based line.
type Place = (String, u64);

/// The rows of all golden files whose names start with `prefix`, by the record's place.
fn expected(prefix: &str) -> BTreeMap<Place, Vec<String>> {
    let mut rows = BTreeMap::new();
    for entry in fs::read_dir(fixture("golden/small/expected")).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_str().unwrap().starts_with(prefix) {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().lines().skip(1) {
            let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let place = (fields[2].clone(), fields[3].parse().unwrap());
            assert!(rows.insert(place, fields).is_none());
        }
    }
    rows
}

/// The original numbers languages in another order: its number for each of ours.
fn language_numbers(languages: &[skimlog_formats::Id]) -> Vec<u32> {
    let text = fs::read_to_string(fixture("golden/small/expected/language2id.tsv")).unwrap();
    let theirs: BTreeMap<&str, u32> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').unwrap())
        .map(|(language, number)| (language, number.parse().unwrap()))
        .collect();
    assert_eq!(theirs.len(), languages.len());
    let known = languages.iter().map(|language| theirs[language.to_string().as_str()]);
    // The unknown language comes after all known ones in either numbering.
    known.chain([languages.len() as u32]).collect()
}

fn assert_equal(example: &Example, event_day: Option<Day>, fields: &[String], languages: &[u32]) {
    let what = &fields[1..4];
    let number = |index: usize| -> f64 { fields[index].parse().unwrap() };
    if let Some(day) = event_day {
        assert_eq!(day, Day::of(number(4) as i64), "{what:?}");
    }
    let labels: ReactionSet =
        (5..).zip(Reaction::NETWORK_ORDER).filter(|&(at, _)| fields[at] == "1").map(|(_, r)| r).collect();
    assert_eq!(example.labels, Some(labels), "{what:?}");
    assert_eq!(f64::from(languages[example.language as usize]), number(9), "language of {what:?}");
    assert_eq!(f64::from(example.hour), number(10), "hour of {what:?}");
    assert_eq!(f64::from(example.day), number(11), "day of {what:?}");
    for (at, flag) in (12..).zip(Flag::ALL) {
        assert_eq!(example.flags.contains(flag), fields[at] == "1", "{flag:?} of {what:?}");
    }
    for (index, &ours) in example.numbers.iter().enumerate() {
        let theirs = number(24 + index);
        // The similarity sums are real; everything else is whole.
        let tolerance = if (20..=24).contains(&index) { 1e-9 * theirs.abs() } else { 0.0 };
        assert!((ours - theirs).abs() <= tolerance, "number {index} of {what:?}: {ours}, not {theirs}");
    }
    assert_eq!(fields.len(), 24 + NUMBERS);
}

#[test]
fn everything_the_network_is_told_equals_the_original_s() {
    let folder = tempfile::tempdir().unwrap();
    run_features(folder.path());
    let stored = |name: &str| StoredPart {
        part: folder.path().join("working_dir/parts").join(name),
        features: folder.path().join("working_dir/features").join(name),
    };
    let training = vec![stored("part-00000.skim"), stored("part-00001.skim")];
    let examples = StoredExamples::open(training, Some(stored("validation.skim"))).unwrap();
    let languages = language_numbers(examples.languages().ids());

    let mut seen = 0;
    let mut compare = |portion, prefix: &str, place: fn(u64) -> Place, days: bool| {
        let mut rows = expected(prefix);
        examples
            .visit(portion, |origin, example| {
                let fields = rows.remove(&place(origin.record)).unwrap();
                assert_equal(example, days.then_some(origin.day), &fields, &languages);
                seen += 1;
                Ok::<(), ExamplesError>(())
            })
            .unwrap();
        assert!(rows.is_empty(), "{} records of {prefix} were not shown", rows.len());
    };
    let in_training = |record| (format!("train/part-0000{}", record / 5000), record % 5000);
    let in_validation = |record| ("validation/part-00000".to_owned(), record);
    compare(Portion::Training, "train_set_all_", in_training, true);
    compare(Portion::HoldOut, "validation_split_holdout", in_validation, false);
    compare(Portion::Finetune, "validation_train_with_valid_interactions_", in_validation, false);
    assert_eq!(seen, 13_000);
}

#[test]
fn similar_authors_equal_the_original_s() {
    let folder = tempfile::tempdir().unwrap();
    run_features(folder.path());
    let mut ours = String::from("author\trank\tsimilar\tjaccard\n");
    let mut lists = BTreeMap::new();
    read_lists(&folder.path().join("working_dir/similar.skim"), |author, similar, scores| {
        let lines = similar.iter().zip(scores).enumerate();
        let text: String =
            lines.map(|(rank, (similar, score))| format!("{author}\t{rank}\t{similar}\t{score:?}\n")).collect();
        lists.insert(author, text);
    })
    .unwrap();
    ours.extend(lists.into_values());
    let theirs = fs::read_to_string(fixture("golden/small/expected/author_similar_canonical.tsv")).unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // Authors come in another order in the golden file; the order within an author's list counts.
        lines.sort_by(|a, b| a.split('\t').next().cmp(&b.split('\t').next()));
        lines
    };
    let different = sorted(&ours).into_iter().zip(sorted(&theirs)).find(|(ours, theirs)| ours != theirs);
    assert_eq!(different, None);
    assert_eq!(ours.lines().count(), theirs.lines().count());
}
