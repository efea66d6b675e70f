//! Runs the binary on small data.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

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

/// A folder in which the demo has run, made once for all tests. Tests only read it.
pub(crate) fn demo() -> &'static Path {
    static DEMO: OnceLock<PathBuf> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let arguments = ["demo", "--quiet", "--rows", "12000", "--out"].map(Path::new);
        let output = success(run(arguments.into_iter().chain([folder.as_path()])));
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(table.contains("RCE") && table.contains("predictions.csv"), "{table}");
        folder
    })
}

/// Every file below a folder, by its path there.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    all
}
