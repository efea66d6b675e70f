//! `config.yaml`: the original's eleven keys and ours, checked before anything is read or written.
//!
//! Every key has a default, so an empty file is a configuration. Relative paths are relative to the file's folder,
//! those of an [`Override`] to the current one; `~/` is the home folder. A file goes through `file` (bytes to text),
//! `yaml` (text to a tree with line numbers), `overrides` and `check` (the tree against the table of `keys`). A
//! further key is a field here or in `sections`, a row of the table and a line of `config.yaml`.

mod check;
mod error;
mod file;
mod keys;
mod overrides;
mod sections;
mod size;
mod suggest;
mod template;
#[cfg(test)]
mod tests;
mod yaml;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use skimlog_features::sketch::TextMode;
use skimlog_runtime::machine;

pub use error::ConfigError;
use error::{Location, Wrong};
pub use overrides::Override;
pub use sections::{BadRecords, BiasInit, DistilBert, Finetune, FromScratch, Predict, RecipeName, Train};
pub use size::ByteSize;
pub use template::TEMPLATE;
use yaml::Node;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Folder for everything skimmer makes.
    pub working_dir: PathBuf,
    /// Folder with the training parts, the files named `part-…`, or one file of training records.
    pub recsys_data: PathBuf,
    /// The validation part; a name without a folder may also stand in `recsys_data`.
    pub validation_part: Option<PathBuf>,
    /// The mapping of the parts that are logs of one's own; without it there are none.
    pub mapping: Option<PathBuf>,
    /// How many training parts to use, in the order of their names; all of them if not given.
    pub max_n_parts: Option<usize>,
    /// How many parts may be mapped into memory at once.
    pub max_n_parts_in_memory: usize,
    /// Length of an author's list of similar authors before the author itself is taken out of it.
    #[serde(rename = "authors_similarity_top_N")]
    pub authors_similarity_top_n: usize,
    /// Least Jaccard similarity of two authors' follower sets.
    pub authors_similarity_threshold: f64,
    /// Share of the validation records that are held out, between 0 and 1.
    pub validation_percentage: f64,
    /// Number of chunks of the finetune records.
    pub num_validation_chunks: u32,
    /// Numbers in a row of the tweet sketch.
    pub sketch_width: u32,
    /// Rows of the tweet sketch.
    pub sketch_depth: u32,

    /// A file with a `0` (finetune) or `1` (hold-out) a line, instead of the random split.
    pub validation_split: Option<PathBuf>,
    /// Number of token ids; a larger one in a record is an error.
    pub vocabulary_size: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Worker threads; as many as the machine gives this process processors if not given.
    pub threads: Option<usize>,
    /// Memory that counting, similarity and shuffling may use before they go to disk; a quarter of what
    /// this process may have if not given.
    pub memory_budget: Option<ByteSize>,
    /// What to do with a malformed record.
    pub bad_records: BadRecords,
    /// How many malformed records of a part may be put aside before the run stops.
    pub max_bad_records: u64,
    /// What the network sees of a tweet's text; what the text model allows if not given.
    pub text: Option<TextMode>,
    /// The text model.
    pub distilbert: DistilBert,
    /// The network's training.
    pub train: Train,
    /// Prediction.
    pub predict: Predict,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            working_dir: "working_dir".into(),
            recsys_data: "recsys_data".into(),
            validation_part: None,
            mapping: None,
            max_n_parts: None,
            max_n_parts_in_memory: 2,
            authors_similarity_top_n: 10,
            authors_similarity_threshold: 0.1,
            validation_percentage: 0.1,
            num_validation_chunks: 10,
            sketch_width: 256,
            sketch_depth: 20,
            validation_split: None,
            vocabulary_size: 119_547,
            seed: 0,
            threads: None,
            memory_budget: None,
            bad_records: BadRecords::Stop,
            max_bad_records: 1000,
            text: None,
            distilbert: DistilBert::default(),
            train: Train::default(),
            predict: Predict::default(),
        }
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// A file that cannot be read, is no YAML mapping, has an unknown key (the nearest known ones are suggested), or a
    /// value of a wrong type or out of its range.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, &[])
    }

    /// [`Config::load`] with keys that replace the file's.
    ///
    /// # Errors
    /// As there.
    pub fn load_with(path: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        Self::from_bytes(file::read(path)?, path, overrides)
    }

    /// [`Config::load_with`] for a file that was read already: `path` says where, for messages and relative paths.
    ///
    /// # Errors
    /// As there, but for what concerns the reading.
    pub fn from_bytes(bytes: Vec<u8>, path: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = file::text(bytes).and_then(|text| Self::build(&text, folder, overrides, home().as_deref()));
        config.map_err(|wrong| wrong.of(path.to_owned()))
    }

    /// The defaults with keys that replace them, in the current folder.
    ///
    /// # Errors
    /// As of [`Config::load`], of a file that is empty.
    pub fn from_overrides(overrides: &[Override]) -> Result<Self, ConfigError> {
        let build = Self::build("", Path::new(""), overrides, home().as_deref());
        build.map_err(|wrong| wrong.of("the defaults".into()))
    }

    /// This configuration as YAML, with every key explained.
    pub fn to_yaml(&self) -> String {
        template::fill(&serde_yaml::to_value(self).unwrap_or_default())
    }

    fn build(text: &str, folder: &Path, overrides: &[Override], home: Option<&Path>) -> Result<Self, Wrong> {
        let root = yaml::parse(text, Location::Line)?;
        let mut root = root.filter(|root| !root.is_null()).unwrap_or_else(|| Node::Map(Vec::new()));
        if matches!(root, Node::Map(_)) {
            overrides.iter().for_each(|set| set.apply(&mut root));
        }
        let values = check::check(&root, home)?;
        let mut config: Self =
            serde_yaml::from_value(values).map_err(|error| Wrong::at(Location::Line(1), error.to_string()))?;
        config.resolve_paths(|key| match root.location(key) {
            Some(Location::Set(_)) => Path::new(""),
            _ => folder,
        });
        Ok(config)
    }

    /// Makes relative paths relative to the current folder; `base` gives the folder that a key's path is relative to.
    fn resolve_paths<'f>(&mut self, base: impl Fn(&str) -> &'f Path) {
        if let Some(mapping) = &mut self.mapping {
            *mapping = base("mapping").join(&*mapping);
        }
        self.recsys_data = base("recsys_data").join(&self.recsys_data);
        if let Some(part) = &mut self.validation_part {
            let path = base("validation_part").join(&*part);
            let bare_name = part.parent() == Some(Path::new(""));
            // Beside the training records, if they are one file.
            let is_file = self.recsys_data.is_file();
            let data = self.recsys_data.parent().filter(|_| is_file).unwrap_or(&self.recsys_data);
            *part = if bare_name && !path.exists() { data.join(&*part) } else { path };
        }
        self.working_dir = base("working_dir").join(&self.working_dir);
        let optional = [
            ("validation_split", &mut self.validation_split),
            ("distilbert.model", &mut self.distilbert.model),
            ("distilbert.onnx", &mut self.distilbert.onnx),
            ("distilbert.tokenizer", &mut self.distilbert.tokenizer),
            ("distilbert.onnxruntime", &mut self.distilbert.onnxruntime),
        ];
        for (key, path) in optional {
            if let Some(path) = path {
                *path = base(key).join(&*path);
            }
        }
    }

    /// The worker threads to use.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| machine::threads().get())
    }

    /// The memory budget in bytes: what is set, or a quarter of what this process may have.
    pub fn memory_budget(&self) -> u64 {
        self.memory_budget.map_or_else(|| machine::memory() / 4, |size| size.0)
    }
}

/// What `~` stands for.
fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}
