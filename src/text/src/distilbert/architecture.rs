//! The sizes of a DistilBERT, as its `config.json` gives them.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skimlog_runtime::files::write_file;

use super::{Block, DistilBertError, TensorName};

/// Maximum number of layers: a hundred times those of a DistilBERT.
const MAX_LAYERS: usize = 600;
/// Maximum number of weights, which take 64 GiB: a hundred times those of a DistilBERT.
const MAX_VALUES: u64 = 1 << 34;

/// The feed-forward layers' activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `x · Φ(x)`, by the error function (not its tanh approximation).
    #[default]
    Gelu,
}

/// A DistilBERT's sizes. Keys that are not used here are kept, so that they are in the `config.json` that is written,
/// too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// Token ids.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub dim: usize,
    /// Width between the two feed-forward layers.
    pub hidden_dim: usize,
    /// Transformer layers.
    pub n_layers: usize,
    /// Attention heads of a layer; they share `dim` evenly.
    pub n_heads: usize,
    /// Longest sequence.
    #[serde(default = "default_positions")]
    pub max_position_embeddings: usize,
    /// The feed-forward layers' activation.
    #[serde(default)]
    pub activation: Activation,
    /// The padding token.
    #[serde(default)]
    pub pad_token_id: u32,
    /// Share of the embeddings' and feed-forward outputs' numbers dropped in training.
    #[serde(default = "default_dropout")]
    pub dropout: f64,
    /// Share of the attention weights dropped in training.
    #[serde(default = "default_dropout")]
    pub attention_dropout: f64,
    /// Standard deviation of random initial weights.
    #[serde(default = "default_range")]
    pub initializer_range: f64,
    /// Everything else that `config.json` holds.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn default_positions() -> usize {
    512
}

fn default_dropout() -> f64 {
    0.1
}

fn default_range() -> f64 {
    0.02
}

impl Architecture {
    /// An architecture of these sizes, everything else as in DistilBERT.
    pub fn new(vocab_size: usize, dim: usize, hidden_dim: usize, n_layers: usize, n_heads: usize) -> Self {
        Self {
            vocab_size,
            dim,
            hidden_dim,
            n_layers,
            n_heads,
            max_position_embeddings: default_positions(),
            activation: Activation::Gelu,
            pad_token_id: 0,
            dropout: default_dropout(),
            attention_dropout: default_dropout(),
            initializer_range: default_range(),
            other: Map::new(),
        }
    }

    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// [`DistilBertError::File`], [`DistilBertError::Json`], [`DistilBertError::Architecture`].
    pub fn read(path: &Path) -> Result<Self, DistilBertError> {
        let text = fs::read(path).map_err(|source| DistilBertError::File { path: path.to_owned(), source })?;
        let json = |source| DistilBertError::Json { path: path.to_owned(), source };
        let tree: Value = serde_json::from_slice(&text).map_err(json)?;
        // Checked first: another kind of model lacks keys, and an error about them would mislead.
        if let Some(kind) = tree.get("model_type").and_then(Value::as_str).filter(|&kind| kind != "distilbert") {
            let problem = format!(
                "model_type is {kind:?}, only \"distilbert\" can be read: export another model to ONNX (`optimum-cli \
                 export onnx --model FOLDER --task feature-extraction OUT`) and name OUT/model.onnx in distilbert.onnx"
            );
            return Err(DistilBertError::Architecture { location: path.display().to_string(), problem });
        }
        let architecture: Self = serde_json::from_value(tree).map_err(json)?;
        architecture.check(&path.display().to_string())?;
        Ok(architecture)
    }

    /// Checks that the sizes fit together; `location`, the file or section that gives them, goes into the error.
    ///
    /// # Errors
    /// [`DistilBertError::Architecture`].
    pub fn check(&self, location: &str) -> Result<(), DistilBertError> {
        let refuse = |problem: String| Err(DistilBertError::Architecture { location: location.to_owned(), problem });
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("dim", self.dim),
            ("hidden_dim", self.hidden_dim),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (name, size) in sizes {
            if size == 0 || size > 1 << 24 {
                return refuse(format!("{name} is {size}, it must be between 1 and {}", 1 << 24));
            }
        }
        if self.n_layers > MAX_LAYERS {
            return refuse(format!("n_layers is {}, it must be at most {MAX_LAYERS}", self.n_layers));
        }
        if self.encoder_values() > MAX_VALUES {
            return refuse(format!("{} weights, there must be at most {MAX_VALUES}", self.encoder_values()));
        }
        if !self.dim.is_multiple_of(self.n_heads) {
            return refuse(format!("dim {} is no multiple of n_heads {}", self.dim, self.n_heads));
        }
        for (name, share) in [("dropout", self.dropout), ("attention_dropout", self.attention_dropout)] {
            if !(0.0..1.0).contains(&share) {
                return refuse(format!("{name} is {share}, it must be at least 0 and below 1"));
            }
        }
        if !(self.initializer_range > 0.0 && self.initializer_range.is_finite()) {
            return refuse(format!("initializer_range is {}, it must be above 0", self.initializer_range));
        }
        if self.pad_token_id as usize >= self.vocab_size {
            return refuse(format!("pad_token_id {} is beyond vocab_size {}", self.pad_token_id, self.vocab_size));
        }
        if self.other.get("tie_weights_").or(self.other.get("tie_word_embeddings")) == Some(&Value::Bool(false)) {
            return refuse("its output layer is not tied to the word embeddings (tie_weights_ is false)".into());
        }
        Ok(())
    }

    /// Number of weights, without the masked-language-model head.
    pub fn encoder_values(&self) -> u64 {
        let encoder = self.tensors().filter(|tensor| !tensor.is_head());
        let values =
            |tensor| self.shape(tensor).into_iter().fold(1u64, |values, size| values.saturating_mul(size as u64));
        encoder.fold(0, |sum, tensor| sum.saturating_add(values(tensor)))
    }

    /// Writes a `config.json` that `transformers` reads as a `DistilBertForMaskedLM`.
    ///
    /// # Errors
    /// [`DistilBertError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), DistilBertError> {
        let mut architecture = self.clone();
        architecture.other.insert("model_type".into(), "distilbert".into());
        architecture.other.insert("architectures".into(), vec!["DistilBertForMaskedLM"].into());
        architecture.other.insert("tie_weights_".into(), true.into());
        Ok(write_file(path, |out| {
            serde_json::to_writer_pretty(&mut *out, &architecture)?;
            writeln!(out)
        })?)
    }

    /// All tensors of a masked language model, in the order in which they are stored. The output layer's weight is not
    /// among them: it is that of the word embeddings.
    pub fn tensors(&self) -> impl Iterator<Item = TensorName> {
        let affine = |block| [TensorName::Weight(block), TensorName::Bias(block)];
        let layers = (0..self.n_layers).flat_map(|layer| {
            [
                Block::Query(layer),
                Block::Key(layer),
                Block::Value(layer),
                Block::AttentionOutput(layer),
                Block::AttentionNorm(layer),
                Block::Expand(layer),
                Block::Contract(layer),
                Block::OutputNorm(layer),
            ]
        });
        [TensorName::WordEmbeddings, TensorName::PositionEmbeddings]
            .into_iter()
            .chain(affine(Block::EmbeddingNorm))
            .chain(layers.flat_map(affine))
            .chain([Block::Transform, Block::TransformNorm].into_iter().flat_map(affine))
            .chain([TensorName::Bias(Block::Projector)])
    }

    /// The shape of a tensor; a linear layer's weight is `[outputs, inputs]`.
    pub fn shape(&self, tensor: TensorName) -> Vec<usize> {
        let Self { vocab_size, dim, hidden_dim, max_position_embeddings, .. } = *self;
        let (outputs, inputs) = match tensor {
            TensorName::WordEmbeddings => return vec![vocab_size, dim],
            TensorName::PositionEmbeddings => return vec![max_position_embeddings, dim],
            TensorName::Weight(block) if block.is_norm() => return vec![dim],
            TensorName::Weight(block) | TensorName::Bias(block) => match block {
                Block::Expand(_) => (hidden_dim, dim),
                Block::Contract(_) => (dim, hidden_dim),
                Block::Projector => (vocab_size, dim),
                _ => (dim, dim),
            },
        };
        match tensor {
            TensorName::Bias(_) => vec![outputs],
            _ => vec![outputs, inputs],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distilbert::CONFIG_FILE;

    fn fixture() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-distilbert/config.json")
    }

    #[test]
    fn a_configuration_is_read_and_written_with_everything_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let read = Architecture::read(&fixture()).unwrap();
        assert_eq!((read.vocab_size, read.dim, read.hidden_dim, read.n_layers, read.n_heads), (2000, 64, 128, 2, 4));
        let path = folder.path().join(CONFIG_FILE);
        read.write(&path).unwrap();
        let json = |path: &Path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
        assert_eq!(json(&path), json(&fixture()));
    }

    #[test]
    fn what_cannot_be_computed_is_refused_with_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CONFIG_FILE);
        let whole = fs::read_to_string(fixture()).unwrap();
        for (from, to, expected) in [
            ("\"n_heads\": 4", "\"n_heads\": 5", "no multiple of n_heads 5"),
            ("\"gelu\"", "\"relu\"", "unknown variant `relu`"),
            ("\"dim\": 64,", "", "missing field `dim`"),
            ("\"model_type\": \"distilbert\"", "\"model_type\": \"bert\"", "model_type is \"bert\""),
            ("\"tie_weights_\": true", "\"tie_weights_\": false", "not tied"),
            ("\"dropout\": 0.1", "\"dropout\": 1.0", "dropout is 1"),
            ("\"initializer_range\": 0.02", "\"initializer_range\": 0.0", "initializer_range is 0, it must be above 0"),
            ("\"n_layers\": 2", "\"n_layers\": 0", "n_layers is 0"),
            ("\"n_layers\": 2", "\"n_layers\": 16777216", "n_layers is 16777216, it must be at most"),
            ("\"dim\": 64,", "\"dim\": 16777216,", "weights, there must be at most"),
            ("{", "", "not the configuration"),
        ] {
            assert!(whole.contains(from), "{from}");
            fs::write(&path, whole.replacen(from, to, 1)).unwrap();
            let found = Architecture::read(&path).unwrap_err().to_string();
            assert!(found.contains("config.json") && found.contains(expected), "{found}");
        }
    }
}
