//! Configurations as people write them: `skimmer init`, `--set`, `~/`, and what is said where something is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use skimlog::config::Config;

use crate::harness::{golden_lines, skimmer, stderr, success};

/// A folder of its own, in which commands are run.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With two raw parts of a few records.
    fn with_parts() -> Self {
        let place = Self::new();
        fs::create_dir(place.path("recsys_data")).unwrap();
        for part in ["part-00000", "part-00001"] {
            let text = golden_lines(&format!("train/{part}"), 40).concat();
            fs::write(place.path("recsys_data").join(part), text).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path("config.yaml"), text).unwrap();
    }

    fn command(&self, words: &str) -> Command {
        let mut command = skimmer();
        command.current_dir(self.0.path()).args(words.split_whitespace());
        command
    }

    fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command that must be refused with one line and exit code 1, and gives what it said.
    #[track_caller]
    fn refused(&self, words: &str) -> String {
        let output = self.run(words);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert_eq!(said.lines().count(), 1, "{words}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// The names in the folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn init_writes_the_defaults_explained() {
    let place = Place::new();
    success(place.run("init"));
    let written = place.path("config.yaml");
    let config = Config::load(&written).unwrap();
    let expected = Config {
        working_dir: place.path("working_dir"),
        recsys_data: place.path("recsys_data"),
        validation_part: Some(place.path("recsys_data/validation/part-00000")),
        ..Config::default()
    };
    assert_eq!(config, expected);
    let text = fs::read_to_string(&written).unwrap();
    assert!(text.contains("# Seed of everything random"), "{text}");

    fs::write(&written, "seed: 5\n").unwrap();
    assert_says(&place.refused("init"), &["config.yaml", "--force"]);
    assert_eq!(fs::read_to_string(&written).unwrap(), "seed: 5\n");
    success(place.run("init --force"));
    assert_eq!(fs::read_to_string(&written).unwrap(), text);
    success(place.run("init deep/other.yaml"));
    assert_eq!(fs::read_to_string(place.path("deep/other.yaml")).unwrap(), text);
    assert_says(&place.refused("init deep"), &["folder", "deep/config.yaml"]);
    for words in ["init -", "init --stdout"] {
        assert_eq!(success(place.run(words)).stdout, text.as_bytes(), "{words}");
    }
    assert_eq!(place.names(), ["config.yaml", "deep"]);
}

#[test]
fn a_configuration_that_is_not_there_says_what_writes_one() {
    let place = Place::new();
    for command in ["run", "plan", "convert", "features"] {
        assert_says(&place.refused(command), &["config.yaml", "skimmer init"]);
    }
    assert_says(&place.refused("predict --model model --config other.yaml"), &["other.yaml", "skimmer init"]);
    fs::create_dir(place.path("folder")).unwrap();
    assert_says(&place.refused("run --config folder"), &["folder", "name the configuration file"]);
    assert_eq!(place.names(), ["folder"]);
}

#[test]
fn what_is_wrong_in_a_file_is_one_sentence_with_its_line() {
    let place = Place::new();
    let cases: [(&[u8], &[&str]); 13] = [
        (b"seed: 1\nlearning_rate: 3\n", &["config.yaml:2: ", "`learning_rate`", "`train.learning_rate`"]),
        (b"train:\n  sketch_width: 3\n", &["config.yaml:2: ", "`sketch_width` (at the top"]),
        (b"train:\n  hidden_size: wide\n", &["config.yaml:2: train.hidden_size: ", "a whole number", "\"wide\""]),
        (b"train:\n  centred: 1\n", &["config.yaml:2: train.centred: ", "true or false"]),
        (b"threads: [1]\n", &["config.yaml:1: threads: ", "a list"]),
        (b"seed: 1\nseed: 2\n", &["config.yaml:2: ", "`seed`", "second time"]),
        (b"seed: 1\n---\nseed: 2\n", &["config.yaml:2: ", "second document"]),
        (b"a: &x 1\nseed: *x\n", &["config.yaml:2: ", "aliases"]),
        (b"train:\n\tseed: 1\n", &["config.yaml:2: ", "tab"]),
        (b"seed: !!int 1\n", &["config.yaml:1: ", "`!!int`"]),
        (b"\xff\xfes\0e\0e\0d\0", &["config.yaml:1: ", "UTF-16"]),
        (b"seed: 1\n# caf\xe9\n", &["config.yaml:2: ", "0xE9", "UTF-8"]),
        (b"just words\n", &["config.yaml:1: ", "mapping"]),
    ];
    for (text, words) in cases {
        place.write(text);
        assert_says(&place.refused("run"), words);
    }
    place.write("foo: 1\n");
    let said = place.refused("run");
    assert!(said.contains("`foo`") && !said.contains("did you mean"), "{said}");
    // A byte order mark and Windows' line ends are no fault.
    place.write(b"\xef\xbb\xbfrecsys_data: nowhere\r\nseed: 7\r\n");
    assert_says(&place.refused("convert"), &["nowhere", "No such file"]);
    assert_eq!(place.names(), ["config.yaml"]);
}

#[test]
fn set_takes_the_place_of_a_key() {
    let place = Place::with_parts();
    place.write("recsys_data: nowhere\nmax_n_parts: 5\n");
    let converted = |place: &Place, words: &str| {
        success(place.run(words));
        fs::read_dir(place.path("made/parts")).unwrap().count()
    };
    // Relative to the folder that the command is started in.
    fs::create_dir(place.path("elsewhere")).unwrap();
    fs::rename(place.path("config.yaml"), place.path("elsewhere/config.yaml")).unwrap();
    let set = "--set working_dir=made --set recsys_data=recsys_data";
    assert_eq!(converted(&place, &format!("convert --config elsewhere/config.yaml {set} --set max_n_parts=1")), 1);
    assert_eq!(converted(&place, &format!("{set} convert --config elsewhere/config.yaml")), 2);
    fs::remove_dir_all(place.path("made")).unwrap();
    // With both folders, no file is needed.
    assert_says(&place.refused("convert --set working_dir=made"), &["config.yaml", "skimmer init"]);
    assert_eq!(converted(&place, &format!("convert {set}")), 2);

    for (set, words) in [
        ("max_n_part=1", &["--set max_n_part=1: ", "`max_n_parts`"][..]),
        ("threads=many", &["--set threads=many: threads: ", "a whole number"]),
        ("train.hidden_size=-3", &["train.hidden_size: ", "at least 1", "-3"]),
    ] {
        assert_says(&place.refused(&format!("convert --config elsewhere/config.yaml --set {set}")), words);
    }
    for words in ["convert --set threads", "convert --set =3", "convert --set threads=[1"] {
        let output = place.run(words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", stderr(&output));
    }
}

#[test]
fn a_tilde_is_the_home_folder() {
    let place = Place::with_parts();
    let run = |words: &str, home: Option<&Path>| {
        let mut command = place.command(words);
        match home {
            Some(home) => command.env("HOME", home),
            None => command.env_remove("HOME"),
        };
        command.output().unwrap()
    };
    place.write("recsys_data: ~/recsys_data\nworking_dir: ~/made\n");
    success(run("convert", Some(place.0.path())));
    assert!(place.path("made/parts/part-00000.skim").exists());
    success(run("convert --set working_dir=~/other", Some(place.0.path())));
    assert!(place.path("other/parts/part-00000.skim").exists());
    let output = run("convert", None);
    assert_eq!(output.status.code(), Some(1));
    assert_says(&stderr(&output), &["config.yaml:1: recsys_data: ", "HOME is not set"]);
    place.write("recsys_data: ~someone/data\n");
    assert_says(&place.refused("convert"), &["config.yaml:1: recsys_data: ", "~someone"]);
}

#[test]
fn a_failed_first_run_leaves_nothing_behind() {
    let place = Place::with_parts();
    let fails = |config: &str, words: &str| {
        place.write(config);
        let before = place.names();
        let output = place.run(words);
        assert_eq!(output.status.code(), Some(1), "{words}: {}", stderr(&output));
        assert_eq!(place.names(), before, "{words}: {}", stderr(&output));
        stderr(&output)
    };
    fails("seed: x\n", "run");
    fails("recsys_data: nowhere\n", "run --to features");
    assert_says(&fails("working_dir: deep/er/made\n", "features"), &["skimmer convert"]);
    fails("validation_part: nowhere\n", "run --to convert");
    assert_says(&fails("text: distilbert\n", "run"), &["distilbert.model"]);
    assert_says(&fails("", "evaluate --set validation_part=x"), &["is not there yet"]);
    assert_says(&fails("distilbert: {model: nowhere}\n", "run"), &["nowhere"]);
    let part = place.path("recsys_data/part-00001");
    let text = fs::read(&part).unwrap();
    fs::write(&part, [b"no record\n", &text[..]].concat()).unwrap();
    fs::remove_file(place.path("recsys_data/part-00000")).unwrap();
    assert_says(&fails("", "run --to similar"), &["part-00001:1:"]);
    // What was there before stays as it was.
    fs::create_dir(place.path("working_dir")).unwrap();
    fs::write(place.path("working_dir/notes"), "mine").unwrap();
    fails("", "run --to similar");
    assert_eq!(fs::read_dir(place.path("working_dir")).unwrap().count(), 1);
}

#[test]
fn stages_that_cannot_run_yet_name_the_one_to_run() {
    let place = Place::with_parts();
    place.write("validation_part: part-00001\n");
    assert_says(
        &place.refused("run --from similar --to features"),
        &["part-00000.skim is not there yet", "`skimmer convert`"],
    );
    success(place.run("convert"));
    assert_says(&place.refused("run --from features --to features"), &["similar.skim", "`skimmer similar`"]);
    assert_says(&place.refused("run --from train --to train"), &["features", "`skimmer features`"]);
    assert_says(&place.refused("run --from train --to convert"), &["comes after", "convert, similar, features"]);
    let output = place.run("run --from trian");
    assert_eq!(output.status.code(), Some(2));
    assert_says(
        &stderr(&output),
        &["trian", "convert", "similar", "features", "finetune", "embed", "sketch", "train", "evaluate"],
    );
}

#[test]
fn a_model_folder_without_safetensors_is_told_before_any_work() {
    let place = Place::with_parts();
    fs::create_dir(place.path("model")).unwrap();
    fs::write(place.path("model/config.json"), "{\"model_type\": \"distilbert\"}").unwrap();
    let files = [
        ("pytorch_model.bin", "safe_serialization"),
        ("tf_model.h5", "from_tf=True"),
        ("model.safetensors.index.json", "max_shard_size"),
    ];
    for (file, words) in files {
        let path = place.path("model").join(file);
        fs::write(&path, "weights").unwrap();
        place.write("validation_part: part-00001\ndistilbert: {model: model}\n");
        assert_says(&place.refused("run"), &["model", words]);
        place.write("validation_part: part-00001\ndistilbert: {model: model, finetune: {epochs: 1}}\n");
        assert_says(&place.refused("run"), &["model", words]);
        place.write(format!("validation_part: part-00001\ndistilbert: {{onnx: model/{file}}}\n"));
        place.refused("run");
        fs::remove_file(path).unwrap();
    }
    assert_eq!(place.names(), ["config.yaml", "model", "recsys_data"]);
}
