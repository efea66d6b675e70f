//! Outputs never destroy anything: links, devices, pipes, inputs and permissions are respected.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::fs::{CWD, FileType, mknodat};

use crate::harness::{fixture, golden_lines, run, run_with_input, skimmer, stderr, success};

/// A folder with a raw part, `raw`, and the same converted, `part.skim`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::copy(fixture("golden/small/raw/train/part-00000"), folder.at("raw")).unwrap();
        success(folder.run("convert raw -o part.skim"));
        folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = skimmer();
        command.current_dir(self.0.path()).args(arguments.split(' ')).arg("--quiet");
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command says that must fail, in one line, and the names it left behind.
    #[track_caller]
    fn refused(&self, arguments: &str) -> String {
        let before = self.names();
        let output = self.run(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments}: {said}");
        assert_eq!(self.names(), before, "{arguments}: {said}");
        said
    }

    fn names(&self) -> Vec<PathBuf> {
        let mut names: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap()
    }
}

const WRITERS: [&str; 3] = ["convert raw", "export part.skim --to tsv", "export part.skim --to parquet"];

#[test]
fn a_symbolic_link_stays_and_its_target_is_replaced() {
    let folder = Folder::new();
    for writer in WRITERS {
        success(folder.run(&format!("{writer} -o expected")));
        fs::create_dir(folder.at("elsewhere")).unwrap();
        fs::write(folder.at("elsewhere/old"), "old").unwrap();
        for target in ["old", "new"] {
            symlink(Path::new("elsewhere").join(target), folder.at("link")).unwrap();
            success(folder.run(&format!("{writer} -o link")));
            assert!(folder.at("link").is_symlink(), "{writer}: the link is gone");
            assert!(folder.read(&format!("elsewhere/{target}")) == folder.read("expected"), "{writer}");
            fs::remove_file(folder.at("link")).unwrap();
        }
        assert_eq!(fs::read_dir(folder.at("elsewhere")).unwrap().count(), 2, "something is left over");
        fs::remove_dir_all(folder.at("elsewhere")).unwrap();
    }
    symlink("circle", folder.at("circle")).unwrap();
    assert!(folder.refused("convert raw -o circle").contains("circle"));
}

#[test]
fn pipes_and_devices_are_written_to() {
    let folder = Folder::new();
    for writer in WRITERS {
        success(folder.run(&format!("{writer} -o expected")));
        mknodat(CWD, folder.at("pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
        let child = folder.command(&format!("{writer} -o pipe")).spawn().unwrap();
        assert!(folder.read("pipe") == folder.read("expected"), "{writer}");
        success(child.wait_with_output().unwrap());
        assert!(fs::metadata(folder.at("pipe")).unwrap().file_type().is_fifo(), "{writer}: the pipe is gone");
        fs::remove_file(folder.at("pipe")).unwrap();

        for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            let piped = success(folder.run(&format!("{writer} -o {name}")));
            assert!(piped.stdout == folder.read("expected"), "{writer} -o {name}");
            let file = File::create(folder.at("redirected")).unwrap();
            success(folder.command(&format!("{writer} -o {name}")).stdout(file).output().unwrap());
            assert!(folder.read("redirected") == folder.read("expected"), "{writer} -o {name} > redirected");
        }
        // A link to a device of the system: only the link could be lost.
        symlink("/dev/null", folder.at("null")).unwrap();
        success(folder.run(&format!("{writer} -o null")));
        assert!(folder.at("null").is_symlink());
        fs::remove_file(folder.at("null")).unwrap();
        let full = folder.refused(&format!("{writer} -o /dev/full"));
        assert!(full.contains("/dev/full") && full.contains("No space left"), "{full}");
    }
    let exported = success(folder.run("export part.skim --to tsv -o -"));
    assert!(exported.stdout == folder.read("raw"));
    assert!(folder.refused("convert raw -o -").contains("/dev/stdout"));
}

#[test]
fn an_input_is_never_replaced() {
    let folder = Folder::new();
    let (raw, skim) = (folder.read("raw"), folder.read("part.skim"));
    symlink("raw", folder.at("soft")).unwrap();
    fs::hard_link(folder.at("raw"), folder.at("hard")).unwrap();
    fs::hard_link(folder.at("part.skim"), folder.at("hard.skim")).unwrap();
    fs::create_dir(folder.at("folder")).unwrap();
    symlink("../raw", folder.at("folder/part-7.skim")).unwrap();
    for command in [
        "convert raw -o raw",
        "convert raw -o soft",
        "convert soft -o ./raw",
        "convert raw -o hard",
        "convert raw part-7 -o folder",
        "export part.skim --to tsv -o part.skim",
        "export part.skim --to parquet -o hard.skim",
    ] {
        assert!(folder.refused(command).contains("also an input"), "{command}");
    }
    let stdin = File::open(folder.at("raw")).unwrap();
    let output = folder.command("convert - -o raw").stdin(stdin).output().unwrap();
    assert!(stderr(&output).contains("also an input"), "{output:?}");
    let stdout = File::options().append(true).open(folder.at("part.skim")).unwrap();
    let output = folder.command("export part.skim --to tsv").stdout(stdout).output().unwrap();
    assert!(stderr(&output).contains("also an input"), "{output:?}");
    assert!(folder.read("raw") == raw && folder.read("part.skim") == skim);
}

#[test]
fn a_configurations_parts_are_never_replaced() {
    let folder = Folder::new();
    fs::create_dir_all(folder.at("wd/parts")).unwrap();
    let raw = folder.at("wd/parts/part-00000.skim");
    fs::copy(folder.at("raw"), &raw).unwrap();
    fs::create_dir(folder.at("data")).unwrap();
    symlink(&raw, folder.at("data/part-00000")).unwrap();
    fs::write(folder.at("config.yaml"), "working_dir: wd\nrecsys_data: data\n").unwrap();
    let said = folder.refused("convert");
    assert!(said.contains("also an input"), "{said}");
    assert!(fs::read(raw).unwrap() == folder.read("raw"));
}

#[test]
fn permissions_are_kept_and_protection_is_respected() {
    let folder = Folder::new();
    let out = folder.at("out");
    for mode in [0o600, 0o644] {
        fs::write(&out, "old").unwrap();
        fs::set_permissions(&out, Permissions::from_mode(mode)).unwrap();
        success(folder.run("convert raw -o out"));
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, mode);
        assert!(folder.read("out") == folder.read("part.skim"));
    }
    // Root may write anywhere: as somebody else, if this is root.
    let Some(folder) = Unprivileged::new() else { return };
    fs::write(folder.folder.at("protected"), "mine").unwrap();
    fs::set_permissions(folder.folder.at("protected"), Permissions::from_mode(0o444)).unwrap();
    let said = folder.refused("convert raw -o protected");
    assert!(said.contains("protected: cannot write there: it is write-protected"), "{said}");
    assert_eq!(folder.folder.read("protected"), b"mine");
    fs::set_permissions(folder.folder.0.path(), Permissions::from_mode(0o555)).unwrap();
    let said = folder.refused("convert raw -o out");
    assert!(said.contains("cannot make a file in this folder: Permission denied"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_at_once() {
    let Some(unprivileged) = Unprivileged::new() else { return };
    let folder = &unprivileged.folder;
    fs::create_dir(folder.at("data")).unwrap();
    fs::copy(folder.at("raw"), folder.at("data/part-00000")).unwrap();
    fs::write(folder.at("config.yaml"), "working_dir: wd\nrecsys_data: data\n").unwrap();
    for unwritable in ["wd", "wd/counts"] {
        fs::create_dir_all(folder.at(unwritable)).unwrap();
        fs::set_permissions(folder.at("wd"), Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(folder.at(unwritable), Permissions::from_mode(0o555)).unwrap();
        let said = unprivileged.refused("run --to convert");
        assert!(said.contains(unwritable) && said.contains("Permission denied"), "{said}");
        assert!(!folder.at("wd/parts").exists(), "there was work before");
    }
}

#[test]
fn one_writer_at_a_time() {
    let folder = Folder::new();
    mknodat(CWD, folder.at("slow"), FileType::Fifo, 0o600.into(), 0).unwrap();
    // The first writer waits for its input, its output begun.
    let mut first = folder.command("convert - -o out").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = first.stdin.take().unwrap();
    let lines = golden_lines("train/part-00000", 100).concat();
    let feeder = std::thread::spawn(move || {
        use std::io::Write;
        // Two blocks, so that one is written while the other is awaited.
        (0..700).try_for_each(|_| input.write_all(&lines)).map(|()| input)
    });
    while !folder.at(".unfinished-out").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended without an output");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = folder.run("convert raw -o out");
    assert!(stderr(&second).contains("out: is being written by another program"), "{second:?}");
    drop(feeder.join().unwrap().unwrap());
    assert!(first.wait().unwrap().success());
    success(folder.run("convert raw -o out"));
    // What a killed process left is in nobody's way.
    fs::write(folder.at(".unfinished-out"), "half of it").unwrap();
    success(folder.run("convert raw -o out"));
    assert!(folder.read("out") == folder.read("part.skim") && !folder.at(".unfinished-out").exists());
}

#[test]
fn a_working_directory_of_links_keeps_them() {
    let folder = Folder::new();
    fs::create_dir(folder.at("data")).unwrap();
    fs::copy(folder.at("raw"), folder.at("data/part-00000")).unwrap();
    fs::create_dir_all(folder.at("disk/parts")).unwrap();
    fs::create_dir(folder.at("real")).unwrap();
    symlink("real", folder.at("wd")).unwrap();
    symlink("../disk/parts", folder.at("real/parts")).unwrap();
    fs::write(folder.at("config.yaml"), "working_dir: wd\nrecsys_data: data\n").unwrap();
    for _ in 0..2 {
        success(folder.run("convert --force"));
        assert!(folder.at("wd").is_symlink() && folder.at("real/parts").is_symlink());
        assert!(folder.read("disk/parts/part-00000.skim") == folder.read("part.skim"));
    }
}

#[test]
fn empty_input_is_told() {
    let output = run_with_input(["convert", "-", "-o", "never-made.skim"], b"");
    assert!(!output.status.success() && stderr(&output).contains("standard input is empty"), "{output:?}");
    assert!(!Path::new("never-made.skim").exists());
    assert!(run(["predict", "--help"]).stdout.windows(13).any(|text| text == b"--allow-empty"));
}

/// Runs the program as a user whom permissions hold for.
struct Unprivileged {
    folder: Folder,
    program: PathBuf,
}

impl Unprivileged {
    /// `None`, with the reason printed, where nobody else can be.
    fn new() -> Option<Self> {
        let folder = Folder::new();
        fs::set_permissions(folder.0.path(), Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(folder.at("raw"), Permissions::from_mode(0o644)).unwrap();
        // The build's folder may not be open to others.
        let program = folder.at("skimmer");
        if fs::hard_link(env!("CARGO_BIN_EXE_skimmer"), &program).is_err() {
            fs::copy(env!("CARGO_BIN_EXE_skimmer"), &program).unwrap();
        }
        let unprivileged = Self { folder, program };
        match unprivileged.command("--version").output() {
            Ok(output) if output.status.success() => Some(unprivileged),
            other => {
                println!("skipped: cannot run as another user: {other:?}");
                None
            }
        }
    }

    fn command(&self, arguments: &str) -> Command {
        use std::os::unix::process::CommandExt;

        let mut command = Command::new(&self.program);
        command.env_remove("RUST_LOG").stdin(Stdio::null()).current_dir(self.folder.0.path());
        command.args(arguments.split(' ')).arg("--quiet");
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        command
    }

    #[track_caller]
    fn refused(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments}: {said}");
        said
    }
}

impl Drop for Unprivileged {
    fn drop(&mut self) {
        // So that the folder can be removed.
        let _ = fs::set_permissions(self.folder.0.path(), Permissions::from_mode(0o777));
    }
}
