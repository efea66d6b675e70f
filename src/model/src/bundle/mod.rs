//! The model bundle: one directory with everything that prediction needs.
//!
//! ```text
//! model/
//!   manifest.json         versions, sizes of the network, size and checksum of every other file
//!   weights.safetensors   the network
//!   network.f32           the network packed for prediction in each precision; int8 only if there were records to
//!   network.bf16          calibrate it
//!   network.int8
//!   model.onnx            the network for other programs
//!   codes.skim            token codes, unless the network sees nothing of a tweet's text
//!   languages.txt         known languages, one id a line, in the order of their numbers
//!   counts/               count tables and similar authors
//!   evaluation.json       measures on the hold-out records, once the model was evaluated; not in the manifest
//! ```
//!
//! A bundle is written under a temporary name, synced and renamed, so that it is complete if it exists.

mod error;
mod manifest;
mod origin;
mod recount;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};

use skimlog_formats::Reaction;

pub use error::BundleError;
pub use manifest::{BundleManifest, FileEntry};
pub use origin::{Counted, Origin, TrainedOn};
pub use recount::Recount;
pub use write::BundleWriter;

use manifest::checksum;
use skimlog_features::input::{FEATURE_VERSION, InputBuilder, Languages, Layout};
use skimlog_features::sketch::{TextMode, TokenCodes};
use skimlog_network::{Inference, Network, Precision, Shape};

/// The version of the bundle's layout that this program writes and reads.
pub const BUNDLE_VERSION: u32 = 3;
/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// Name of the network's file.
pub const WEIGHTS: &str = "weights.safetensors";
/// Name of the network's file for other programs, which a bundle may lack.
pub const ONNX: &str = "model.onnx";
/// Name of the file with the network made ready for prediction.
pub fn network_file(precision: Precision) -> String {
    format!("network.{precision}")
}
/// Name of the file with the model's measures, which a bundle may lack and its manifest does not name: measuring comes
/// after the model.
pub const EVALUATION: &str = "evaluation.json";
/// Name of the token codes' file, which a bundle lacks whose network sees nothing of a tweet's text.
pub const CODES: &str = "codes.skim";
/// Name of the folder of the count tables and similar authors.
pub const COUNTS_FOLDER: &str = "counts";
/// The mapping of the log that a model was trained on, if it was one.
pub const MAPPING_FILE: &str = "mapping.yaml";
/// The tokenizer of that mapping, if it cuts text.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// Name of the list of languages.
pub const LANGUAGES: &str = "languages.txt";

/// How thoroughly the files of a bundle are looked at when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Every file is there and has its size, and the list of languages is as it was written. Takes no time.
    Sizes,
    /// [`Verify::Sizes`], and the token codes and tables are as they were written, where these are at most
    /// [`AFFORDABLE`] bytes together: what prediction reads. The network needs no more: its file carries a checksum,
    /// compared when it is mapped. Weights, other precisions and `model.onnx` are not read.
    Prediction,
    /// Every byte is as it was written. Reads all files.
    Checksums,
}

/// Bytes whose checksums cost a fraction of a second.
pub const AFFORDABLE: u64 = 1 << 30;

/// A model bundle that was opened and found complete.
#[derive(Clone, Debug)]
pub struct Bundle {
    directory: PathBuf,
    manifest: BundleManifest,
    languages: Languages,
}

impl Bundle {
    /// Opens a bundle.
    ///
    /// # Errors
    /// [`BundleError`] if there is none, it was made by another version, or a file is missing or not as it was written.
    pub fn open(directory: impl AsRef<Path>, verify: Verify) -> Result<Self, BundleError> {
        let directory = directory.as_ref().to_owned();
        let path = directory.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(BundleError::NoBundle { directory });
            }
            Err(source) => return Err(BundleError::File { path, source }),
        };
        let manifest =
            BundleManifest::parse(&text).map_err(|what| BundleError::Manifest { path: path.clone(), what })?;
        let versions = [
            ("format", manifest.format_version, BUNDLE_VERSION),
            ("feature", manifest.feature_version, FEATURE_VERSION),
        ];
        for (what, found, expected) in versions {
            if found != expected {
                return Err(BundleError::Version { path, what, found, expected });
            }
        }
        let outputs = Reaction::NETWORK_ORDER.map(Reaction::name);
        if manifest.outputs != outputs {
            let what = format!("outputs {:?}, this program has {outputs:?}", manifest.outputs);
            return Err(BundleError::Manifest { path, what });
        }
        let codes = Some(CODES).filter(|_| manifest.text != TextMode::None);
        for name in [WEIGHTS, LANGUAGES].into_iter().chain(codes) {
            if !manifest.files.contains_key(name) {
                return Err(BundleError::Manifest { path, what: format!("no file {name}") });
            }
        }
        let read = manifest.files.iter().filter(|(name, _)| read_by_prediction(name));
        let affordable = read.fold(0u64, |bytes, (_, entry)| bytes.saturating_add(entry.bytes)) <= AFFORDABLE;
        for (name, entry) in &manifest.files {
            let compare = match verify {
                // A flipped digit of a language's id would be another language's, and nobody would notice.
                _ if name == LANGUAGES => true,
                Verify::Sizes => false,
                Verify::Prediction => affordable && read_by_prediction(name),
                Verify::Checksums => true,
            };
            verify_file(directory.join(name), entry, compare)?;
        }
        let path = directory.join(LANGUAGES);
        let text = std::fs::read_to_string(&path).map_err(|source| BundleError::File { path: path.clone(), source })?;
        let languages =
            Languages::from_text(&text).map_err(|source| BundleError::Languages { path: path.clone(), source })?;
        if languages.len() != manifest.languages {
            let (found, expected) = (languages.len(), manifest.languages);
            return Err(BundleError::LanguageCount { path, found, expected });
        }
        Ok(Self { directory, manifest, languages })
    }

    /// The bundle's folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The bundle's manifest.
    pub fn manifest(&self) -> &BundleManifest {
        &self.manifest
    }

    /// The known languages.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    /// Sizes of the network.
    pub fn shape(&self) -> Shape {
        let BundleManifest { sketch_depth, sketch_width, logarithms, languages, hidden, .. } = self.manifest;
        Shape { layout: Layout { sketch_depth, sketch_width, logarithms, languages }, hidden }
    }

    /// Path of one of the bundle's files, by its name there.
    ///
    /// # Errors
    /// [`BundleError::NoFile`] if the bundle has no such file.
    pub fn path(&self, name: &str) -> Result<PathBuf, BundleError> {
        match self.manifest.files.contains_key(name) {
            true => Ok(self.directory.join(name)),
            false => Err(BundleError::NoFile { directory: self.directory.clone(), name: name.to_owned() }),
        }
    }

    /// Reads the network.
    ///
    /// # Errors
    /// [`BundleError::Network`].
    pub fn network(&self) -> Result<Network, BundleError> {
        Ok(Network::load(&self.path(WEIGHTS)?, self.shape())?)
    }

    /// Maps the network made ready for prediction.
    ///
    /// # Errors
    /// [`BundleError::Network`], or [`BundleError::NoFile`] if the bundle has none of this precision.
    pub fn inference(&self, precision: Precision) -> Result<Inference, BundleError> {
        Ok(Inference::open(&self.path(&network_file(precision))?, self.shape(), precision)?)
    }

    /// Reads the token codes; `None` where the network sees nothing of a tweet's text.
    ///
    /// # Errors
    /// [`BundleError::Codes`], or [`BundleError::Sketch`] if they were made for sketches of another size.
    pub fn codes(&self) -> Result<Option<TokenCodes>, BundleError> {
        if self.manifest.text == TextMode::None {
            return Ok(None);
        }
        let path = self.path(CODES)?;
        let codes = Some(TokenCodes::read(&path)?);
        check_codes(path, codes.as_ref(), self.shape())?;
        Ok(codes)
    }

    /// What makes the network's inputs of examples.
    ///
    /// # Errors
    /// As [`Bundle::codes`].
    pub fn inputs(&self) -> Result<InputBuilder<Option<TokenCodes>>, BundleError> {
        Ok(InputBuilder::new(self.codes()?, self.shape().layout))
    }
}

/// Refuses codes that make sketches of another size than the network takes, which is 0 without codes.
fn check_codes(path: PathBuf, codes: Option<&TokenCodes>, shape: Shape) -> Result<(), BundleError> {
    let found = codes.map_or((0, 0), |codes| (codes.shape().depth(), codes.shape().width()));
    let expected = (shape.layout.sketch_depth, shape.layout.sketch_width);
    if found == expected { Ok(()) } else { Err(BundleError::Sketch { path, found, expected }) }
}

/// Whether prediction reads a file that does not carry a checksum which is compared when it is opened.
fn read_by_prediction(name: &str) -> bool {
    name != WEIGHTS && name != ONNX && Precision::ALL.into_iter().all(|precision| name != network_file(precision))
}

fn verify_file(path: PathBuf, entry: &FileEntry, compare: bool) -> Result<(), BundleError> {
    let bytes = match std::fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(source) => return Err(BundleError::File { path, source }),
    };
    if bytes != entry.bytes {
        return Err(BundleError::Size { path, found: bytes, expected: entry.bytes });
    }
    if compare {
        match checksum(&path) {
            Ok(found) if found == entry.xxh3 => {}
            Ok(_) => return Err(BundleError::Checksum { path }),
            Err(source) => return Err(BundleError::File { path, source }),
        }
    }
    Ok(())
}
