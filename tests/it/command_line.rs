//! What a user types and reads: help, wrong usage, completions, manual pages, and outputs that take nothing.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::harness::{fixture, run, skimmer, stderr, success};

/// Every command there is.
pub(crate) const COMMANDS: [&str; 22] = [
    "demo",
    "synth",
    "init",
    "convert",
    "import",
    "inspect",
    "export",
    "export-features",
    "similar",
    "features",
    "finetune",
    "embed",
    "sketch",
    "train",
    "evaluate",
    "run",
    "plan",
    "predict",
    "refresh",
    "report",
    "completions",
    "man",
];

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn part() -> String {
    fixture("part-v1.skim").display().to_string()
}

/// Lines that are too wide and could have been broken.
fn too_wide(text: &str, width: usize) -> Vec<&str> {
    let breaks = |line: &str| line.trim_start().contains(' ');
    text.lines().filter(|line| line.chars().count() > width && breaks(line)).collect()
}

#[test]
fn every_command_has_help_with_an_example_that_fits_the_terminal() {
    let listed = stdout(&success(run(["--help"])));
    for command in COMMANDS {
        assert!(
            listed.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))),
            "{command}: {listed}"
        );
        for width in ["60", "80"] {
            let output = success(skimmer().env("COLUMNS", width).args([command, "--help"]).output().unwrap());
            let help = stdout(&output);
            let wide = too_wide(&help, width.parse().unwrap());
            assert!(wide.is_empty(), "{command} at {width}: {wide:#?}");
            let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{command}: no example"));
            assert!(examples.contains(&format!("skimmer {command}")), "{command}: {examples}");
            let (_, global) = help.split_once("\nGlobal options:\n").unwrap_or_else(|| panic!("{command}: {help}"));
            assert!(["--config", "--json", "--quiet", "--verbose"].iter().all(|option| global.contains(option)));
        }
        let short = stdout(&success(skimmer().env("COLUMNS", "60").args([command, "-h"]).output().unwrap()));
        assert_eq!(too_wide(&short, 60), [""; 0], "{command}");
        assert_eq!(stdout(&success(run(["help", command]))), stdout(&success(run([command, "--help"]))), "{command}");
    }
}

#[test]
fn no_command_is_missing_from_the_tests() {
    let help = stdout(&success(run(["-h"])));
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let mut names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    names.retain(|name| *name != "help");
    // Others may be added; whoever adds one lists it here, so that its help, its JSON and its outputs are tried.
    assert_eq!(names, COMMANDS);
}

#[test]
fn help_lists_what_options_take_and_the_exit_codes() {
    for (command, values) in [
        ("run", "convert, similar, features, finetune, embed, sketch, train, evaluate"),
        ("export", "tsv parquet"),
        ("export-features", "parquet arrow npy train finetune holdout"),
        ("predict", "f32 bf16 int8 stop skip"),
        ("embed", "auto onnxruntime tract"),
        ("completions", "bash, elvish, fish, powershell, zsh"),
    ] {
        let help = stdout(&success(run([command, "--help"])));
        for value in values.split([',', ' ']).filter(|value| !value.is_empty()) {
            assert!(help.contains(value), "{command} lacks {value}: {help}");
        }
        assert!(help.to_lowercase().contains("possible values"), "{command}: {help}");
    }
    let help = stdout(&success(run(["--help"])));
    for code in ["0 ", "1 ", "2 ", "130 "] {
        assert!(help.split_once("Exit codes:\n").unwrap().1.contains(&format!("\n  {code}")) || code == "0 ", "{code}");
    }
}

#[test]
fn without_a_command_there_is_help_and_a_wrong_one_is_corrected() {
    let output = run([""; 0]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Commands:") && output.stdout.is_empty(), "{}", stderr(&output));
    let output = run(["inspct"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("'inspect'"), "{}", stderr(&output));
    assert_eq!(stdout(&success(run(["--version"]))), format!("skimmer {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn numbers_that_make_no_sense_are_refused_with_a_sentence() {
    let cases: [(&[&str], &str); 12] = [
        (&["predict", "--model", "m", "--threads", "0"], "a whole number from 1 to 1,024"),
        (&["predict", "--model", "m", "--batch", "-4"], "a whole number of at least 1"),
        (&["predict", "--model", "m", "--batch", "1.5"], "a whole number of at least 1"),
        (&["synth", "--out", "o", "--rows", "0"], "a whole number from 1 to"),
        (&["synth", "--out", "o", "--valid-rows", "-1"], "a whole number from 0 to"),
        (&["synth", "--out", "o", "--seed", "x"], "a whole number of at least 0"),
        (&["demo", "--rows", "999"], "a whole number from 1,000 to"),
        (&["embed", "--threads", "0"], "a whole number from 1 to 1,024"),
        (&["finetune", "--max-steps", "0"], "a whole number of at least 1"),
        (&["convert", "p", "--threads", "-2"], "a whole number from 1 to 1,024"),
        (&["inspect", "p", "--rows", "-2"], "a whole number of at least 0"),
        (&["plan", "--seconds", "-2"], "a number of seconds from 1 to 1,000,000"),
    ];
    for (arguments, words) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(&format!("must be {words}")), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_file_may_have_a_name_that_begins_with_a_dash() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("part-v1.skim"), folder.path().join("-1.skim")).unwrap();
    let here = |arguments: &[&str]| skimmer().current_dir(folder.path()).args(arguments).output().unwrap();
    success(here(&["inspect", "--", "-1.skim"]));
    success(here(&["inspect", "./-1.skim"]));
    success(here(&["export", "--to", "tsv", "--output=-raw", "--", "-1.skim"]));
    success(here(&["convert", "-o", "./-x.skim", "--", "-raw"]));
    assert!(folder.path().join("-x.skim").exists());
    let output = here(&["export", "./-1.skim", "--to", "tsv", "-o", "-x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("written ./-name"), "{}", stderr(&output));
}

#[test]
fn shells_complete_and_man_has_a_page_a_command() {
    for (shell, words) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef skimmer"),
        ("fish", "complete -c skimmer"),
        ("elvish", "skimmer;predict"),
    ] {
        let script = stdout(&success(run(["completions", shell])));
        assert!(script.contains(words) && script.contains("bf16"), "{shell}: {script}");
    }
    assert!(stdout(&success(run(["completions", "powershell"]))).contains("Register-ArgumentCompleter"));
    let output = run(["completions", "bash", "--json"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{}", stderr(&output));

    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    success(run([Path::new("man"), &pages]));
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("skimmer.1").contains(".TH skimmer 1") && page("skimmer.1").contains("Exit codes"));
    for command in COMMANDS {
        let text = page(&format!("skimmer-{command}.1"));
        assert!(text.contains(&format!(".TH skimmer-{command} 1")) && text.contains("Examples:"), "{command}: {text}");
        assert!(text.contains("json"), "{command}: {text}");
    }
    assert_eq!(fs::read_dir(&pages).unwrap().count(), 1 + COMMANDS.len());
}

/// Commands that write to standard output and need nothing but the fixtures.
fn talkative() -> Vec<Vec<String>> {
    let part = part();
    let lines = [
        "--help".to_owned(),
        "-h".into(),
        "--version".into(),
        "help".into(),
        "help predict".into(),
        "run --help".into(),
        "completions bash".into(),
        "completions zsh".into(),
        format!("inspect {part}"),
        format!("inspect {part} --rows 300"),
        format!("inspect {part} --encodings"),
        format!("inspect {part} --json"),
        format!("inspect {part} --json --rows 300"),
        format!("export {part} --to tsv"),
        format!("export {part} --to tsv --json"),
        format!("export {part} --to tsv --columns tweet,reader"),
    ];
    lines.into_iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn an_output_that_nobody_reads_ends_quietly() {
    for arguments in talkative() {
        let mut child = skimmer().args(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_said() {
    for arguments in talkative() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = skimmer().args(&arguments).stdout(full).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output: No space left on device") && said.lines().count() == 1, "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_no_error_can_be_told_the_exit_code_still_is() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (arguments, code) in [(&["frobnicate"][..], 2), (&["inspect", "/nowhere.skim"], 1), (&["inspect"], 2)] {
        assert_eq!(skimmer().args(arguments).stderr(full()).status().unwrap().code(), Some(code), "{arguments:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let raw = fixture("golden/small/raw/train/part-00000");
    let out = folder.path().join("part.skim");
    let arguments = [Path::new("convert"), &raw, Path::new("-o"), &out];
    assert!(skimmer().args(arguments).stderr(full()).status().unwrap().success());
}

#[test]
fn inspect_fits_and_says_what_is_no_skim_file() {
    let text = stdout(&success(run(["inspect", &part()])));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains("zstd") && text.contains("23 kB"), "{text}");
    let text = stdout(&success(run(["inspect", &part(), "--encodings"])));
    assert!(text.contains("zstd"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("part-00000.skim");
    fs::write(&packed, zstd::encode_all(&b"text"[..], 1).unwrap()).unwrap();
    let cases = [
        (fixture("golden/small/raw/train/part-00000"), "a raw part of 24 fields"),
        (fixture("tiny-distilbert/expected_hidden_states.npy"), "a numpy array of float32"),
        (fixture("tiny-distilbert/model.safetensors"), "tensors"),
        (fixture("tiny-distilbert/model.onnx"), "ONNX"),
        (fixture("tiny-distilbert"), "a folder with a text model"),
        (folder.path().to_owned(), "a folder"),
        (packed, "packed with zstd"),
    ];
    for (path, words) in cases {
        for command in [&["inspect"][..], &["export", "--to", "tsv"]] {
            let output = skimmer().args(command).arg(&path).output().unwrap();
            let said = stderr(&output);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
            assert!(said.contains(&format!("{}: not a .skim file, but", path.display())), "{said}");
            assert!(said.contains(words) && said.lines().count() == 1, "{words}: {said}");
        }
    }
}

#[test]
fn a_log_line_in_a_file_has_the_time_to_the_second_and_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let raw = fixture("golden/small/raw/train");
    fs::write(&config, format!("working_dir: work\nrecsys_data: {}\nvalidation_part: null\n", raw.display())).unwrap();
    let convert = |more: &[&str]| {
        let config = config.to_str().unwrap();
        let arguments = ["convert", "--force", "--config", config].into_iter().chain(more.iter().copied());
        stderr(&success(skimmer().args(arguments).env_remove("SKIMMER_LOG").output().unwrap()))
    };
    let is_time = |text: &str| {
        text.len() == 19 && text.chars().filter(|digit| !"-: ".contains(*digit)).all(|c| c.is_ascii_digit())
    };
    let said = convert(&[]);
    assert!(!said.is_empty() && !said.contains('\x1b') && !said.contains("INFO"), "{said}");
    for line in said.lines() {
        assert!(is_time(&line[..19]) && line[19..].starts_with(" convert part-"), "{line}");
    }
    assert!(said.contains("MB (ran because: "), "{said}");
    assert_eq!(convert(&["--quiet"]), "");
    let said = convert(&["-v"]);
    assert!(said.contains(" INFO skimmer") && said.contains("DEBUG"), "{said}");
    let arguments = ["convert", "--force", "--config", config.to_str().unwrap()];
    let said = stderr(&success(skimmer().args(arguments).env("SKIMMER_LOG", "warn").output().unwrap()));
    assert_eq!(said, "");
    let said = stderr(&success(skimmer().args(arguments).env("RUST_LOG", "debug").output().unwrap()));
    assert!(said.contains("debug: "), "{said}");
}
