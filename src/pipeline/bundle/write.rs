//! Writes a bundle.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use skimmer_formats::Reaction;

use super::manifest::checksum;
use super::{BUNDLE_VERSION, BundleError, CODES, FileEntry, LANGUAGES, MANIFEST, Manifest, WEIGHTS, check_codes};
use crate::features::{FEATURE_VERSION, Languages};
use crate::net::Network;
use crate::sketch::{CodesFileError, TokenCodes};

/// A bundle on its way: files are written to a directory beside the bundle's place, which takes that place at the end.
#[derive(Debug)]
pub struct BundleWriter {
    destination: PathBuf,
    partial: PathBuf,
    /// Where an older bundle waits for the new one to take its place.
    replaced: PathBuf,
}

impl BundleWriter {
    /// Begins a bundle that will be `destination`; what an interrupted run left beside it is removed.
    ///
    /// # Errors
    /// [`BundleError::File`].
    pub fn begin(destination: impl AsRef<Path>) -> Result<Self, BundleError> {
        let destination = destination.as_ref().to_owned();
        let beside = |suffix: &str| {
            let mut name = destination.file_name().unwrap_or_default().to_owned();
            name.push(suffix);
            destination.with_file_name(name)
        };
        let writer = Self { partial: beside(".partial"), replaced: beside(".replaced"), destination };
        // A run that was killed while it replaced a bundle left the older one aside.
        if writer.replaced.exists() && !writer.destination.exists() {
            at(&writer.replaced, fs::rename(&writer.replaced, &writer.destination))?;
        }
        for left in [&writer.partial, &writer.replaced] {
            if left.exists() {
                at(left, fs::remove_dir_all(left))?;
            }
        }
        at(&writer.partial, fs::create_dir_all(&writer.partial))?;
        Ok(writer)
    }

    /// Where to write the file that will have this name in the bundle; `/` stands between directories, which are made.
    ///
    /// # Errors
    /// [`BundleError::File`].
    pub fn path(&self, name: &str) -> Result<PathBuf, BundleError> {
        let path = self.partial.join(name);
        if let Some(directory) = path.parent() {
            at(directory, fs::create_dir_all(directory))?;
        }
        Ok(path)
    }

    /// Adds a copy of a file.
    ///
    /// # Errors
    /// [`BundleError::File`].
    pub fn copy(&self, name: &str, source: &Path) -> Result<(), BundleError> {
        let path = self.path(name)?;
        at(source, fs::copy(source, path)).map(drop)
    }

    /// Adds the network, its token codes, the languages and the manifest, and puts the bundle in its place. A bundle that
    /// stood there is replaced.
    ///
    /// # Errors
    /// [`BundleError::File`], [`BundleError::Network`], [`BundleError::Codes`], or [`BundleError::Sketch`] if codes and
    /// network do not fit each other; an older bundle is still there then.
    pub fn finish(self, network: &Network, codes: &TokenCodes, languages: &Languages) -> Result<(), BundleError> {
        let path = self.path(CODES)?;
        check_codes(path.clone(), codes, network.shape())?;
        codes.write(BufWriter::new(at(&path, File::create(&path))?)).map_err(CodesFileError::from)?;
        network.save(&self.path(WEIGHTS)?)?;
        let path = self.path(LANGUAGES)?;
        at(&path, fs::write(&path, languages.to_text()))?;
        let mut files = BTreeMap::new();
        collect(&self.partial, "", &mut files)?;
        let shape = network.shape();
        let manifest = Manifest {
            format_version: BUNDLE_VERSION,
            feature_version: FEATURE_VERSION,
            sketch_depth: shape.layout.sketch_depth,
            sketch_width: shape.layout.sketch_width,
            hidden: shape.hidden,
            languages: languages.len(),
            outputs: Reaction::NETWORK_ORDER.map(|reaction| reaction.name().to_owned()).to_vec(),
            files,
        };
        let path = self.path(MANIFEST)?;
        at(&path, write_json(&path, &manifest))?;
        at(&self.partial, sync(&self.partial))?;
        if self.destination.exists() {
            at(&self.destination, fs::rename(&self.destination, &self.replaced))?;
        }
        at(&self.destination, fs::rename(&self.partial, &self.destination))?;
        if let Some(parent) = self.destination.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            at(parent, sync(parent))?;
        }
        if self.replaced.exists() {
            at(&self.replaced, fs::remove_dir_all(&self.replaced))?;
        }
        Ok(())
    }
}

/// Names the file in an error.
fn at<T>(path: &Path, outcome: io::Result<T>) -> Result<T, BundleError> {
    outcome.map_err(|source| BundleError::File { path: path.to_owned(), source })
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn write_json(path: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut file = File::create(path)?;
    serde_json::to_writer_pretty(&mut file, manifest)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Syncs every file below `directory` and notes its size and checksum under its name in the bundle.
fn collect(directory: &Path, prefix: &str, files: &mut BTreeMap<String, FileEntry>) -> Result<(), BundleError> {
    for entry in at(directory, fs::read_dir(directory))? {
        let entry = at(directory, entry)?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            at(&path, sync(&path))?;
            let bytes = at(&path, fs::metadata(&path))?.len();
            files.insert(name, FileEntry { bytes, xxh3: at(&path, checksum(&path))? });
        }
    }
    at(directory, sync(directory))
}
