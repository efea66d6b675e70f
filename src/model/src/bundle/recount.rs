//! Gives a model other counts: what an operator does daily, without training.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use skimlog_runtime::files::{AtomicFolder, FileError, entries};

use super::write::{at, collect, write_manifest};
use super::{Bundle, BundleError, COUNTS_FOLDER, MANIFEST, Origin, Verify};

/// A model whose count tables and similar authors are being replaced. The new folder takes the old one's place when it
/// is whole; until then, and after an interruption, the old model is as it was. No file is written to in place: whoever
/// has mapped the old ones goes on reading them.
#[derive(Debug)]
pub struct Recount {
    bundle: Bundle,
    folder: AtomicFolder,
    counts: PathBuf,
    // The system gives the lock back when the process ends, however it ends.
    _lock: File,
}

impl Recount {
    /// Opens the model and begins its successor; what an interrupted one left beside it is removed.
    ///
    /// # Errors
    /// [`BundleError`] if there is no model, it was made by another version, a file is missing or cut short, or another
    /// process is at it.
    pub fn begin(model: &Path) -> Result<Self, BundleError> {
        let bundle = Bundle::open(model, Verify::Sizes)?;
        let lock = lock(&model.join(MANIFEST))?;
        let folder = AtomicFolder::create(model)?;
        let counts = folder.temporary().join(COUNTS_FOLDER);
        at(&counts, fs::create_dir_all(&counts))?;
        Ok(Self { bundle, folder, counts, _lock: lock })
    }

    /// The model as it is.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The folder to write the new count tables and similar authors to.
    pub fn counts(&self) -> &Path {
        &self.counts
    }

    /// Takes everything else over and puts the new model in the old one's place. Says whether anything has changed;
    /// where nothing has, the old model stays.
    ///
    /// # Errors
    /// [`BundleError::File`] or [`BundleError::Workspace`]; the old model is still there then.
    pub fn finish(self, origin: Origin) -> Result<bool, BundleError> {
        let mut manifest = self.bundle.manifest.clone();
        manifest.files.retain(|name, _| !Path::new(name).starts_with(COUNTS_FOLDER));
        collect(&self.counts, &format!("{COUNTS_FOLDER}/"), &mut manifest.files)?;
        manifest.origin = Some(origin);
        if manifest == self.bundle.manifest {
            return Ok(false);
        }
        let replaced = |path: &Path| path.ends_with(MANIFEST) || path.ends_with(COUNTS_FOLDER);
        for path in entries(&self.bundle.directory)?.iter().filter(|path| !replaced(path)) {
            take_over(path, self.folder.temporary())?;
        }
        write_manifest(&self.folder.temporary().join(MANIFEST), &manifest)?;
        self.folder.commit()?;
        Ok(true)
    }
}

/// Locks a file, which is not written to. A file system without locks gives none to anybody.
fn lock(path: &Path) -> Result<File, BundleError> {
    let file = at(path, File::open(path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(FileError::Busy { path: path.to_owned() }.into()),
        _ => Ok(file),
    }
}

/// Gives a file, or every file of a folder, a second name in `folder`; a copy where that cannot be.
fn take_over(path: &Path, folder: &Path) -> Result<(), BundleError> {
    let Some(name) = path.file_name() else { return Ok(()) };
    let target = folder.join(name);
    if path.is_dir() {
        at(&target, fs::create_dir_all(&target))?;
        return entries(path)?.iter().try_for_each(|path| take_over(path, &target));
    }
    // A link's target may be named from where the link stands.
    let linked = !path.is_symlink() && fs::hard_link(path, &target).is_ok();
    if linked { Ok(()) } else { at(path, fs::copy(path, target)).map(drop) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Model;
    use super::super::{CODES, WEIGHTS};
    use super::*;

    fn recount(model: &Model, text: &str) -> bool {
        let recount = Recount::begin(&model.path()).unwrap();
        fs::write(recount.counts().join("pair.frozen"), text).unwrap();
        recount.finish(Origin { date: Some(format!("with {text}")), ..Origin::default() }).unwrap()
    }

    #[test]
    fn counts_are_replaced_and_everything_else_stays() {
        let model = Model::new();
        model.write();
        fs::create_dir(model.path().join("notes")).unwrap();
        fs::write(model.path().join("notes/today.txt"), "the best so far").unwrap();
        let before = Bundle::open(model.path(), Verify::Checksums).unwrap();
        assert!(recount(&model, "other counts"));
        let after = Bundle::open(model.path(), Verify::Checksums).unwrap();
        assert_eq!(fs::read_to_string(after.path("counts/pair.frozen").unwrap()).unwrap(), "other counts");
        for name in [WEIGHTS, CODES] {
            assert_eq!(after.manifest().files[name], before.manifest().files[name]);
        }
        assert_eq!(after.languages(), before.languages());
        assert_eq!(after.manifest().origin.as_ref().unwrap().date.as_deref(), Some("with other counts"));
        assert_eq!(fs::read_to_string(model.path().join("notes/today.txt")).unwrap(), "the best so far");
        let beside = entries(model.path().parent().unwrap()).unwrap();
        assert_eq!(beside, [model.path()], "nothing is left beside it");
    }

    #[test]
    fn the_same_counts_leave_the_model_alone() {
        let model = Model::new();
        model.write();
        recount(&model, "a table");
        let written = || fs::metadata(model.path().join(MANIFEST)).unwrap().modified().unwrap();
        let before = written();
        assert!(!recount(&model, "a table"));
        assert_eq!(written(), before);
    }

    #[test]
    fn one_at_a_time() {
        let model = Model::new();
        model.write();
        let first = Recount::begin(&model.path()).unwrap();
        let error = Recount::begin(&model.path()).unwrap_err().to_string();
        assert!(error.contains("manifest.json: is being written by another program"), "{error}");
        drop(first);
        Recount::begin(&model.path()).unwrap();
    }

    #[test]
    fn killed_in_the_middle_the_old_model_is_whole() {
        let model = Model::new();
        model.write();
        let killed = Recount::begin(&model.path()).unwrap();
        fs::write(killed.counts().join("pair.frozen"), "half of").unwrap();
        let Recount { folder, _lock: lock, .. } = killed;
        drop(lock);
        std::mem::forget(folder);
        Bundle::open(model.path(), Verify::Checksums).unwrap();
        assert!(recount(&model, "other counts"));
        Bundle::open(model.path(), Verify::Checksums).unwrap();
        assert_eq!(entries(model.path().parent().unwrap()).unwrap().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn whoever_reads_the_old_files_goes_on_reading_them() {
        let model = Model::new();
        model.write();
        let old = skimlog_formats::mapped::MappedFile::open(&model.path().join("counts/pair.frozen")).unwrap();
        assert!(recount(&model, "other counts"));
        assert_eq!(&old[..], b"a table");
        old.intact().unwrap();
    }
}
