//! `skimmer plan` against the run that it plans.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{fixture, run, success};

fn bytes(folder: &Path) -> f64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>() as f64
}

#[test]
fn a_plan_holds_all_stages_and_the_disk_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let synth = ["synth", "-q", "--parts", "3", "--rows", "30000", "--valid-rows", "3000", "--vocabulary", "2000"];
    success(run(synth.map(str::to_owned).into_iter().chain(["--out".to_owned(), path("raw")])));
    let config = path("config.yaml");
    let text = format!(
        "working_dir: work\nrecsys_data: raw/train\nvalidation_part: raw/validation/part-00000\n\
         vocabulary_size: 2000\nmemory_budget: 64MiB\ndistilbert:\n  model: {}\ntrain:\n  hidden_size: 32\n",
        fixture("tiny-distilbert/model.onnx").display()
    );
    fs::write(&config, text).unwrap();
    let output = success(run(["plan", "-q", "--json", "--records", "9000", "--config", &config]));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages: Vec<&str> =
        plan["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["convert", "similar", "features", "embed", "sketch", "train", "evaluate"]);
    // Nothing of the sample is left.
    let left: Vec<_> = fs::read_dir(path("work")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);

    success(run(["run", "-q", "--to", "features", "--config", &config]));
    for (planned, name) in [("parts_bytes", "parts"), ("features_bytes", "features")] {
        let (planned, real) = (plan[planned].as_f64().unwrap(), bytes(Path::new(&path("work")).join(name).as_path()));
        assert!((planned / real - 1.0).abs() < 0.1, "{name}: planned {planned}, really {real}");
    }
}
