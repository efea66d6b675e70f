//! A run does anew what is out of date, says why, and nothing else; what is stale is never used.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::harness::{demo, files, run, run_with_input, skimmer, stderr, success};

/// A folder with raw parts, a configuration and a working directory of its own.
struct Place(tempfile::TempDir);

impl Place {
    /// The demo's parts, and a small network.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in files(&demo().join("recsys_data")) {
            let path = place.path("recsys_data").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let text = fs::read_to_string(demo().join("config.yaml")).unwrap();
        let text = text.replace("hidden_size: 256", "hidden_size: 16");
        fs::write(place.path("config.yaml"), text).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn artefact(&self, name: &str) -> PathBuf {
        self.path("working_dir").join(name)
    }

    fn change_config(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("config.yaml")).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path("config.yaml"), text.replace(from, to)).unwrap();
    }

    /// Runs the stages up to `stage`, and gives what was said.
    #[track_caller]
    fn run_to(&self, stage: &str) -> String {
        let config = self.path("config.yaml");
        stderr(&success(run([Path::new("run"), Path::new("--to"), Path::new(stage), Path::new("--config"), &config])))
    }

    fn features(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.artefact("features"))
    }
}

/// What was said of a task in the end.
#[track_caller]
fn of<'s>(said: &'s str, task: &str) -> &'s str {
    let start = format!("{task}: ");
    let mut lines = said.lines().filter_map(|line| line.split_once(&start).map(|(_, rest)| rest));
    let last = lines.find(|line| *line == "up to date" || line.contains("ran because"));
    last.unwrap_or_else(|| panic!("nothing of {task} in: {said}"))
}

#[test]
fn a_part_that_is_taken_away_counts_no_more_and_its_features_go() {
    let place = Place::new();
    place.run_to("features");
    let both = place.features();
    let (part, aside) = (place.path("recsys_data/train/part-00001"), place.path("recsys_data/aside"));
    fs::rename(&part, &aside).unwrap();

    let said = place.run_to("features");
    assert_eq!(of(&said, "convert part-00000"), "up to date");
    for stage in ["similar", "features"] {
        assert!(of(&said, stage).contains("it is no longer made from parts/part-00001.skim"), "{said}");
    }
    assert!(!place.artefact("features/part-00001.skim").exists());
    // The converted part is right as long as the raw part comes back as it was.
    assert!(place.artefact("parts/part-00001.skim").exists());
    let alone = Place::new();
    fs::remove_file(alone.path("recsys_data/train/part-00001")).unwrap();
    alone.run_to("features");
    assert!(place.features() == alone.features());

    fs::rename(&aside, &part).unwrap();
    let said = place.run_to("features");
    assert_eq!(of(&said, "convert part-00001"), "up to date");
    assert!(of(&said, "similar").contains("it is made from parts/part-00001.skim, too, now"), "{said}");
    assert!(place.features() == both);
}

#[test]
fn a_raw_part_that_changes_is_converted_again() {
    let place = Place::new();
    place.run_to("features");
    let part = place.path("recsys_data/train/part-00001");
    let text = fs::read(&part).unwrap();
    let shorter = &text[..=memchr::memrchr(b'\n', &text[..text.len() - 1]).unwrap()];
    fs::write(&part, shorter).unwrap();

    let said = place.run_to("features");
    assert_eq!(of(&said, "convert part-00000"), "up to date");
    for (task, label) in [("convert part-00001", "the raw part"), ("features", "parts/part-00001.skim")] {
        let reason = format!("{label} has other content than when this was made");
        assert!(of(&said, task).contains(&reason), "{said}");
    }
    let fresh = Place::new();
    fs::write(fresh.path("recsys_data/train/part-00001"), shorter).unwrap();
    fresh.run_to("features");
    assert!(place.features() == fresh.features());
}

/// Sets another time of change, and nothing else.
fn touch(path: &Path, seconds: u64) {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn files_that_are_touched_and_hold_the_same_have_nothing_done_anew() {
    let place = Place::new();
    place.run_to("evaluate");
    let raw = place.path("recsys_data/train/part-00001");
    let nothing_done = |what: &str| {
        let said = place.run_to("evaluate");
        let tasks = said.lines().filter(|line| !line.contains("report: "));
        assert!(
            tasks.clone().count() > 8 && tasks.into_iter().all(|line| line.ends_with("up to date")),
            "{what}: {said}"
        );
    };
    for folder in ["recsys_data", "working_dir"] {
        for name in files(&place.path(folder)).keys() {
            touch(&place.path(folder).join(name), 1);
        }
        nothing_done(folder);
    }
    // The new times are noted: nothing is read again, or this would be seen.
    let text = fs::read(&raw).unwrap();
    fs::write(&raw, text.to_ascii_lowercase()).unwrap();
    touch(&raw, 1);
    nothing_done("trusted");
    fs::write(&raw, &text).unwrap();

    touch(&raw, 2);
    nothing_done("touched again");

    // Other content of the same size: the first two records change places.
    let mut lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    lines.swap(0, 1);
    fs::write(&raw, lines.concat()).unwrap();
    let said = place.run_to("convert");
    assert!(
        of(&said, "convert part-00001").contains("the raw part has other content than when this was made"),
        "{said}"
    );
}

#[test]
fn a_changed_key_is_named_with_both_values() {
    let place = Place::new();
    place.run_to("train");
    place.change_config("hidden_size: 16", "hidden_size: 8");
    assert!(of(&place.run_to("train"), "train").contains("train.hidden_size changed from 16 to 8"));
    place.change_config("  learning_rate: 0.001", "  learning_rate: 0.002");
    assert!(of(&place.run_to("train"), "train").contains("train.learning_rate changed from 0.001 to 0.002"));
}

#[test]
fn it_does_not_matter_from_where_the_program_is_started_or_where_the_folders_are() {
    let place = Place::new();
    place.run_to("features");
    let said = |folder: &Path, config: &str| {
        let output = skimmer().current_dir(folder).args(["run", "--to", "features", "--config", config]).output();
        stderr(&success(output.unwrap()))
    };
    let elsewhere = place.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for said in [said(place.0.path(), "config.yaml"), said(&elsewhere, "../config.yaml")] {
        assert!(said.lines().all(|line| line.ends_with("up to date")), "{said}");
    }
    for name in ["recsys_data", "working_dir", "config.yaml"] {
        fs::rename(place.path(name), elsewhere.join(name)).unwrap();
    }
    let said = said(&elsewhere, "config.yaml");
    assert!(said.lines().all(|line| line.ends_with("up to date")), "{said}");
}

#[test]
fn artefacts_that_are_gone_or_spoilt_are_made_again() {
    let place = Place::new();
    place.run_to("evaluate");
    let artefacts = || {
        let mut artefacts = files(&place.path("working_dir"));
        artefacts.remove(Path::new("manifest.json"));
        artefacts.remove(Path::new("report.html"));
        artefacts
    };
    let expected = artefacts();
    let cases = [
        ("convert validation", "parts/validation.skim"),
        ("similar", "similar.skim"),
        ("features", "counts/train.pair.skim"),
        ("embed", "token_ids.npy"),
        ("sketch", "codes.skim"),
        ("train", "model/weights.safetensors"),
        ("evaluate", "evaluation.json"),
    ];
    for (number, (task, name)) in cases.into_iter().enumerate() {
        let path = place.artefact(name);
        if number % 2 == 0 {
            fs::remove_file(&path).unwrap()
        } else {
            fs::write(&path, "spoilt").unwrap()
        }
        let said = place.run_to("evaluate");
        let reason = if number % 2 == 0 { "is gone" } else { "has other content than when it was made" };
        assert!(of(&said, task).contains(&format!("{name} {reason}")), "{said}");
        assert_eq!(of(&said, "convert part-00000"), "up to date");
        assert!(artefacts() == expected, "{name} was not made as it was");
    }
}

#[test]
fn killed_while_files_are_unfinished_it_leaves_nothing_and_the_model_predicts() {
    let (undisturbed, place) = (Place::new(), Place::new());
    undisturbed.run_to("evaluate");
    let config = place.path("config.yaml");
    let command = || {
        let mut command = skimmer();
        command.args([Path::new("run"), Path::new("--quiet"), Path::new("--config"), &config]).stdout(Stdio::null());
        command
    };
    for name in ["parts/.unfinished-part-00001.skim", "counts/.unfinished-train.pair.skim", ".unfinished-model"] {
        let unfinished = place.artefact(name);
        let mut child = command().spawn().unwrap();
        while !unfinished.exists() {
            assert!(child.try_wait().unwrap().is_none(), "it came to its end and {name} was never seen");
            thread::sleep(Duration::from_micros(100));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(command().status().unwrap().success());
    let names = |place: &Place, folder: &str| {
        let entries = fs::read_dir(place.artefact(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    assert!(!names(&place, "").iter().any(|name| name == "scratch" || name.starts_with(".unfinished")));
    for folder in ["", "parts", "features", "counts", "model"] {
        assert_eq!(names(&place, folder), names(&undisturbed, folder));
    }
    let predictions = |place: &Place| {
        let text = fs::read(place.path("recsys_data/test/part-00000")).unwrap();
        let arguments = [Path::new("predict"), Path::new("--model"), &place.artefact("model")];
        success(run_with_input(arguments, &text)).stdout
    };
    assert_eq!(predictions(&place).split(|&byte| byte == b'\n').count() - 1, 1200);
    assert!(predictions(&place) == predictions(&undisturbed));
}

#[test]
fn a_manifest_of_another_version_has_everything_made_anew() {
    let place = Place::new();
    place.run_to("similar");
    let manifest = place.artefact("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
    changed["version"] = 0.into();
    fs::write(&manifest, changed.to_string()).unwrap();
    let said = place.run_to("similar");
    assert!(of(&said, "similar").contains("manifest.json was written by another version"), "{said}");

    let version = env!("CARGO_PKG_VERSION");
    let text = fs::read_to_string(&manifest).unwrap();
    let older = text.replace(&format!("\"skimmer\": \"{version}\""), "\"skimmer\": \"0.0.0\"");
    assert_ne!(older, text);
    fs::write(&manifest, older).unwrap();
    let said = place.run_to("similar");
    let reason = format!("skimmer changed from 0.0.0 to {version}");
    assert!(of(&said, "convert validation").contains(&reason), "{said}");

    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    let output = run([Path::new("run"), Path::new("--config"), &place.path("config.yaml")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("delete it to have everything made anew"), "{}", stderr(&output));
}

#[test]
fn rejected_lines_of_parts_of_the_same_name_are_kept_apart() {
    let place = Place::new();
    place.change_config("bad_records: stop", "bad_records: quarantine");
    for (part, line) in [("train/part-00000", "bad in training"), ("validation/part-00000", "bad in validation")] {
        let path = place.path("recsys_data").join(part);
        let text = fs::read(&path).unwrap();
        fs::write(&path, [line.as_bytes(), b"\n", &text].concat()).unwrap();
    }
    place.run_to("convert");
    let rejected = files(&place.artefact("rejected"));
    let names = ["part-00000.reasons.tsv", "part-00000.tsv", "validation.reasons.tsv", "validation.tsv"];
    assert!(rejected.keys().eq(names.map(Path::new)), "{:?}", rejected.keys());
    assert_eq!(rejected[Path::new("part-00000.tsv")], b"bad in training\n");
    assert_eq!(rejected[Path::new("validation.tsv")], b"bad in validation\n");
}

#[test]
fn a_working_directory_that_cannot_be_is_named() {
    let place = Place::new();
    fs::write(place.path("working_dir"), "a file").unwrap();
    let output = run([Path::new("run"), Path::new("--quiet"), Path::new("--config"), &place.path("config.yaml")]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains(place.path("working_dir").to_str().unwrap()), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(fs::read(place.path("working_dir")).unwrap(), b"a file");
}
