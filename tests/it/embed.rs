//! The embed command: which engine and model it takes, and that it goes on where it was killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use skimlog::config::{Config, DistilBert};
use skimlog_text::{MappedVectors, VectorPaths};

use crate::harness::{demo, files, fixture, run, skimmer, stderr, success};

/// A configuration with a working directory of its own, over the demo's raw parts, which are converted.
fn configuration(folder: &Path, change: impl FnOnce(&mut DistilBert)) -> PathBuf {
    let mut config = Config::load(&demo().join("config.yaml")).unwrap();
    config.working_dir = folder.join("working_dir");
    config.distilbert = DistilBert::default();
    change(&mut config.distilbert);
    let path = folder.join("config.yaml");
    fs::write(&path, config.to_yaml()).unwrap();
    success(run([Path::new("convert"), Path::new("--config"), &path]));
    path
}

fn embed(config: &Path, arguments: &[&str]) -> Output {
    let mut command = skimmer();
    command.args(["embed", "--json", "--config"]).arg(config).args(arguments).output().unwrap()
}

/// The model that another program than ours wrote.
fn tiny_model() -> String {
    fixture("tiny-distilbert/model.onnx").display().to_string()
}

fn summary(output: &Output) -> Value {
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    reports[0]["summary"].clone()
}

fn vectors(folder: &Path) -> MappedVectors {
    MappedVectors::open(&VectorPaths::in_directory(&folder.join("working_dir"))).unwrap()
}

#[test]
fn killed_it_goes_on_from_its_last_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    // Small batches, so that there are many places to go on from.
    let small = |distilbert: &mut DistilBert| (distilbert.batch_tokens, distilbert.snapshot_seconds) = (Some(200), 0);
    let config = configuration(folder.path(), small);
    let undisturbed = tempfile::tempdir().unwrap();
    let model = tiny_model();
    let output = success(embed(&configuration(undisturbed.path(), small), &["--model", &model]));
    // The engines have nothing to tell.
    assert!(stderr(&output).lines().all(|line| line.contains(" embed: ")), "{}", stderr(&output));

    let snapshot = folder.path().join("working_dir/embed.snapshot");
    let kept = || fs::read(&snapshot).ok();
    let mut kills = 0;
    for _ in 0..8 {
        let before = kept();
        let mut command = Command::new(env!("CARGO_BIN_EXE_skimmer"));
        command.args(["embed", "--quiet", "--model", &model, "--config"]).arg(&config);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        while kept() == before && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        // It may have come to its end just then.
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills > 1);
    let resumed = snapshot.exists();
    let output = success(embed(&config, &["--force", "--model", &model]));
    assert_eq!(summary(&output)["resumed_records"].as_u64().unwrap() > 0, resumed);
    assert!(!snapshot.exists());
    let results = |folder: &Path| {
        let mut files = files(&folder.join("working_dir"));
        files.remove(Path::new("manifest.json"));
        files
    };
    let (expected, found) = (results(undisturbed.path()), results(folder.path()));
    assert!(expected.contains_key(Path::new("token_counts.npy")));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(found == expected);
}

#[test]
fn hugging_face_weights_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("checkpoint-300");
    fs::create_dir(&checkpoint).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(fixture("tiny-distilbert").join(name), checkpoint.join(name)).unwrap();
    }
    let config = configuration(folder.path(), |_| ());
    let output = embed(&config, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no text model is set: distilbert.model names one"), "{}", stderr(&output));

    let output = success(embed(&config, &["--checkpoint", checkpoint.to_str().unwrap(), "--engine", "tract"]));
    assert!(stderr(&output).contains("computed by tract on CPU"), "{}", stderr(&output));
    let found = summary(&output);
    assert_eq!((&found["engine"], &found["resumed_records"]), (&"tract".into(), &0.into()));
    assert!(found["computed"].as_u64() < found["records"].as_u64(), "{found}");
    assert!(checkpoint.join("model.onnx").exists());

    // Another program's model of these weights gives the same vectors.
    let ours = vectors(folder.path());
    success(embed(&config, &["--model", &tiny_model(), "--engine", "tract", "--threads", "1"]));
    let theirs = vectors(folder.path());
    assert_eq!(ours.tokens(), theirs.tokens());
    for (ours, theirs) in ours.view().unwrap().iter().zip(theirs.view().unwrap()) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
    }
}

#[test]
fn an_engine_that_is_not_there_is_an_error_only_if_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("libonnxruntime.so");
    let config = configuration(folder.path(), |distilbert| distilbert.onnxruntime = Some(nowhere.clone()));
    let output = embed(&config, &["--model", &tiny_model(), "--engine", "onnxruntime"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("libonnxruntime.so") && said.contains("pip install onnxruntime"), "{said}");

    let output = success(embed(&config, &["--model", &tiny_model()]));
    let found = summary(&output);
    assert_eq!((&found["engine"], &found["device"]), (&"tract".into(), &"CPU".into()));
    assert!(found["fallback"].as_str().unwrap().contains("libonnxruntime.so"), "{found}");
    let said = stderr(&output);
    assert!(said.contains("computed by tract on CPU; ONNX Runtime, which is faster, cannot be used: "), "{said}");
    assert_eq!(said.matches("pip install onnxruntime").count(), 1, "{said}");
    assert!(said.contains("ORT_DYLIB_PATH"), "{said}");
}
