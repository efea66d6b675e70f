//! Everyday operation: new parts come, training goes on with the new days, counts of a model are made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{demo, files, run, run_with_input, skimmer, stderr, success};

const SECONDS_OF_A_DAY: i64 = 86_400;

/// A folder with the demo's training records in a part for each of two weeks or so, of which the first is there.
struct Place {
    folder: tempfile::TempDir,
    later: Vec<u8>,
    /// Days of the first and of the later part.
    days: [BTreeSet<i64>; 2],
}

impl Place {
    fn new(hidden: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = ["part-00000", "part-00001"].map(|part| fs::read(demo().join("recsys_data/train").join(part)));
        let text = text.map(Result::unwrap).concat();
        let mut by_day: BTreeMap<i64, Vec<&[u8]>> = BTreeMap::new();
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            by_day.entry(day_of(line)).or_default().push(line);
        }
        let cut = *by_day.keys().nth(by_day.len() * 2 / 3).unwrap();
        let later = by_day.split_off(&cut);
        let days = [by_day.keys().copied().collect(), later.keys().copied().collect()];
        let part = |days: BTreeMap<i64, Vec<&[u8]>>| days.into_values().flatten().collect::<Vec<_>>().concat();
        fs::create_dir_all(folder.path().join("recsys_data/train")).unwrap();
        fs::write(folder.path().join("recsys_data/train/part-00000"), part(by_day)).unwrap();
        let config = fs::read_to_string(demo().join("config.yaml")).unwrap();
        let config = config
            .replace("recsys_data/validation", &format!("{}/recsys_data/validation", demo().display()))
            .replace("tiny-distilbert/", &format!("{}/tiny-distilbert/", demo().display()))
            .replace("hidden_size: 256", &format!("hidden_size: {hidden}"));
        fs::write(folder.path().join("config.yaml"), config).unwrap();
        Self { folder, later: part(later), days }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn model(&self) -> PathBuf {
        self.path("working_dir/model")
    }

    fn add_later_days(&self) {
        fs::write(self.path("recsys_data/train/part-00001"), &self.later).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = skimmer();
        command.args(arguments).arg("--config").arg(self.path("config.yaml")).stderr(Stdio::piped());
        command
    }

    /// Runs the command, and gives what it said.
    #[track_caller]
    fn said(&self, arguments: &[&str]) -> String {
        stderr(&success(self.command(arguments).output().unwrap()))
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stderr(&output)
    }

    fn train_summary(&self) -> Value {
        let manifest: Value =
            serde_json::from_slice(&fs::read(self.path("working_dir/manifest.json")).unwrap()).unwrap();
        manifest["tasks"]["train"]["summary"].clone()
    }

    /// Starts the command, and waits until its training has written two checkpoints.
    fn started(&self, arguments: &[&str]) -> Child {
        let state =
            || fs::metadata(self.path("working_dir/checkpoint/state.json")).and_then(|file| file.modified()).ok();
        let (mut seen, begun) = (BTreeSet::from_iter(state()), Instant::now());
        let needed = seen.len() + 2;
        let mut child = self.command(arguments).spawn().unwrap();
        while seen.len() < needed {
            seen.extend(state());
            assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint comes");
            assert!(child.try_wait().unwrap().is_none(), "it ended without a checkpoint");
            thread::sleep(Duration::from_millis(1));
        }
        child
    }
}

/// The day of a raw record's event: of its latest reaction, or of the tweet.
fn day_of(line: &[u8]) -> i64 {
    let fields: Vec<&[u8]> = line.trim_ascii_end().split(|&byte| byte == 1).collect();
    let time = |field: usize| std::str::from_utf8(fields[field]).unwrap().parse::<i64>().ok();
    let latest = (20..24).filter_map(time).max();
    latest.or(time(8)).unwrap().div_euclid(SECONDS_OF_A_DAY)
}

fn card(model: &Path) -> Value {
    let output = success(run([Path::new("inspect"), model, Path::new("--json")]));
    serde_json::from_slice(&output.stdout).unwrap()
}

const WARM: [&str; 4] = ["run", "--set", "train.warm_start=true", "--quiet"];
const TRAIN_WARM: [&str; 5] = ["run", "--to", "train", "--set", "train.warm_start=true"];

#[test]
fn with_new_parts_only_they_are_converted_and_training_goes_on_with_their_days() {
    let mut place = Place::new(16);
    // A language that the first part does not have.
    let language = [b"F".repeat(32), vec![1]].concat();
    let mut lines: Vec<Vec<u8>> = place.later.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    for line in lines.iter_mut().take(40) {
        let mut fields: Vec<&[u8]> = line.split_inclusive(|&byte| byte == 1).collect();
        fields[7] = &language;
        *line = fields.concat();
    }
    place.later = lines.concat();

    let said = place.said(&TRAIN_WARM);
    assert!(!said.contains("went on"), "without a model it begins anew: {said}");
    let first: BTreeMap<PathBuf, Vec<u8>> = files(&place.model());
    assert!(place.said(&TRAIN_WARM).lines().all(|line| line.ends_with("up to date") || line.contains("report: ")));

    place.add_later_days();
    let said = place.said(&TRAIN_WARM);
    assert!(said.contains("convert part-00000: up to date"), "{said}");
    assert!(said.contains("convert part-00001: done"), "{said}");
    for task in ["finetune", "embed", "sketch"] {
        assert!(said.contains(&format!("{task}: up to date")), "{said}");
    }
    let [old, new] = [0, 1].map(|part| place.days[part].len());
    assert!(said.contains(&format!("train: went on from the model of {old} days")), "{said}");
    assert!(said.contains(&format!("on {new} new days")) && said.contains("began as the unknown language"), "{said}");
    let summary = place.train_summary();
    assert_eq!(summary["days"].as_array().unwrap().len(), new, "{summary}");
    assert_eq!(summary["warm_start"]["late_records"], 0);
    let now = files(&place.model());
    assert_ne!(now[Path::new("weights.safetensors")], first[Path::new("weights.safetensors")]);

    let card = card(&place.model());
    assert_eq!(card["trained"]["days"].as_object().unwrap().len(), old + new);
    assert_eq!((&card["trained"]["warm_starts"], &card["counted"]["training"]), (&1.into(), &12_000.into()));
    assert!(place.said(&TRAIN_WARM).lines().all(|line| line.ends_with("up to date") || line.contains("report: ")));

    // A changed setting leaves nothing to train on; --force begins anew.
    let slower = ["run", "--to", "train", "--set", "train.warm_start=true", "--set", "train.learning_rate=0.0001"];
    assert!(place.said(&slower).contains("train: no new days since"), "the network stays");
    assert!(files(&place.model())[Path::new("weights.safetensors")] == now[Path::new("weights.safetensors")]);
    let page = fs::read_to_string(place.path("working_dir/report.html")).unwrap();
    assert!(page.contains("Warm start: no new days since"), "{page}");
    place.said(&["train", "--force", "--set", "train.warm_start=true"]);
    assert_eq!(place.train_summary()["days"].as_array().unwrap().len(), old + new);
}

#[test]
fn records_of_trained_days_that_come_later_are_counted_and_not_trained_on() {
    let place = Place::new(16);
    let part = place.path("recsys_data/train/part-00000");
    let text = fs::read(&part).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    fs::write(&part, lines[5..].concat()).unwrap();
    place.said(&TRAIN_WARM);
    fs::write(place.path("recsys_data/train/part-00001"), [&lines[..5].concat(), place.later.as_slice()].concat())
        .unwrap();
    let said = place.said(&TRAIN_WARM);
    assert!(said.contains("5 records of days that were trained on before came later"), "{said}");
    let trained: u64 =
        place.train_summary()["days"].as_array().unwrap().iter().map(|day| day["records"].as_u64().unwrap()).sum();
    let later = place.later.iter().filter(|&&byte| byte == b'\n').count() as u64;
    assert_eq!(later, trained);
}

#[test]
fn a_warm_start_that_is_killed_goes_on_and_gives_the_same_model() {
    let undisturbed = Place::new(48);
    undisturbed.said(&TRAIN_WARM);
    undisturbed.add_later_days();
    undisturbed.said(&TRAIN_WARM);

    let disturbed = Place::new(48);
    disturbed.said(&TRAIN_WARM);
    disturbed.add_later_days();
    let arguments = [&TRAIN_WARM[..], &["--set", "train.checkpoint_minutes=0"]].concat();
    for pause in [0, 30] {
        let mut child = disturbed.started(&arguments);
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    disturbed.said(&arguments);
    assert!(disturbed.train_summary()["resumed_at"].is_string());
    assert!(files(&disturbed.model()) == files(&undisturbed.model()));
    let log = |place: &Place| fs::read(place.path("working_dir/training.jsonl")).unwrap();
    assert!(log(&disturbed) == log(&undisturbed));

    // Killed after the model took its place and before that was noted: its days are trained.
    let manifest = disturbed.path("working_dir/manifest.json");
    let mut noted: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    noted["tasks"].as_object_mut().unwrap().remove("train").unwrap();
    fs::write(&manifest, noted.to_string()).unwrap();
    assert!(disturbed.said(&arguments).contains("train: no new days since"));
    assert!(files(&disturbed.model()) == files(&undisturbed.model()));
    assert!(log(&disturbed) == log(&undisturbed));
}

#[test]
fn what_stands_in_the_way_of_a_warm_start_is_one_sentence() {
    let place = Place::new(16);
    place.said(&TRAIN_WARM);
    place.add_later_days();
    let with = |setting: &str| place.refused(&[&TRAIN_WARM[..], &["--set", setting]].concat());
    let said = with("train.hidden_size=8");
    assert!(said.contains("has train.hidden_size 16, the configuration says 8: set it back"), "{said}");
    assert!(said.contains("train.warm_start: false to train anew") && said.lines().count() == 1, "{said}");
    assert!(with("train.logarithms=false").contains("has train.logarithms true"));
    assert!(with("sketch_width=64").contains("has sketch_width"));
    // Another seed of the sketch's projection gives other codes, which only shows when they are there.
    place.said(&["run", "--to", "features"]);
    let from_sketch = ["run", "--from", "sketch", "--to", "train", "--set", "train.warm_start=true", "--set", "seed=9"];
    let said = place.refused(&from_sketch);
    assert!(said.contains("was trained with other token codes"), "{said}");
    assert!(!place.path("working_dir/checkpoint").exists());

    without_origin(&place.model());
    let said = place.refused(&TRAIN_WARM);
    assert!(said.contains("does not say on which days it was trained"), "{said}");
}

/// Makes a model one of version 0.2, which did not say where it came from.
fn without_origin(model: &Path) {
    let path = model.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest.as_object_mut().unwrap().remove("origin").unwrap();
    fs::write(path, manifest.to_string()).unwrap();
}

fn counts(model: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(&model.join("counts"))
}

#[test]
fn a_refreshed_model_has_the_counts_of_a_full_run_and_its_own_network() {
    let place = Place::new(16);
    success(place.command(&["run", "--quiet"]).output().unwrap());
    let copy = place.path("served");
    for (name, bytes) in files(&place.model()) {
        fs::create_dir_all(copy.join(&name).parent().unwrap()).unwrap();
        fs::write(copy.join(name), bytes).unwrap();
    }
    let before = files(&copy);
    place.add_later_days();
    let served = copy.to_str().unwrap();
    let said = place.said(&["refresh", "--model", served]);
    assert!(said.contains("convert part-00000: up to date") && said.contains("12,000 training records"), "{said}");

    let full = Place::new(16);
    full.add_later_days();
    full.said(&["run", "--to", "train"]);
    assert!(counts(&copy) == counts(&full.model()), "byte for byte");
    let after = files(&copy);
    let changed = |name: &&PathBuf| after[*name] != before[*name];
    assert!(after.keys().eq(before.keys()));
    let changed: Vec<_> = before.keys().filter(changed).filter(|name| !name.starts_with("counts")).collect();
    assert_eq!(changed, [Path::new("manifest.json")], "network, codes, languages and measures stay");
    let now = card(&copy);
    assert_eq!(now["trained"], card(&place.model())["trained"]);
    assert_eq!(now["counted"], card(&full.model())["counted"]);
    assert!(now["measures"]["average_precision"]["like"].is_number(), "{now}");

    assert!(place.said(&["refresh", "--model", served]).contains("has these counts already"));
    assert!(files(&copy) == after);
    let summary = success(place.command(&["refresh", "--model", served, "--json"]).output().unwrap()).stdout;
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!((&summary["changed"], &summary["origin"]["counted"]), (&false.into(), &now["counted"]));

    // The network was trained with the counts of other settings.
    let said = place.said(&["refresh", "--model", served, "--set", "authors_similarity_top_N=3"]);
    assert!(said.contains("authors_similarity_top_N is 3 and was 10"), "{said}");
}

#[test]
fn an_interrupted_refresh_leaves_the_model_and_a_running_prediction_is_not_disturbed() {
    use std::io::{BufRead, BufReader, Write};

    let place = Place::new(16);
    place.said(&["run", "--to", "train"]);
    let (model, before) = (place.model(), files(&place.model()));
    let test = fs::read(demo().join("recsys_data/test/part-00000")).unwrap();
    let lines: Vec<&[u8]> = test.split_inclusive(|&byte| byte == b'\n').take(20).collect();
    let predict = |model: &Path| {
        let output = run_with_input([Path::new("predict"), Path::new("--model"), model], &lines.concat());
        success(output).stdout
    };
    let expected = predict(&model);
    let mut predictor = skimmer();
    predictor.args([Path::new("predict"), Path::new("--model"), &model]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut predictor = predictor.spawn().unwrap();
    let (mut input, mut output) = (predictor.stdin.take().unwrap(), BufReader::new(predictor.stdout.take().unwrap()));
    let mut answered = Vec::new();
    input.write_all(lines[0]).unwrap();
    output.read_until(b'\n', &mut answered).unwrap();

    place.add_later_days();
    // Half of a refresh, as a killed one leaves it.
    let unfinished = place.path("working_dir/.unfinished-model/counts");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("pair.frozen"), "half").unwrap();
    assert!(files(&model) == before && predict(&model) == expected);
    place.said(&["refresh", "--model", model.to_str().unwrap()]);
    assert!(!place.path("working_dir/.unfinished-model").exists());
    assert!(files(&model) != before);

    input.write_all(&lines[1..].concat()).unwrap();
    drop(input);
    std::io::Read::read_to_end(&mut output, &mut answered).unwrap();
    assert!(predictor.wait().unwrap().success());
    assert!(answered == expected, "it answers from the counts that it opened");
    assert!(predict(&model) != expected);
}

#[test]
fn a_refresh_that_cannot_be_says_why() {
    let place = Place::new(16);
    let none = place.refused(&["refresh", "--model", place.path("none").to_str().unwrap()]);
    assert!(none.contains("no manifest.json, so this is no model") && none.lines().count() == 1, "{none}");
    assert!(!place.path("working_dir").exists(), "before anything is made");
}

#[test]
fn a_model_of_version_0_2_is_read_shown_and_refreshed() {
    let place = Place::new(16);
    place.said(&["run", "--to", "train"]);
    let test = fs::read(demo().join("recsys_data/test/part-00000")).unwrap();
    let model = place.model();
    let predict = || success(run_with_input([Path::new("predict"), Path::new("--model"), &model], &test)).stdout;
    let expected = predict();
    without_origin(&model);
    assert!(predict() == expected);
    let shown = success(run([Path::new("inspect"), &model, Path::new("--verify")])).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("trained on    not recorded") && shown.contains("hidden size 16"), "{shown}");
    assert!(shown.contains("measures      none"), "{shown}");
    assert_eq!((&card(&model)["trained"], &card(&model)["measures"]), (&Value::Null, &Value::Null));
    place.said(&["refresh", "--model", model.to_str().unwrap()]);
    assert!(predict() == expected, "the same records were counted");
    assert!(card(&model)["counted"]["training"].is_number() && card(&model)["trained"].is_null());
}

#[test]
fn a_card_tells_what_a_model_is() {
    let model = demo().join("working_dir/model");
    let shown = String::from_utf8(success(run([Path::new("inspect"), &model])).stdout).unwrap();
    let table = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    assert!(table("made by").starts_with("skimmer "), "{shown}");
    assert!(
        table("trained on").starts_with("12,000 records of ") && table("trained on").contains("finetune"),
        "{shown}"
    );
    assert!(table("counted").contains("12,000 training") && table("counted").contains("tweets of 20"), "{shown}");
    assert!(
        shown.contains("train.hidden_size") && shown.contains("hold-out records") && shown.contains("RCE"),
        "{shown}"
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    let evaluated: Value =
        serde_json::from_slice(&fs::read(demo().join("working_dir/evaluation.json")).unwrap()).unwrap();
    let measures = &card(&model)["measures"];
    assert_eq!(
        measures["relative_cross_entropy"]["like"],
        evaluated["hold_out"]["overall"]["like"]["relative_cross_entropy"]
    );
    assert_eq!(measures["records"], evaluated["hold_out"]["records"]);
    let rows = run([Path::new("inspect"), &model, Path::new("--rows"), Path::new("3")]);
    assert!(!rows.status.success() && stderr(&rows).contains("a model folder has no rows"));
}

#[test]
fn the_date_is_the_data_s_or_the_one_that_is_given() {
    let place = Place::new(16);
    success(place.command(&WARM).env("SOURCE_DATE_EPOCH", "86400").output().unwrap());
    assert_eq!(card(&place.model())["date"], "1970-01-02");
    place.said(&["train", "--force"]);
    let card = card(&place.model());
    let last = card["trained"]["days"].as_object().unwrap().keys().max().unwrap();
    assert_eq!(card["date"], last.as_str());
}
