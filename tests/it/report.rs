//! The HTML report.

use std::fs;
use std::path::Path;

use crate::harness::{demo, run, stderr, success};

#[test]
fn a_trained_directory_has_a_report_that_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (config, output) = (demo().join("config.yaml"), folder.path().join("report.html"));
    success(run([Path::new("report"), Path::new("--config"), &config, Path::new("-o"), &output]));
    let html = fs::read_to_string(&output).unwrap();
    assert_eq!(html, fs::read_to_string(demo().join("working_dir/report.html")).unwrap(), "the demo's own");
    // Loss, learning rate and speed, then two charts a reaction.
    assert_eq!(html.matches("<svg ").count(), 11);
    for part in ["fine-tuning", "Calibration", "valid.pair_reversed.quote", "convert validation", "MiB", "RCE"] {
        assert!(html.contains(part), "nothing of {part}");
    }
    assert!(!html.contains("NaN") && !html.contains("http") && !html.contains("<script"), "{html}");
}

#[test]
fn without_a_training_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    fs::write(&config, "working_dir: nothing\n").unwrap();
    let output = run([Path::new("report"), Path::new("--config"), &config]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("nothing was trained here yet"), "{}", stderr(&output));
}
