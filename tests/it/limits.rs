//! On a machine that gives little, the program says one sentence or does its work with what there is.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::{demo, fixture, stderr, success};

/// Runs a line of the shell in which `$S` is the program, in a folder with a raw part, `raw`.
fn shell(folder: &Path, line: &str) -> Output {
    fs::copy(fixture("golden/small/raw/train/part-00000"), folder.join("raw")).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("S", env!("CARGO_BIN_EXE_skimmer")).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).output().unwrap()
}

/// What a line of the shell says that must fail, in one line.
#[track_caller]
fn refused(line: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = shell(folder.path(), line);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{line}: {said}");
    assert_eq!(said.lines().count(), 1, "{line}: {said}");
    assert!(said.starts_with("skimmer: "), "{line}: {said}");
    assert!(!folder.path().join("out").exists(), "{line}: left an output");
    said
}

#[test]
fn limits_are_called_by_their_names() {
    assert!(refused("ulimit -f 1; exec $S convert raw -o out").contains("ulimit -f"));
    let export = "$S convert raw -o part.skim --quiet; ulimit -n 4; exec $S export part.skim --to tsv -o out";
    assert!(refused(export).contains("ulimit -n"));
    // As many addresses as the program itself takes, and a little more, and a little more.
    let folder = tempfile::tempdir().unwrap();
    let size = fs::metadata(env!("CARGO_BIN_EXE_skimmer")).unwrap().len() / 1024;
    let mut outcomes = Vec::new();
    for more in [0, 2_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000] {
        let output = shell(folder.path(), &format!("ulimit -v {}; exec $S convert raw -o out", size + more));
        let said = stderr(&output);
        assert!(!said.contains("bug") && !said.contains("panicked"), "{more}: {said}");
        // Without a code, the system could not even load the program.
        outcomes.push(output.status.code());
    }
    assert!(outcomes.ends_with(&[Some(0)]), "{outcomes:?}");
}

#[test]
fn a_refused_thread_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let work = "$S convert raw -o all.skim --quiet --threads 4";
    success(shell(folder.path(), work));
    // No machine has addresses for such a stack, so no thread can be started.
    let output = shell(folder.path(), "RUST_MIN_STACK=1000000000000000 $S convert raw -o few.skim --threads 4");
    let output = success(output);
    assert!(stderr(&output).contains("the system refused"), "{output:?}");
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("all.skim") == read("few.skim"));
}

#[test]
fn results_are_not_lost_unseen() {
    for (line, said) in [
        ("$S convert raw -o part.skim --quiet && $S export part.skim --to tsv >&-", "standard output is closed"),
        ("$S convert raw -o part.skim --quiet && $S inspect part.skim >&-", "standard output is closed"),
        (
            "$S convert raw -o part.skim --quiet && exec $S inspect part.skim > /dev/full",
            "standard output: No space left",
        ),
        ("$S convert - -o out <&-", "standard input is empty"),
    ] {
        assert!(refused(line).contains(said), "{line}");
    }
    // Nobody to be told is no error, and no panic.
    let folder = tempfile::tempdir().unwrap();
    for quiet in ["2>&-", "2> /dev/full"] {
        success(shell(folder.path(), &format!("$S convert raw -o part.skim {quiet}")));
    }
}

#[test]
fn an_empty_input_is_no_prediction() {
    let model = demo().join("working_dir/model");
    let folder = tempfile::tempdir().unwrap();
    let predict = |options: &str| shell(folder.path(), &format!("$S predict --model {} {options}", model.display()));
    let refused = predict("< /dev/null");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("standard input is empty") && stderr(&refused).contains("--allow-empty"));
    let accepted = success(predict("--allow-empty < /dev/null"));
    assert!(accepted.stdout.is_empty() && stderr(&accepted).contains("standard input is empty"));
    let quiet = success(predict("--allow-empty --quiet < /dev/null"));
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
}
