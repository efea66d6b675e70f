//! Temporary files with inputs, for readers that take a path.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder of a target's own, removed with it.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// An empty folder.
    ///
    /// # Panics
    /// If the machine has no room for one.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of this name in the folder, in place of what stood there.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("the temporary file is written");
        path
    }

    /// Has a file written under a name and gives what it holds then.
    ///
    /// # Panics
    /// If it is not written.
    pub fn written<E: std::fmt::Debug>(&self, name: &str, write: impl FnOnce(&Path) -> Result<(), E>) -> Vec<u8> {
        let path = self.folder.path().join(name);
        write(&path).expect("the writer writes");
        fs::read(&path).expect("what was written is there")
    }
}

/// A folder of several files, one of which is another for the time of a reading.
///
/// An input names the file by its first byte; the others are the file's contents.
#[derive(Debug)]
pub struct ManyFiles {
    scratch: Scratch,
    names: Vec<String>,
    contents: Vec<Vec<u8>>,
}

impl ManyFiles {
    /// Of the files below the scratch folder with these names.
    ///
    /// # Panics
    /// If one is not there.
    pub fn new(scratch: Scratch, names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        let read = |name: &String| fs::read(scratch.path().join(name)).expect("the file is there");
        let contents = names.iter().map(read).collect();
        Self { scratch, names, contents }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// An input for every file as it is.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (0..).zip(&self.contents).map(|(number, content)| [&[number], content.as_slice()].concat()).collect()
    }

    /// The contents of the file of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn content(&self, name: &str) -> &[u8] {
        let place = self.names.iter().position(|other| other == name).expect("a file of this name");
        &self.contents[place]
    }

    /// Puts an input in its file's place, reads, and puts the file back. `read` is given the folder, the file's name
    /// and its new contents.
    pub fn with<T>(&self, input: &[u8], read: impl FnOnce(&Path, &str, &[u8]) -> T) -> T {
        let (&selector, content) = input.split_first().unwrap_or((&0, &[]));
        let place = usize::from(selector) % self.names.len();
        let name = &self.names[place];
        self.scratch.write(name, content);
        let _back = Back { scratch: &self.scratch, name, content: &self.contents[place] };
        read(self.path(), name, content)
    }
}

/// Puts a file back, after a panic too.
struct Back<'a> {
    scratch: &'a Scratch,
    name: &'a str,
    content: &'a [u8],
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.scratch.write(self.name, self.content);
    }
}
