//! A training that is killed or stopped goes on where it was, and gives the same model.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{demo, files, run, skimmer, stderr, success};

/// A folder of its own with everything up to the token codes, over the demo's raw parts.
struct Place(tempfile::TempDir);

impl Place {
    fn new(checkpoint_minutes: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let text = fs::read_to_string(demo().join("config.yaml")).unwrap();
        let text = text
            .replace("recsys_data/", &format!("{}/recsys_data/", demo().display()))
            .replace("tiny-distilbert/", &format!("{}/tiny-distilbert/", demo().display()))
            .replace("hidden_size: 256", "hidden_size: 48")
            .replace("checkpoint_minutes: 10.0", &format!("checkpoint_minutes: {checkpoint_minutes}"));
        fs::write(place.config(), text).unwrap();
        success(run([
            Path::new("run"),
            Path::new("--to"),
            Path::new("sketch"),
            Path::new("--config"),
            &place.config(),
        ]));
        place
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config.yaml")
    }

    fn artefact(&self, name: &str) -> PathBuf {
        self.0.path().join("working_dir").join(name)
    }

    fn train(&self) -> Command {
        let mut command = skimmer();
        command.args([Path::new("train"), Path::new("--config"), &self.config()]).stderr(Stdio::piped());
        command
    }

    /// Starts the training, and waits until it has written checkpoints: two, for the first to be seen may be an old one
    /// that comes back because its successor was killed.
    fn started(&self) -> Child {
        let state = || fs::metadata(self.artefact("checkpoint/state.json")).and_then(|file| file.modified()).ok();
        let (mut seen, begun) = (BTreeSet::from_iter(state()), Instant::now());
        let needed = seen.len() + 2;
        let mut child = self.train().spawn().unwrap();
        while seen.len() < needed {
            seen.extend(state());
            assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint comes");
            assert!(child.try_wait().unwrap().is_none(), "it ended without a checkpoint");
            thread::sleep(Duration::from_millis(1));
        }
        child
    }

    fn result(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = files(&self.artefact("model")).into_iter().collect();
        files.push(("training.jsonl".into(), fs::read(self.artefact("training.jsonl")).unwrap()));
        files
    }
}

#[test]
fn killed_and_stopped_it_gives_the_same_model() {
    let undisturbed = Place::new("10.0");
    success(undisturbed.train().output().unwrap());
    assert!(!undisturbed.artefact("checkpoint").exists(), "a finished training needs none");

    let disturbed = Place::new("0.0");
    for pause in [0, 40, 5] {
        let mut child = disturbed.started();
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let child = disturbed.started();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let stopped = child.wait_with_output().unwrap();
    let said = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("stopped at ") && said.contains("the same command goes on from there"), "{said}");

    let finished = success(disturbed.train().arg("--json").output().unwrap());
    let summary: serde_json::Value = serde_json::from_slice(&finished.stdout).unwrap();
    let place = said.split("stopped at ").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    assert_eq!(summary[0]["summary"]["resumed_at"], place, "{said}");
    assert!(!disturbed.artefact("checkpoint").exists());
    let (expected, found) = (undisturbed.result(), disturbed.result());
    assert_eq!(found.len(), expected.len());
    for ((name, bytes), (_, other)) in expected.iter().zip(&found) {
        // The manifest differs in nothing either: it holds checksums, no dates.
        assert!(bytes == other, "{} differs", name.display());
    }
}
