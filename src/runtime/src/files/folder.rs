//! Folders that appear under their name when they are complete.

use std::fs;
use std::path::{Path, PathBuf};

use super::atomic::sync;
use super::temporary::folder_of;
use super::{FileError, entries, remove_if_there, target, temporary};
use crate::machine;

/// A folder being filled; nothing changes under its final name before [`AtomicFolder::commit`]. Dropped without it,
/// what was put into it is removed. A symbolic link to the folder is followed and stays.
#[derive(Debug)]
pub struct AtomicFolder {
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFolder {
    /// Starts filling the folder that is to stand at `path`, making the folder above if need be.
    ///
    /// # Errors
    /// [`FileError::NoOutput`] for a path where no folder can be replaced; [`FileError::Io`] if the folder cannot
    /// be made, or what a killed process left there cannot be removed.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        ensure_replaceable(path)?;
        let target = target::behind_links(path)?;
        let temporary = clear(&target)?;
        fs::create_dir_all(&temporary).map_err(FileError::io("make the folder", path))?;
        Ok(Self { temporary, path: target })
    }

    /// The folder to put things into; its name will be another.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs everything in the folder and gives it its final name, in place of the folder that stood there.
    ///
    /// # Errors
    /// [`FileError::Io`]; then what stood under the final name stands there still.
    pub fn commit(self) -> Result<(), FileError> {
        sync_all(&self.temporary)?;
        if exchange(&self.temporary, &self.path) {
            sync(folder_of(&self.path))?;
            return remove_if_there(&self.temporary);
        }
        // A folder cannot be renamed onto one that is not empty: the old one steps aside first. Should this process be
        // killed in between, it comes back when the next one clears up.
        let replaced = temporary::replaced(&self.path);
        let replaces = self.path.exists();
        if replaces {
            fs::rename(&self.path, &replaced).map_err(FileError::io("replace", &self.path))?;
        }
        if let Err(source) = fs::rename(&self.temporary, &self.path) {
            if replaces {
                // The error above is the one to report.
                let _ = fs::rename(&replaced, &self.path);
            }
            return Err(FileError::io("finish", &self.path)(source));
        }
        sync(folder_of(&self.path))?;
        remove_if_there(&replaced)
    }
}

impl Drop for AtomicFolder {
    fn drop(&mut self) {
        // Gone already if it got its final name.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

/// Lets two folders change places at once, so that neither name is ever free; `false` where one is not there or the
/// system cannot do that.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> bool {
    false
}

/// Refuses a path where no folder can take another's place: to be asked before hours of work.
///
/// # Errors
/// [`FileError::NoOutput`] for a mount point, which has to stay where it is, and for anything that is no folder.
pub fn ensure_replaceable(path: &Path) -> Result<(), FileError> {
    let target = target::behind_links(path)?;
    let refuse = |problem| Err(FileError::NoOutput { path: path.to_owned(), problem });
    if target.exists() && !target.is_dir() {
        return refuse("a folder is to stand there, and something else does: move it away");
    }
    match machine::is_mount_point(&target) {
        true => refuse("it is a mount point, which cannot be replaced: mount the folder above it, or a link's target"),
        false => Ok(()),
    }
}

/// Removes what a killed process left of the folder at `target`, or gives the folder its name back that had stepped
/// aside. Gives the temporary name.
fn clear(target: &Path) -> Result<PathBuf, FileError> {
    let unfinished = temporary::unfinished(target);
    temporary::clear_leftover(&unfinished)?;
    temporary::clear_leftover(&temporary::replaced(target))?;
    Ok(unfinished)
}

/// Removes what a killed process left of a folder, beside it or beside the folder that it links to.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove_leftovers(folder: &Path) -> Result<(), FileError> {
    clear(&target::behind_links(folder)?).map(drop)
}

/// Syncs a folder and everything in it.
fn sync_all(folder: &Path) -> Result<(), FileError> {
    for path in entries(folder)? {
        if path.is_dir() { sync_all(&path)? } else { sync(&path)? }
    }
    sync(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_another_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/model");
        let fill = |text: &str| {
            let new = AtomicFolder::create(&path).unwrap();
            fs::create_dir(new.temporary().join("counts")).unwrap();
            fs::write(new.temporary().join("counts/pair"), text).unwrap();
            new
        };
        let held = || fs::read_to_string(path.join("counts/pair")).unwrap();
        let first = fill("first");
        assert!(!path.exists());
        first.commit().unwrap();
        drop(fill("given up"));
        assert_eq!(held(), "first");
        fill("second").commit().unwrap();
        assert_eq!(held(), "second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

        // Killed after the old folder stepped aside: it comes back. Killed after the new one came: the old one goes.
        fs::rename(&path, temporary::replaced(&path)).unwrap();
        std::mem::forget(fill("never finished"));
        drop(AtomicFolder::create(&path).unwrap());
        assert_eq!(held(), "second");
        fs::create_dir(temporary::replaced(&path)).unwrap();
        drop(AtomicFolder::create(&path).unwrap());
        assert_eq!(held(), "second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn there_is_a_folder_at_every_moment() {
        use std::sync::atomic::{AtomicBool, Ordering};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let replace = || {
            let new = AtomicFolder::create(&path).unwrap();
            fs::write(new.temporary().join("weights"), "whole").unwrap();
            new.commit().unwrap();
        };
        replace();
        let done = AtomicBool::new(false);
        let read = || {
            while !done.load(Ordering::Relaxed) {
                assert!(path.is_dir());
            }
        };
        std::thread::scope(|scope| {
            let reader = scope.spawn(read);
            (0..50).for_each(|_| replace());
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_folder_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("disk/model")).unwrap();
        fs::write(at("disk/model/old"), "").unwrap();
        std::os::unix::fs::symlink("disk/model", at("model")).unwrap();
        let new = AtomicFolder::create(&at("model")).unwrap();
        fs::write(new.temporary().join("new"), "").unwrap();
        new.commit().unwrap();
        assert!(at("model").is_symlink());
        assert_eq!(entries(&at("disk/model")).unwrap(), [at("disk/model/new")]);
        assert_eq!((fs::read_dir(folder.path()).unwrap().count(), fs::read_dir(at("disk")).unwrap().count()), (2, 1));
    }

    #[test]
    fn what_is_no_folder_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "a file").unwrap();
        assert!(AtomicFolder::create(&path).unwrap_err().to_string().contains("something else does"));
        #[cfg(target_os = "linux")]
        assert!(AtomicFolder::create(Path::new("/proc")).unwrap_err().to_string().contains("mount point"));
    }
}
