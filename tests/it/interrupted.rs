//! Killed anywhere and started again, a run ends with the same artefacts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{demo, files, run, skimmer, stderr, success};

/// A configuration with a working directory of its own, over the demo's raw parts.
fn configuration(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(demo().join("config.yaml")).unwrap();
    let text = text
        .replace("recsys_data/", &format!("{}/recsys_data/", demo().display()))
        .replace("hidden_size: 256", "hidden_size: 32");
    let path = folder.join("config.yaml");
    fs::write(&path, text).unwrap();
    path
}

fn run_command(config: &Path) -> Command {
    let mut command = skimmer();
    command.args([Path::new("run"), Path::new("--quiet"), Path::new("--config"), config]).stdout(Stdio::null());
    command
}

/// Everything in the working directory but what says when and how long.
fn artefacts(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(&folder.join("working_dir"));
    files.remove(Path::new("manifest.json"));
    files.remove(Path::new("report.html"));
    files
}

#[test]
fn killed_twenty_times_a_run_ends_with_the_same_artefacts() {
    let undisturbed = tempfile::tempdir().unwrap();
    let config = configuration(undisturbed.path());
    let begun = Instant::now();
    assert!(run_command(&config).status().unwrap().success());
    let duration = begun.elapsed();

    let disturbed = tempfile::tempdir().unwrap();
    let config = configuration(disturbed.path());
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut kills = 0;
    while kills < 20 {
        let mut child = run_command(&config).spawn().unwrap();
        // xorshift: moments spread over a third of the whole course, for a run that is killed again and again
        // gets further each time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        thread::sleep(duration.mul_f64((random % 1000) as f64 / 3000.0).max(Duration::from_millis(1)));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        } else {
            // It came to its end: begin anew, so that the early stages are disturbed too.
            fs::remove_dir_all(disturbed.path().join("working_dir")).unwrap();
        }
    }
    assert!(run_command(&config).status().unwrap().success());
    let (expected, found) = (artefacts(undisturbed.path()), artefacts(disturbed.path()));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &expected {
        assert!(*bytes == found[name], "{} differs", name.display());
    }
}

#[test]
fn one_process_at_a_time_works_in_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path());
    let _held = skimlog::workspace::Workspace::open(&folder.path().join("working_dir")).unwrap();
    let output = run([Path::new("run"), Path::new("--config"), &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("another skimmer"), "{}", stderr(&output));
}

#[test]
fn what_changes_is_made_anew_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path());
    let features =
        || success(run([Path::new("run"), Path::new("--to"), Path::new("features"), Path::new("--config"), &config]));
    features();
    let spoil = folder.path().join("working_dir/parts/part-00001.skim");
    fs::write(&spoil, b"spoilt").unwrap();
    let said = stderr(&features());
    assert!(said.contains("part-00001.skim has other content than when it was made"), "{said}");
    assert!(said.contains("convert part-00000: up to date"), "{said}");

    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("num_validation_chunks: 10", "num_validation_chunks: 5")).unwrap();
    let said = stderr(&features());
    assert!(said.contains("num_validation_chunks changed from 10 to 5"), "{said}");
    assert!(said.contains("similar: up to date"), "{said}");
}
