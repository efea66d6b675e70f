//! The tensors of a DistilBERT by name.

/// Something with a weight and a bias: a linear layer or a layer normalisation. The number is its transformer layer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Block {
    /// Normalisation of the embeddings' sum.
    EmbeddingNorm,
    /// To the queries.
    Query(usize),
    /// To the keys.
    Key(usize),
    /// To the values.
    Value(usize),
    /// From the heads' contexts.
    AttentionOutput(usize),
    /// Normalisation after the attention.
    AttentionNorm(usize),
    /// First feed-forward layer.
    Expand(usize),
    /// Second feed-forward layer.
    Contract(usize),
    /// Normalisation after the feed-forward layers.
    OutputNorm(usize),
    /// First layer of the masked-language-model head.
    Transform,
    /// The head's normalisation.
    TransformNorm,
    /// The head's output layer. Its weight is that of the word embeddings.
    Projector,
}

impl Block {
    /// Whether it is a layer normalisation.
    pub fn is_norm(self) -> bool {
        matches!(self, Self::EmbeddingNorm | Self::AttentionNorm(_) | Self::OutputNorm(_) | Self::TransformNorm)
    }

    /// Its name in a Hugging Face file.
    pub fn name(self) -> String {
        let (layer, part) = match self {
            Self::EmbeddingNorm => return "distilbert.embeddings.LayerNorm".into(),
            Self::Transform => return "vocab_transform".into(),
            Self::TransformNorm => return "vocab_layer_norm".into(),
            Self::Projector => return "vocab_projector".into(),
            Self::Query(layer) => (layer, "attention.q_lin"),
            Self::Key(layer) => (layer, "attention.k_lin"),
            Self::Value(layer) => (layer, "attention.v_lin"),
            Self::AttentionOutput(layer) => (layer, "attention.out_lin"),
            Self::AttentionNorm(layer) => (layer, "sa_layer_norm"),
            Self::Expand(layer) => (layer, "ffn.lin1"),
            Self::Contract(layer) => (layer, "ffn.lin2"),
            Self::OutputNorm(layer) => (layer, "output_layer_norm"),
        };
        format!("distilbert.transformer.layer.{layer}.{part}")
    }
}

/// A tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorName {
    /// A vector a token.
    WordEmbeddings,
    /// A vector a position.
    PositionEmbeddings,
    /// A linear layer's matrix or a normalisation's scale.
    Weight(Block),
    /// A bias or a normalisation's shift.
    Bias(Block),
}

impl TensorName {
    /// Its name in a Hugging Face file.
    pub fn name(self) -> String {
        match self {
            Self::WordEmbeddings => "distilbert.embeddings.word_embeddings.weight".into(),
            Self::PositionEmbeddings => "distilbert.embeddings.position_embeddings.weight".into(),
            Self::Weight(block) => format!("{}.weight", block.name()),
            Self::Bias(block) => format!("{}.bias", block.name()),
        }
    }

    /// Whether it belongs to the masked-language-model head, which an encoder does not need.
    pub fn is_head(self) -> bool {
        matches!(self, Self::Weight(block) | Self::Bias(block)
            if matches!(block, Block::Transform | Block::TransformNorm | Block::Projector))
    }
}
