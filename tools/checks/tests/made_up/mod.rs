//! Folders of files made up for a test.

use std::fs;

use tempfile::TempDir;

/// A folder with these files, by path and content.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("within the folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    folder
}
