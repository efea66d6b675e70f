//! On a full disk a run ends with one sentence and damages nothing, and goes on once there is room.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{demo, files, run, stderr, success};

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with the reason printed, where this user may not mount.
    fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "skimmer-test"])
            .arg(folder.path())
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        if output.status.success() {
            return Some(Self(folder));
        }
        let reason = stderr(&output);
        let forbidden = ["permission denied", "superuser", "not permitted"];
        assert!(forbidden.iter().any(|word| reason.to_lowercase().contains(word)), "{reason}");
        println!("skipped: mounting is not permitted here: {reason}");
        None
    }

    fn resize(&self, bytes: u64) {
        let options = format!("remount,size={bytes}");
        success(Command::new("mount").args(["-o", &options]).arg(self.0.path()).output().unwrap());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a failing test may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Every artefact but those that say when and how long.
fn artefacts(working_dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(working_dir);
    files.remove(Path::new("manifest.json"));
    files.remove(Path::new("report.html"));
    files.remove(Path::new(".lock"));
    files
}

/// What the artefacts under some names take on the disk.
fn room(artefacts: &BTreeMap<PathBuf, Vec<u8>>, wanted: impl Fn(&Path) -> bool) -> u64 {
    let sizes = artefacts.iter().filter(|(name, _)| wanted(name)).map(|(_, bytes)| bytes.len() as u64);
    sizes.map(|bytes| bytes.next_multiple_of(4096)).sum()
}

#[test]
fn a_full_disk_is_said_and_damages_nothing() {
    let expected = artefacts(&demo().join("working_dir"));
    let part_of = |folders: &'static [&str]| {
        let of = move |name: &Path| folders.iter().any(|folder| name.starts_with(folder));
        room(&expected, of)
    };
    let parts = part_of(&["parts"]);
    let counted = part_of(&["features", "counts"]);
    let all = room(&expected, |_| true);
    let model = part_of(&["model"]);
    let Some(disk) = SmallDisk::mount(parts / 2) else { return };

    let folder = tempfile::tempdir().unwrap();
    let working_dir = disk.0.path().join("working_dir");
    let config = folder.path().join("config.yaml");
    let text = fs::read_to_string(demo().join("config.yaml")).unwrap();
    let text = text
        .replace("working_dir: working_dir", &format!("working_dir: {}", working_dir.display()))
        .replace("recsys_data/", &format!("{}/recsys_data/", demo().display()));
    fs::write(&config, text).unwrap();
    let arguments = [Path::new("run"), Path::new("--quiet"), Path::new("--config"), &config];

    let full = [
        // A part is noted in the manifest while the next one fills the disk: either may find it full.
        (parts / 2, &["parts/", "manifest.json"][..]),
        (parts + counted / 2, &["features/", "counts/"]),
        (all - model / 2, &["model/", "checkpoint/"]),
    ];
    for (bytes, wanted) in full {
        if bytes > parts {
            // A part that the full manifest does not know of is converted again while it stands there: the parts first.
            disk.resize(2 * all);
            success(run(arguments.into_iter().chain(["--to", "convert"].map(Path::new))));
        }
        disk.resize(bytes);
        let output = run(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("skimmer: ") && said.contains("No space left on device"), "{said}");
        let names = |folder: &&str| said.contains(working_dir.to_str().unwrap()) && said.contains(*folder);
        assert!(wanted.iter().any(names), "names no file in {wanted:?}: {said}");
        // What stands there is whole, and nothing else stands there.
        assert!(!working_dir.join("scratch").exists());
        for (name, bytes) in artefacts(&working_dir) {
            assert!(expected.get(&name) == Some(&bytes), "{} is left over or damaged", name.display());
        }
    }
    disk.resize(2 * all);
    success(run(arguments));
    let found = artefacts(&working_dir);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &expected {
        assert!(*bytes == found[name], "{} differs", name.display());
    }
}
