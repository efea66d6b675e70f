//! `skimmer plan` against the run that it plans.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{demo, files, fixture, run, success};

fn bytes(folder: &Path) -> f64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>() as f64
}

#[test]
fn every_text_model_that_a_run_knows_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let config = demo().join("config.yaml");
    let work = folder.path().join("work");
    let plan = |sets: &[String]| -> Value {
        let own = [format!("working_dir={}", work.display()), "train.hidden_size=16".to_owned()];
        let words = ["plan", "-q", "--json", "--seconds", "1", "--config"].map(str::to_owned).into_iter();
        let words = words.chain([config.display().to_string()]);
        let sets = own.iter().chain(sets).flat_map(|set| ["--set".to_owned(), set.clone()]);
        serde_json::from_slice(&success(run(words.chain(sets))).stdout).unwrap()
    };
    let names = |plan: &Value| -> String {
        let stages = plan["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap());
        stages.collect::<Vec<_>>().join(" ")
    };
    let advice = |plan: &Value| plan["advice"].to_string();
    // The demo trains its text model from scratch.
    let of_demo = plan(&[]);
    assert_eq!(names(&of_demo), "convert similar features finetune embed sketch train evaluate");
    assert!(!advice(&of_demo).contains("cannot run"), "{of_demo}");
    let finetune = &of_demo["stages"][3];
    for key in ["records", "seconds", "cpu_seconds", "memory", "reads", "temporary"] {
        assert!(finetune[key].as_f64().unwrap() > 0.0, "{key}: {finetune}");
    }
    assert_eq!(finetune["records"], 1600.0, "100 steps of 16 records");
    let made = demo().join("working_dir/distilbert");
    let (planned, really) = (finetune["stays"]["expected"].as_f64().unwrap(), tree_bytes(&made));
    assert!((planned / really - 1.0).abs() < 0.1, "checkpoints: planned {planned}, really {really}");
    // Its checkpoint as it is, by either key; fine-tuning it further.
    let checkpoint = made.join("checkpoint-100");
    let without = ["distilbert.from_scratch=null", "distilbert.finetune.max_steps=null"].map(str::to_owned);
    for key in ["model", "onnx"] {
        let sets = [&without[..], &[format!("distilbert.{key}={}", checkpoint.display())]].concat();
        assert_eq!(names(&plan(&sets)), "convert similar features embed sketch train evaluate", "{key}");
    }
    let more = ["distilbert.from_scratch=null".to_owned(), format!("distilbert.model={}", checkpoint.display())];
    assert_eq!(names(&plan(&more)), names(&of_demo));
    // Without a text model the text is hashed, or left out.
    let hashed = plan(&without);
    assert_eq!(names(&hashed), "convert similar features sketch train evaluate");
    assert!(advice(&hashed).contains("hashed token ids (text: hashed)"), "{hashed}");
    let (sketch, vocabulary) = (&hashed["stages"][3], 2000.0);
    assert_eq!((sketch["records"].as_f64(), sketch["reads"].as_f64()), (Some(vocabulary), Some(0.0)));
    assert!(sketch["stays"]["expected"].as_f64().unwrap() > 20.0 * vocabulary, "{sketch}");
    let no_text = plan(&["text=none".to_owned()]);
    assert_eq!(names(&no_text), "convert similar features train evaluate");
    assert!(!advice(&no_text).contains("token ids"), "{no_text}");
    // None, and one that cannot be: what is planned is what a run could do.
    let none = plan(&[&without[..], &["text=distilbert".to_owned()]].concat());
    assert_eq!(names(&none), "convert similar features");
    assert!(advice(&none).contains("no text model is set") && advice(&none).contains("not planned"), "{none}");
    let nothing = plan(&["distilbert.from_scratch=null".to_owned()]);
    assert!(advice(&nothing).contains("nothing says what to start from"), "{nothing}");
    assert!(!work.exists());
}

fn tree_bytes(folder: &Path) -> f64 {
    files(folder).values().map(|bytes| bytes.len() as f64).sum()
}

#[test]
fn a_plan_holds_all_stages_and_the_disk_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let synth = ["synth", "-q", "--parts", "3", "--rows", "90000", "--valid-rows", "9000", "--vocabulary", "2000"];
    success(run(synth.map(str::to_owned).into_iter().chain(["--out".to_owned(), path("raw")])));
    let config = path("config.yaml");
    let text = format!(
        "working_dir: work\nrecsys_data: raw/train\nvalidation_part: raw/validation/part-00000\n\
         vocabulary_size: 2000\nmemory_budget: 64MiB\ndistilbert:\n  model: {}\ntrain:\n  hidden_size: 16\n",
        fixture("tiny-distilbert/model.onnx").display()
    );
    fs::write(&config, text).unwrap();
    let plan = |more: &[&str]| -> Value {
        let words = ["plan", "-q", "--json", "--seconds", "20", "--config", &config];
        let output = success(run(words.iter().chain(more)));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let whole = plan(&[]);
    let names: Vec<&str> =
        whole["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(names, ["convert", "similar", "features", "embed", "sketch", "train", "evaluate"]);
    for stage in whole["stages"].as_array().unwrap() {
        for key in ["records", "seconds", "memory", "reads"] {
            assert!(stage[key].as_f64().unwrap() > 0.0, "{key}: {stage}");
        }
    }
    // Nothing of the trials is left.
    assert!(!Path::new(&path("work")).exists());

    // From the first part alone, told how many there will be.
    for part in 1..3 {
        fs::rename(path(&format!("raw/train/part-0000{part}")), path(&format!("part-{part}"))).unwrap();
    }
    let first = plan(&["--parts", "3"]);
    for part in 1..3 {
        fs::rename(path(&format!("part-{part}")), path(&format!("raw/train/part-0000{part}"))).unwrap();
    }
    success(run(["run", "-q", "--to", "features", "--config", &config]));
    for plan in [whole, first] {
        let near = |planned: f64, really: f64, tolerance: f64, what: &str| {
            assert!((planned / really - 1.0).abs() < tolerance, "{what}: planned {planned}, really {really}");
        };
        near(plan["training_records"].as_f64().unwrap(), 90_000.0, 0.02, "training");
        near(plan["validation_records"].as_f64().unwrap(), 9_000.0, 0.02, "validation");
        let stays = |stage: usize| plan["stages"][stage]["stays"]["expected"].as_f64().unwrap();
        let really = |name: &str| bytes(Path::new(&path("work")).join(name).as_path());
        near(stays(0), really("parts"), 0.1, "parts");
        near(plan["counts_bytes"]["expected"].as_f64().unwrap(), really("counts"), 0.1, "counts");
        near(stays(0) + stays(2), really("parts") + really("features") + really("counts"), 0.1, "disk");
    }
}
