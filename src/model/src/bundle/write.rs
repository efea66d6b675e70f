//! Writes a bundle.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use skimlog_features::input::{FEATURE_VERSION, Languages};
use skimlog_features::sketch::{TextMode, TokenCodes};
use skimlog_formats::Reaction;
use skimlog_network::{Calibration, Inference, NetError, Network, Precision};
use skimlog_runtime::files::{AtomicFolder, write_file};

use super::manifest::checksum;
use super::{
    BUNDLE_VERSION, BundleError, BundleManifest, CODES, FileEntry, LANGUAGES, MANIFEST, Origin, WEIGHTS, check_codes,
    network_file,
};

/// A bundle being written: files go to a temporary folder beside the destination, which is renamed to it at the end.
#[derive(Debug)]
pub struct BundleWriter {
    folder: AtomicFolder,
    origin: Option<Origin>,
}

impl BundleWriter {
    /// Begins a bundle that will be `destination`; what an interrupted run left beside it is removed.
    ///
    /// # Errors
    /// [`BundleError::Workspace`].
    pub fn begin(destination: impl AsRef<Path>) -> Result<Self, BundleError> {
        Ok(Self { folder: AtomicFolder::create(destination.as_ref())?, origin: None })
    }

    /// Says in the manifest where the model comes from.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// Path at which to write the file of this name in the bundle; `/` separates directories, which are created.
    ///
    /// # Errors
    /// [`BundleError::File`].
    pub fn path(&self, name: &str) -> Result<PathBuf, BundleError> {
        let path = self.folder.temporary().join(name);
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

    /// Adds the network, the network made ready for prediction in every precision (in bytes only with a calibration),
    /// its token codes if its input has a sketch, the languages and the manifest, and renames the folder to its
    /// destination. A bundle that was there is replaced.
    ///
    /// # Errors
    /// [`BundleError::File`], [`BundleError::Workspace`], [`BundleError::Network`], or [`BundleError::Sketch`] if codes
    /// and network do not fit each other; an older bundle is still there then.
    pub fn finish(
        self,
        network: &Network,
        calibration: Option<&Calibration>,
        codes: Option<&TokenCodes>,
        languages: &Languages,
    ) -> Result<(), BundleError> {
        let path = self.path(CODES)?;
        check_codes(path.clone(), codes, network.shape())?;
        codes.map(|codes| codes.save(&path)).transpose()?;
        network.save(&self.path(WEIGHTS)?)?;
        for precision in Precision::ALL {
            match Inference::with_precision(network, precision, calibration) {
                Ok(inference) => inference.save(&self.path(&network_file(precision))?)?,
                Err(NetError::Uncalibrated) => {}
                Err(error) => return Err(error.into()),
            }
        }
        write_file(&self.path(LANGUAGES)?, |out| out.write_all(languages.to_text().as_bytes()))?;
        let mut files = BTreeMap::new();
        collect(self.folder.temporary(), "", &mut files)?;
        let shape = network.shape();
        let manifest = BundleManifest {
            format_version: BUNDLE_VERSION,
            feature_version: FEATURE_VERSION,
            text: TextMode::of(codes),
            sketch_depth: shape.layout.sketch_depth,
            sketch_width: shape.layout.sketch_width,
            logarithms: shape.layout.logarithms,
            hidden: shape.hidden,
            languages: languages.len(),
            outputs: Reaction::NETWORK_ORDER.map(|reaction| reaction.name().to_owned()).to_vec(),
            origin: self.origin.clone(),
            files,
        };
        write_manifest(&self.path(MANIFEST)?, &manifest)?;
        Ok(self.folder.commit()?)
    }
}

/// Writes a manifest, as text with a line a value.
pub(super) fn write_manifest(path: &Path, manifest: &BundleManifest) -> Result<(), BundleError> {
    Ok(write_file(path, |out| {
        serde_json::to_writer_pretty(&mut *out, manifest)?;
        out.write_all(b"\n")
    })?)
}

/// Names the file in an error.
pub(super) fn at<T>(path: &Path, outcome: io::Result<T>) -> Result<T, BundleError> {
    outcome.map_err(|source| BundleError::File { path: path.to_owned(), source })
}

/// Notes of every file below `directory` the size and checksum under its name in the bundle.
pub(super) fn collect(
    directory: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, FileEntry>,
) -> Result<(), BundleError> {
    for entry in at(directory, fs::read_dir(directory))? {
        let entry = at(directory, entry)?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            let bytes = at(&path, fs::metadata(&path))?.len();
            files.insert(name, FileEntry { bytes, xxh3: at(&path, checksum(&path))? });
        }
    }
    Ok(())
}
