//! The stage embed: text model → mean vector a token (`token_embeddings.npy`, `token_ids.npy`, `token_counts.npy`).

mod cost;
mod source;
mod stage;
mod vectors;

pub use source::{NoTextModel, TextModel, computes_vectors, text_mode, text_model};
pub use stage::{Embed, token_vectors};
pub use vectors::{EmbedError, EmbedOptions, EmbedSummary, embed};
