//! `--json`: one value on standard output, whatever the command; nothing after an error.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::command_line::COMMANDS;
use crate::harness::{demo, fixture, run, run_with_input, stderr, success};

/// The one value on standard output.
#[track_caller]
fn value(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A folder with raw parts and a configuration small enough for every stage.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let text = format!(
            "working_dir: work\nrecsys_data: raw/train\nvalidation_part: raw/validation/part-00000\n\
             vocabulary_size: 2000\ndistilbert:\n  model: {}\n  finetune:\n    max_steps: 1\n    batch_size: 4\n    \
             max_length: 16\n    held_out_records: 10\ntrain:\n  hidden_size: 16\n",
            fixture("tiny-distilbert").display()
        );
        fs::write(place.path("config.yaml"), text).unwrap();
        let row = r#"{"id": 1, "at": "2024-05-17T08:30:00Z", "by": "x", "to": "y", "liked": true}"#;
        fs::write(place.path("log.ndjson"), row).unwrap();
        let mapping = "tweet: id\ntime: at\nauthor: by\nreader: to\nreactions: {like: liked}\n";
        fs::write(place.path("mapping.yaml"), mapping).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn run(&self, command: &str) -> Output {
        let mut words: Vec<String> = command.split(' ').map(|word| word.replace("HERE", &self.path(""))).collect();
        words.extend(["--json".into(), "--config".into(), self.path("config.yaml")]);
        run(words)
    }
}

#[test]
fn every_command_gives_one_value() {
    let place = Place::new();
    let part = fixture("part-v1.skim").display().to_string();
    let raw = fixture("golden/small/raw/train/part-00000").display().to_string();
    let model = "HEREwork/model";
    let commands = [
        "init HEREinit.yaml".into(),
        "synth --out HEREraw --rows 1000 --valid-rows 200 --vocabulary 2000".to_owned(),
        format!("convert {raw} -o HEREone.skim"),
        format!("convert {raw} -o HEREone.skim --quiet"),
        "convert".into(),
        "import HERElog.ndjson --mapping HEREmapping.yaml --dry-run".into(),
        "import HERElog.ndjson --mapping HEREmapping.yaml -o HEREimported.skim".into(),
        format!("inspect {part}"),
        format!("inspect {part} --rows 2 --encodings --verify"),
        format!("export {part} --to tsv -o HEREpart.tsv"),
        format!("export {part} --to parquet -o HEREpart.parquet --summary HEREexport.json"),
        "similar".into(),
        "features".into(),
        "finetune".into(),
        "embed --engine tract".into(),
        "sketch".into(),
        "train".into(),
        "evaluate".into(),
        "evaluate --precisions".into(),
        "run".into(),
        format!("refresh --model {model}"),
        "export-features --split holdout --sketch --to parquet -o HEREholdout.parquet".into(),
        "export-features --split train --network-input --to npy -o HEREtrain".into(),
        format!("export-features {part} --model {model} --to arrow -o HEREpart.arrow"),
        "report".into(),
        "man HEREman".into(),
    ];
    for command in &commands {
        let output = success(place.run(command));
        assert!(!value(&output).is_null(), "{command}");
    }
    // Standard output is the predictions; the summary has a file of its own, or is the one line on standard error.
    let test = fs::read(place.path("raw/test/part-00000")).unwrap();
    let (folder, summary) = (model.replace("HERE", &place.path("")), place.path("summary.json"));
    let output = success(run_with_input(["predict", "--json", "--model", &folder, "--summary", &summary], &test));
    let lines = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    let said: Value = serde_json::from_slice(&fs::read(&summary).unwrap()).unwrap();
    assert_eq!(said["records"].as_u64(), Some(lines as u64));
    assert!(stderr(&output).starts_with("predicted 50 records in "), "{}", stderr(&output));
    let predicted = success(run_with_input(["predict", "--json", "--model", &folder], &test));
    let said: Value = serde_json::from_slice(&predicted.stderr).unwrap();
    assert!(said["median_milliseconds"].as_f64().unwrap() > 0.0, "{said}");

    // A line that is no record is left out, and of nothing there are no averages.
    let output = success(run_with_input(["predict", "--on-error", "skip", "--model", &folder], b"no record\n"));
    let told = stderr(&output);
    assert!(told.contains("predicted 0 records, left out 1 malformed line; ready after "), "{told}");
    assert!(!told.contains("ms a record") && !told.contains("NaN") && !told.contains("answered within"), "{told}");

    let predictions = place.path("predictions.csv");
    fs::write(&predictions, predicted.stdout).unwrap();
    let labels = place.path("raw/test_labels.tsv");
    let output = success(run(["evaluate", "--predictions", &predictions, "--labels", &labels, "--json"]));
    assert_eq!(value(&output)["records"], 50);

    // Planned is the run of a model that is there already.
    let config = fs::read_to_string(place.path("config.yaml")).unwrap();
    let (beginning, end) = (config.split("  finetune:").next().unwrap(), "train:\n  hidden_size: 16\n");
    fs::write(place.path("plan.yaml"), format!("{beginning}{end}")).unwrap();
    let plan = success(run(["plan", "--json", "--seconds", "1", "--config", &place.path("plan.yaml")]));
    assert!(value(&plan)["stages"].as_array().is_some_and(|stages| stages.len() > 3));

    let tried = commands.iter().filter_map(|command| command.split(' ').next()).chain(["predict", "plan"]);
    let tried: Vec<&str> = tried.collect();
    // The demo has a test of its own; the completions are a script, and refuse.
    let others: Vec<_> = COMMANDS.into_iter().filter(|command| !tried.contains(command)).collect();
    assert_eq!(others, ["demo", "completions"]);
}

#[test]
fn an_error_leaves_standard_output_empty() {
    let place = Place::new();
    fs::write(place.path("nothing"), "").unwrap();
    for command in [
        "synth --out HEREnothing --rows 1000",
        "convert HEREnothing",
        "inspect HEREnothing",
        "export HEREnothing --to tsv",
        "similar",
        "features",
        "sketch",
        "train",
        "evaluate",
        "run",
        "plan",
        "report",
        "export-features --split train --to npy -o HEREnothing",
        "export-features HEREnothing --model HEREnothing --to npy -o HEREmore",
        "predict --model HEREnothing",
        "man HEREnothing",
        "demo --out HEREnothing",
    ] {
        let output = place.run(command);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{command}: {}", stderr(&output));
        let said = stderr(&output);
        assert!(said.lines().any(|line| line.starts_with("skimmer: ")), "{command}: {said}");
    }
}

#[test]
fn rows_and_tweets_are_part_of_the_value() {
    let part = fixture("part-v1.skim").display().to_string();
    let about = value(&success(run(["inspect", &part, "--json", "--rows", "2"])));
    let rows = about["first_rows"].as_array().unwrap();
    assert_eq!((about["rows"].as_u64(), rows.len()), (Some(300), 2));
    assert_eq!(rows[0].as_object().unwrap().len(), 24);
    assert!(about.get("tweets").is_none());
}

#[test]
fn an_export_to_standard_output_says_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (part, summary) = (fixture("part-v1.skim").display().to_string(), folder.path().join("s.json"));
    let plain = success(run(["export", &part, "--to", "tsv"]));
    assert_eq!(stderr(&plain), "");
    let summary = summary.to_str().unwrap();
    let told = success(run(["export", &part, "--to", "tsv", "--summary", summary]));
    let json = success(run(["export", &part, "--to", "tsv", "--json", "--quiet"]));
    assert!(plain.stdout == told.stdout && plain.stdout == json.stdout);
    let in_file: Value = serde_json::from_slice(&fs::read(summary).unwrap()).unwrap();
    assert_eq!(in_file["bytes_written"].as_u64(), Some(plain.stdout.len() as u64));
    assert_eq!(serde_json::from_slice::<Value>(&json.stderr).unwrap(), in_file);
}

/// Copies a folder with its files' times, which is what the manifest knows them by.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to): (PathBuf, PathBuf) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
            File::options()
                .write(true)
                .open(&to)
                .unwrap()
                .set_modified(from.metadata().unwrap().modified().unwrap())
                .unwrap();
        }
    }
}

#[test]
fn the_demo_gives_one_value() {
    let folder = tempfile::tempdir().unwrap();
    let again = folder.path().join("demo");
    copy(demo(), &again);
    let arguments = ["demo", "--json", "--rows", "12000", "--out"].map(Path::new);
    let output = success(run(arguments.into_iter().chain([again.as_path()])));
    let told = value(&output);
    assert_eq!(told["prediction"]["records"], 1200);
    assert!(stderr(&output).contains("train: up to date"), "{}", stderr(&output));
}
