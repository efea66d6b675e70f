//! The manifest of a bundle.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use skimlog_features::sketch::TextMode;
use xxhash_rust::xxh3::Xxh3;

use super::origin::Origin;

/// The manifest of a bundle, `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleManifest {
    /// Version of the bundle's layout.
    pub format_version: u32,
    /// Version of what the network's input means.
    pub feature_version: u32,
    /// What the network sees of a tweet's text. Bundles from before there was a choice do not say it: token vectors.
    #[serde(default)]
    pub text: TextMode,
    /// Rows of the tweet sketch; 0 where the network sees nothing of the text.
    pub sketch_depth: usize,
    /// Numbers in a row of the tweet sketch; 0 where the network sees nothing of the text.
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
        let sketch = |most| if manifest.text == TextMode::None { (0, 0) } else { (1, most) };
        let sizes = [
            ("sketch_depth", manifest.sketch_depth, sketch(1 << 10)),
            ("sketch_width", manifest.sketch_width, sketch(1 << 16)),
            ("hidden", manifest.hidden, (1, 1 << 16)),
        ];
        // With these, no size that is computed from them overflows; and nothing is allocated by them that no file has.
        let wrong = sizes.into_iter().find(|(_, size, (least, most))| size < least || size > most);
        if let Some((name, size, (least, most))) = wrong {
            let wanted = if most == 0 { "0 with text: none".into() } else { format!("between {least} and {most}") };
            return Err(format!("{name} is {size}, it must be {wanted}"));
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
