//! What the network sees of a tweet's text: hashed token ids where there is no text model, or nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use skimlog::config::{Config, DistilBert};
use skimlog_features::sketch::TokenCodes;

use crate::harness::{demo, files, run, run_with_input, skimmer, stderr, success};

/// A folder of its own with a configuration that names no text model, over the demo's raw parts.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let mut config = Config::load(&demo().join("config.yaml")).unwrap();
        config.working_dir = "working_dir".into();
        config.distilbert = DistilBert::default();
        config.max_n_parts = Some(1);
        config.train.hidden_size = 32;
        config.threads = Some(1);
        fs::write(place.config(), config.to_yaml()).unwrap();
        place
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config.yaml")
    }

    fn made(&self, name: &str) -> PathBuf {
        self.0.path().join("working_dir").join(name)
    }

    /// The command with this configuration, changed by these `KEY=VALUE`.
    fn command(&self, words: &str, sets: &[&str]) -> Command {
        let mut command = skimmer();
        command.args(words.split(' ')).arg("--config").arg(self.config());
        command.args(sets.iter().flat_map(|set| ["--set", set]));
        command
    }

    fn run(&self, words: &str, sets: &[&str]) -> Output {
        self.command(words, sets).output().unwrap()
    }

    /// What a run did: each task that was not up to date, and why.
    fn done(&self, sets: &[&str]) -> Vec<(String, String)> {
        let output = success(self.run("run --json", sets));
        let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ran = reports.as_array().unwrap().iter().filter(|report| !report["because"].is_null());
        ran.map(|report| (text(&report["task"]), text(&report["because"]))).collect()
    }

    fn model_manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.made("model/manifest.json")).unwrap()).unwrap()
    }

    fn predict(&self) -> Vec<u8> {
        let input = fs::read(demo().join("recsys_data/test/part-00000")).unwrap();
        let arguments = ["predict".into(), "--verify".into(), "--model".into(), self.made("model")];
        success(run_with_input::<[PathBuf; 4], _>(arguments, &input)).stdout
    }

    /// The model and the training's losses, by file.
    fn trained(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let log = (PathBuf::from("training.jsonl"), fs::read(self.made("training.jsonl")).unwrap());
        files(&self.made("model")).into_iter().chain([log]).collect()
    }
}

fn names(done: &[(String, String)]) -> String {
    done.iter().map(|(task, _)| task.as_str()).filter(|task| !task.starts_with("convert")).collect::<Vec<_>>().join(" ")
}

const SAID: &str = "no text model is set, so the network sees tweets' text as hashed token ids (text: hashed)";

#[test]
fn a_run_without_a_text_model_hashes_the_token_ids_or_leaves_the_text_out() {
    let place = Place::new();
    let output = success(place.run("run", &[]));
    assert_eq!(stderr(&output).matches(SAID).count(), 1, "{}", stderr(&output));
    for name in ["token_embeddings.npy", "distilbert/checkpoint-1"] {
        assert!(!place.made(name).exists(), "{name}");
    }
    let manifest = place.model_manifest();
    assert_eq!((&manifest["text"], &manifest["sketch_depth"]), (&"hashed".into(), &20.into()));
    assert!(fs::read(place.made("codes.skim")).unwrap() == fs::read(place.made("model/codes.skim")).unwrap());
    let report = fs::read_to_string(place.made("report.html")).unwrap();
    assert!(report.contains("hashed token ids (text: hashed)"));
    let hashed = place.predict();
    assert_eq!(hashed.split(|&byte| byte == b'\n').count() - 1, 1200);

    // To say what is the default anyway changes nothing, and is not worth a line.
    let output = success(place.run("run", &["text=hashed"]));
    assert!(stderr(&output).contains("train: up to date") && !stderr(&output).contains(SAID), "{}", stderr(&output));
    assert_eq!(place.done(&[]), []);

    // What depends on the text is made anew, and nothing else.
    let done = place.done(&["text=none"]);
    assert_eq!(names(&done), "train evaluate");
    assert_eq!(done[0].1, "it is no longer made from codes.skim");
    let manifest = place.model_manifest();
    assert_eq!((&manifest["text"], &manifest["sketch_depth"]), (&"none".into(), &0.into()));
    assert!(!place.made("model/codes.skim").exists() && place.made("model/model.onnx").exists());
    let report = fs::read_to_string(place.made("report.html")).unwrap();
    assert!(report.contains("nothing (text: none)"));
    let none = place.predict();
    assert_eq!(none.split(|&byte| byte == b'\n').count() - 1, 1200);
    assert!(none != hashed);
    let output = success(place.run("evaluate --precisions", &["text=none"]));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 5);
    assert_eq!(place.done(&["text=none"]), []);

    // And back: the codes are still there, and another seed gives other ones.
    assert_eq!(names(&place.done(&[])), "train evaluate");
    assert!(place.predict() == hashed, "the same as the first time");
    let done = place.done(&["seed=2", "validation_split=null"]);
    let sketch = done.iter().find(|(task, _)| task == "sketch").unwrap();
    assert!(sketch.1.contains("seed changed from 0 to 2"), "{sketch:?}");
}

#[test]
fn a_text_model_that_is_asked_for_must_be_there() {
    let place = Place::new();
    let output = place.run("run", &["text=distilbert"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("no text model is set: distilbert.model names one") && said.contains("`text: hashed`"),
        "{said}"
    );
    let output = place.run("sketch", &["text=none"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("with text: none there are no token codes to make"), "{}", stderr(&output));
    let output = place.run("run", &["text=bert"]);
    assert!(
        stderr(&output).contains("text: must be one of `none`, `hashed`, `distilbert` (or null)"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn token_vectors_that_were_made_are_used_until_the_text_is_to_be_something_else() {
    let place = Place::new();
    success(place.run("run --to features", &[]));
    let model = crate::harness::fixture("tiny-distilbert/model.onnx");
    success(place.run(&format!("embed --model {}", model.display()), &[]));
    let output = success(place.run("run --to sketch", &[]));
    assert!(stderr(&output).contains("sketch: done") && !stderr(&output).contains(SAID), "{}", stderr(&output));
    let codes = |sets: &[&str]| {
        success(place.run("run --to sketch", sets));
        fs::read(place.made("codes.skim")).unwrap()
    };
    let (vectors, hashed) = (codes(&[]), codes(&["text=hashed"]));
    assert!(vectors != hashed && codes(&[]) == vectors);
    // A plan knows them, too.
    let output = success(place.run("plan -q --json --seconds 1", &[]));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages: Vec<&str> =
        plan["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["convert", "similar", "features", "sketch", "train", "evaluate"]);
}

#[test]
fn hashed_codes_are_shown_and_exported_as_any_others() {
    let place = Place::new();
    success(place.run("sketch", &[]));
    let codes = place.made("codes.skim");
    let again = tempfile::tempdir().unwrap();
    success(place.run("sketch", &["threads=2", &format!("working_dir={}", again.path().join("work").display())]));
    assert!(fs::read(&codes).unwrap() == fs::read(again.path().join("work/codes.skim")).unwrap(), "threads show");
    let output = success(run([Path::new("inspect"), &codes]));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("source") && shown.contains("hash") && shown.contains("2,000 rows"), "{shown}");
    let exported = again.path().join("codes.parquet");
    let words = [Path::new("export"), &codes, "--to".as_ref(), "parquet".as_ref(), "-o".as_ref(), &exported];
    success(run(words));
    assert!(fs::read(exported).unwrap().starts_with(b"PAR1"));
    let table = success(run([Path::new("export"), &codes, "--to".as_ref(), "tsv".as_ref()])).stdout;
    let known = TokenCodes::read(&codes).unwrap();
    let mut lines = std::str::from_utf8(&table).unwrap().lines().skip(1);
    for token in [0, 1] {
        let numbers: Vec<u32> =
            lines.next().unwrap().split(['\t', ',']).map(|number| number.parse().unwrap()).collect();
        let expected = known.codes(token).unwrap().iter().map(|&code| u32::from(code));
        assert_eq!(numbers, std::iter::once(token).chain(expected).collect::<Vec<_>>());
    }
}

#[test]
fn killed_it_goes_on_to_the_same_model_whatever_the_text() {
    for text in ["text=hashed", "text=none"] {
        let [undisturbed, disturbed] = [(); 2].map(|()| Place::new());
        success(undisturbed.run("run --to train", &[text]));
        success(disturbed.run("run --to features", &[text]));
        let begun = Instant::now();
        let mut child = disturbed
            .command("run --quiet --to train", &[text, "train.checkpoint_minutes=0.0", "threads=2"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !disturbed.made("checkpoint/state.json").exists() {
            assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint comes");
            assert!(child.try_wait().unwrap().is_none(), "it ended without a checkpoint");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!disturbed.made("model").exists());
        let output = success(disturbed.run("run --json --to train", &[text]));
        let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(reports.as_array().unwrap().last().unwrap()["summary"]["resumed_at"].is_string(), "{reports}");
        let (expected, found) = (undisturbed.trained(), disturbed.trained());
        assert_eq!(found.len(), expected.len());
        for ((name, bytes), (_, other)) in expected.iter().zip(&found) {
            assert!(bytes == other, "{text}: {} differs", name.display());
        }
    }
}
