//! Runs the binary on small data.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary under test.
pub(crate) fn skimmer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skimmer"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs the binary with these arguments.
pub(crate) fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Output {
    skimmer().args(arguments).output().unwrap()
}

/// Runs the binary with these arguments and this standard input.
pub(crate) fn run_with_input<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I, input: &[u8]) -> Output {
    let mut child =
        skimmer().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A child that ends early closes its end of the pipe; that is for the test to judge, not an error here.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The output of a run that must have succeeded.
#[track_caller]
pub(crate) fn success(output: Output) -> Output {
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

/// A file of the repository's fixtures.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// The first lines of a golden raw part.
pub(crate) fn golden_lines(part: &str, lines: usize) -> Vec<Vec<u8>> {
    let text = std::fs::read(fixture("golden/small/raw").join(part)).unwrap();
    text.split_inclusive(|&byte| byte == b'\n').take(lines).map(<[u8]>::to_vec).collect()
}
