//! `config.yaml`: the original's eleven keys and ours, checked before anything is read or written.
//!
//! Every key has a default, so an empty file is a configuration. Relative paths are relative to the file's folder.

mod check;
mod sections;
mod size;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use sections::{
    BadRecords, BiasInit, Device, DistilBert, Engine, Finetune, FromScratch, Precision, Predict, Recipe, Train,
};
pub use size::{ByteSize, machine_memory};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Folder for everything skimmer makes.
    pub working_dir: PathBuf,
    /// Folder with the raw training parts, the files whose names start with `part-`.
    pub recsys_data: PathBuf,
    /// The raw validation part; a name without a folder may also stand in `recsys_data`.
    pub validation_part: Option<PathBuf>,
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
    /// Worker threads; as many as the machine has cores if not given.
    pub threads: Option<usize>,
    /// Memory that counting, similarity and shuffling may use before they go to disk; a quarter of the machine's if
    /// not given.
    pub memory_budget: Option<ByteSize>,
    /// What to do with a malformed record.
    pub bad_records: BadRecords,
    /// How many malformed records of a part may be put aside before the run stops.
    pub max_bad_records: u64,
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
            distilbert: DistilBert::default(),
            train: Train::default(),
            predict: Predict::default(),
        }
    }
}

/// Why a configuration is refused; the message names the file, the line and the key.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot read the configuration: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// 1-based line of the key, or of the YAML error.
        line: usize,
        /// What is wrong, with the key's name.
        problem: String,
    },
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// A file that cannot be read, is no YAML mapping, has an unknown key (the nearest known one is suggested), or a
    /// value of a wrong type or out of its range.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config = check::text_of(&bytes).and_then(Self::parse).map_err(|wrong| ConfigError::Wrong {
            path: path.to_owned(),
            line: wrong.line,
            problem: wrong.problem,
        })?;
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, check::Wrong> {
        let config: Self = check::deserialize(text)?;
        config.check_ranges().map_err(|(key, problem)| check::Wrong {
            line: check::line_of(text, key),
            problem: format!("{key}: {problem}"),
        })?;
        Ok(config)
    }

    fn resolve_paths(&mut self, folder: &Path) {
        let bare_validation_name = |path: &Path| path.parent() == Some(Path::new("")) && !folder.join(path).exists();
        self.recsys_data = folder.join(&self.recsys_data);
        if let Some(part) = &mut self.validation_part {
            *part = if bare_validation_name(part) { self.recsys_data.join(&*part) } else { folder.join(&*part) };
        }
        self.working_dir = folder.join(&self.working_dir);
        let optional = [
            &mut self.validation_split,
            &mut self.distilbert.model,
            &mut self.distilbert.onnx,
            &mut self.distilbert.tokenizer,
            &mut self.distilbert.onnxruntime,
        ];
        optional.into_iter().flatten().for_each(|path| *path = folder.join(&*path));
    }

    /// The worker threads to use.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// The memory budget in bytes: what is set, or a quarter of the machine's memory.
    pub fn memory_budget(&self) -> u64 {
        self.memory_budget.map_or_else(|| size::machine_memory() / 4, |size| size.0)
    }

    /// The first value out of its range: the key's path and what is wrong.
    fn check_ranges(&self) -> Result<(), (&'static str, String)> {
        let at_least_one = [
            ("max_n_parts", self.max_n_parts.unwrap_or(1)),
            ("max_n_parts_in_memory", self.max_n_parts_in_memory),
            ("authors_similarity_top_N", self.authors_similarity_top_n),
            ("num_validation_chunks", self.num_validation_chunks as usize),
            ("sketch_width", self.sketch_width as usize),
            ("sketch_depth", self.sketch_depth as usize),
            ("vocabulary_size", self.vocabulary_size as usize),
            ("threads", self.threads.unwrap_or(1)),
            ("distilbert.max_n_parts", self.distilbert.max_n_parts),
            ("distilbert.batch_tokens", self.distilbert.batch_tokens.unwrap_or(1)),
            ("distilbert.finetune.batch_size", self.distilbert.finetune.batch_size),
            ("distilbert.finetune.max_length", self.distilbert.finetune.max_length),
            ("distilbert.finetune.save_total_limit", self.distilbert.finetune.save_total_limit),
            ("train.hidden_size", self.train.hidden_size),
            ("predict.batch_size", self.predict.batch_size),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err((key, "must be at least 1".into()));
            }
        }
        let (train, finetune) = (&self.train, &self.distilbert.finetune);
        let fractions = [
            ("validation_percentage", Some(self.validation_percentage)),
            ("distilbert.finetune.masked", Some(finetune.masked)),
            ("distilbert.finetune.held_out", Some(finetune.held_out)),
            ("train.day_decay", train.day_decay),
            ("train.validation_decay", train.validation_decay),
            ("train.warm_up", train.warm_up),
            ("train.last_rate", train.last_rate),
        ];
        for (key, value) in fractions {
            if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err((key, format!("{value} is not between 0 and 1")));
            }
        }
        if !(self.authors_similarity_threshold > 0.0 && self.authors_similarity_threshold <= 1.0) {
            let problem = format!("{} is not above 0 and at most 1", self.authors_similarity_threshold);
            return Err(("authors_similarity_threshold", problem));
        }
        if self.sketch_width > 1 << 16 {
            return Err(("sketch_width", format!("{} is above 65,536, the number of codes", self.sketch_width)));
        }
        if train.batch_size.is_some_and(|size| size < 2) {
            return Err(("train.batch_size", "must be at least 2".into()));
        }
        let rates = [
            ("distilbert.finetune.learning_rate", Some(finetune.learning_rate)),
            ("distilbert.finetune.max_gradient_norm", Some(finetune.max_gradient_norm)),
            ("train.learning_rate", train.learning_rate),
            ("train.finetune_learning_rate", train.finetune_learning_rate),
        ];
        for (key, rate) in rates {
            if rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) {
                return Err((key, "must be above 0".into()));
            }
        }
        let amounts = [
            ("distilbert.finetune.weight_decay", Some(finetune.weight_decay)),
            ("train.weight_decay", train.weight_decay),
            ("train.checkpoint_minutes", Some(train.checkpoint_minutes)),
        ];
        for (key, amount) in amounts {
            // A duration of more minutes than this could not be represented.
            if amount.is_some_and(|amount| !(0.0..=1e9).contains(&amount)) {
                return Err((key, "must be at least 0".into()));
            }
        }
        let least_budget = 64 << 20;
        match self.memory_budget {
            Some(ByteSize(bytes)) if bytes < least_budget => Err(("memory_budget", "must be at least 64MiB".into())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> (usize, String) {
        let wrong = Config::parse(text).unwrap_err();
        (wrong.line, wrong.problem)
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert_eq!(Config::parse("# nothing\n").unwrap(), Config::default());
    }

    #[test]
    fn the_original_keys_keep_their_names() {
        let text = "working_dir: /w\nrecsys_data: /r\nvalidation_part: /v/part-00000\nmax_n_parts: 3\n\
                    max_n_parts_in_memory: 1\nauthors_similarity_top_N: 7\nauthors_similarity_threshold: 0.2\n\
                    validation_percentage: 0.3\nnum_validation_chunks: 4\nsketch_width: 128\nsketch_depth: 40\n";
        let config = Config::parse(text).unwrap();
        assert_eq!((config.max_n_parts, config.authors_similarity_top_n), (Some(3), 7));
        assert_eq!((config.sketch_width, config.sketch_depth), (128, 40));
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest() {
        let (line, text) = problem("seed: 1\nsketch_widht: 3\n");
        assert_eq!(line, 2);
        assert!(text.contains("sketch_widht") && text.contains("did you mean `sketch_width`"), "{text}");
        let (line, text) = problem("seed: 1\ntrain:\n  hidden_size: 3\n  lerning_rate: 1\n");
        assert_eq!(line, 4);
        assert!(text.contains("`train.learning_rate`"), "{text}");
    }

    #[test]
    fn a_wrong_type_names_key_and_line() {
        let (line, text) = problem("seed: 1\nmax_n_parts_in_memory: many\n");
        assert_eq!(line, 2);
        assert!(text.contains("max_n_parts_in_memory"), "{text}");
        let (line, text) = problem("train:\n  batch_size: -3\n");
        assert_eq!(line, 2);
        assert!(text.contains("train.batch_size"), "{text}");
        let (_, text) = problem("- a\n- b\n");
        assert!(text.contains("mapping"), "{text}");
    }

    #[test]
    fn text_that_is_no_yaml_names_its_line() {
        let (line, text) = problem("seed: 1\u{2028}\n\u{2028}threads: [\n");
        assert!(line <= 3 && text.contains("not valid YAML"), "{line}: {text}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, b"seed: 1\nworking_dir: caf\xE9\n").unwrap();
        let text = Config::load(&path).unwrap_err().to_string();
        assert!(text.contains("config.yaml:2: the line holds bytes that are not UTF-8"), "{text}");
    }

    #[test]
    fn a_value_out_of_range_names_key_and_line() {
        let (line, text) = problem("\nvalidation_percentage: 10\n");
        assert_eq!((line, text.as_str()), (2, "validation_percentage: 10 is not between 0 and 1"));
        let (line, _) = problem("train:\n  batch_size: 1\n");
        assert_eq!(line, 2);
        assert!(problem("authors_similarity_threshold: 0\n").1.contains("above 0"));
        assert!(problem("memory_budget: 12 parsecs\n").1.contains("memory_budget"));
    }

    #[test]
    fn the_shipped_file_holds_the_defaults() {
        let shipped = Config::parse(include_str!("../../config.yaml")).unwrap();
        let expected = Config { validation_part: shipped.validation_part.clone(), ..Config::default() };
        assert_eq!(shipped, expected);
    }
}
