//! A file that is cut short while it is in use ends the program with its name, never with a signal, and nothing made of
//! what was no longer there comes out.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::{CWD, FileType, mknodat};

use crate::harness::{demo, files, fixture, golden_lines, run, skimmer, stderr, success};

/// Cuts a file to so many bytes.
fn cut(path: &Path, bytes: u64) {
    File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

/// A raw part of two blocks, the first of which becomes more than a pipe holds.
fn long_part(path: &Path) {
    let lines = golden_lines("train/part-00000", 5_000).concat();
    let mut file = File::create(path).unwrap();
    (0..14).for_each(|_| file.write_all(&lines).unwrap());
}

/// Starts the program with its output into a pipe, waits for the first bytes to come, cuts `input`, and gives what the
/// program then said. It cannot have read all: the pipe holds less than what it makes of the first block.
fn cut_meanwhile(command: &mut Command, folder: &Path, input: &Path, bytes: u64) -> String {
    let pipe = folder.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
    let child: Child = command.arg("-o").arg(&pipe).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = File::open(&pipe).unwrap();
    out.read_exact(&mut [0; 8]).unwrap();
    cut(input, bytes);
    out.read_to_end(&mut Vec::new()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    fs::remove_file(&pipe).unwrap();
    stderr(&output)
}

#[test]
fn a_raw_part_and_a_skim_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    long_part(&at("whole"));
    success(run([Path::new("convert"), &at("whole"), Path::new("-o"), &at("whole.skim")]));

    fs::copy(at("whole"), at("raw")).unwrap();
    let length = fs::metadata(at("raw")).unwrap().len();
    let mut convert = skimmer();
    convert.arg("convert").arg(at("raw")).args(["--threads", "1", "--quiet"]);
    let said = cut_meanwhile(&mut convert, folder.path(), &at("raw"), length - 1);
    assert!(said.contains("raw became shorter while it was read"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    fs::copy(at("whole.skim"), at("columns.skim")).unwrap();
    let mut export = skimmer();
    export.arg("export").arg(at("columns.skim")).args(["--to", "tsv", "--quiet"]);
    let said = cut_meanwhile(&mut export, folder.path(), &at("columns.skim"), 4096);
    assert!(said.contains("columns.skim became shorter while it was read"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn every_file_of_a_model_in_use() {
    let test = fs::read(fixture("golden/small/raw/test/part-00000")).unwrap();
    let mut records = test.split_inclusive(|&byte| byte == b'\n');
    let (first, second) = (records.next().unwrap(), records.next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let all = files(&demo().join("working_dir/model"));
    let mapped = all.keys().filter(|name| name.starts_with("counts") || name.ends_with("network.f32"));
    assert!(mapped.clone().count() > 2);
    for name in mapped {
        let model = folder.path().join("model");
        for (name, bytes) in &all {
            fs::create_dir_all(model.join(name).parent().unwrap()).unwrap();
            fs::write(model.join(name), bytes).unwrap();
        }
        let mut command = skimmer();
        command.args(["predict", "--quiet", "--model"]).arg(&model);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        input.write_all(first).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.matches(',').count(), 5, "{line}");
        cut(&model.join(name), all[name].len() as u64 / 2);
        input.write_all(second).unwrap();
        drop(input);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "a prediction from what is no longer there: {}", name.display());
        let ended = child.wait_with_output().unwrap();
        let said = stderr(&ended);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let name = name.to_str().unwrap();
        assert!(said.contains(&format!("{name} became shorter while it was read")), "{name}: {said}");
        fs::remove_dir_all(&model).unwrap();
    }
}
