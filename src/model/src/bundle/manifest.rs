//! The manifest of a bundle.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::origin::Origin;

/// The manifest of a bundle, `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleManifest {
    /// Version of the bundle's layout.
    pub format_version: u32,
    /// Version of what the network's input means.
    pub feature_version: u32,
    /// Rows of the tweet sketch.
    pub sketch_depth: usize,
    /// Numbers in a row of the tweet sketch.
    pub sketch_width: usize,
    /// Whether the network sees the logarithm of every number.
    pub logarithms: bool,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Known languages.
    pub languages: usize,
    /// Names of the network's outputs, in order.
    pub outputs: Vec<String>,
    /// Where the model comes from; `None` in models of versions before 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Every other file of the bundle, by its name with `/` between directories.
    pub files: BTreeMap<String, FileEntry>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Size in bytes.
    pub bytes: u64,
    /// XXH3-64 of the contents, 16 hexadecimal digits.
    pub xxh3: String,
}

impl BundleManifest {
    /// Reads a manifest; says what is wrong with it otherwise.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let sizes = [
            ("sketch_depth", manifest.sketch_depth, 1 << 10),
            ("sketch_width", manifest.sketch_width, 1 << 16),
            ("hidden", manifest.hidden, 1 << 16),
        ];
        // With these, no size that is computed from them overflows; and nothing is allocated by them that no file has.
        if let Some((name, size, most)) = sizes.into_iter().find(|&(_, size, most)| size == 0 || size > most) {
            return Err(format!("{name} is {size}, it must be between 1 and {most}"));
        }
        if manifest.languages > 1 << 20 {
            return Err(format!("languages is {}, it must be at most {}", manifest.languages, 1 << 20));
        }
        // A manifest must not lead outside its bundle.
        let inside = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        match manifest.files.keys().find(|name| name.is_empty() || !inside(name)) {
            Some(name) => Err(format!("a file named {name:?}, outside the model")),
            None => Ok(manifest),
        }
    }
}

/// XXH3-64 of a file's contents, 16 hexadecimal digits.
pub(super) fn checksum(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut buffer) = (File::open(path)?, Xxh3::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(format!("{:016x}", hasher.digest())),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
