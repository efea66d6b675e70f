//! The stage finetune: masked-language-model training of the text model, if configured (`distilbert/checkpoint-N/`).

mod cost;
mod options;
mod stage;

pub use options::{FinetuneError, NothingToStartFrom, starts_from};
pub use stage::{Finetune, checkpoint};
