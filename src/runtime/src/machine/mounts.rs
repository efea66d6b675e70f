//! Mounted file systems: `/proc/self/mountinfo`.

use std::fs;
use std::path::{Path, PathBuf};

/// A mounted file system, or a piece of one.
pub(super) struct Mount {
    /// The folder of the file system that is mounted.
    pub(super) top: PathBuf,
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// The kind of the file system.
    pub(super) kind: String,
    /// The file system's options, separated by commas.
    pub(super) options: String,
}

/// Reads a list of mounts; lines that make no sense are passed over.
pub(super) fn parse(text: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (mount, system) = line.split_once(" - ")?;
        let (mut mount, mut system) = (mount.split(' ').skip(3), system.split(' '));
        let (top, point) = (unescaped(mount.next()?).into(), unescaped(mount.next()?).into());
        Some(Mount { top, point, kind: system.next()?.to_owned(), options: system.nth(1)?.to_owned() })
    };
    text.lines().filter_map(mount).collect()
}

/// Whether something is mounted at this path, so that it can neither be renamed nor be replaced.
pub fn is_mount_point(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    parse(&mounts).iter().any(|mount| mount.point == path)
}

/// Spaces and the like stand as `\040` in the list of mounts.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        match piece.split_at_checked(3).map(|(digits, rest)| (u8::from_str_radix(digits, 8), rest)) {
            Some((Ok(byte), rest)) => text + &char::from(byte).to_string() + rest,
            _ => text + "\\" + piece,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read() {
        let text =
            "36 35 98:0 /top /mnt/my\\040disk rw,noatime master:1 - ext4 /dev/root rw,errors=continue\nnonsense\n";
        let [mount] = &parse(text)[..] else { panic!("one mount") };
        assert_eq!((mount.top.as_path(), mount.point.as_path()), (Path::new("/top"), Path::new("/mnt/my disk")));
        assert_eq!((mount.kind.as_str(), mount.options.as_str()), ("ext4", "rw,errors=continue"));
        assert_eq!(unescaped("a\\b"), "a\\b");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mount_point_is_known() {
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(tempfile::tempdir().unwrap().path()) && !is_mount_point(Path::new("/no/such/place")));
    }
}
