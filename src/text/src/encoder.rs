//! What a text model does.

use ndarray::Array3;

use crate::{TextError, TokenBatch};

/// Runs a BERT-like model.
pub trait Encoder: Send {
    /// Last hidden states `[sequences, length, width]` of a batch. What stands at padded positions means nothing.
    ///
    /// # Errors
    /// [`TextError::Token`] for a token beyond the model's vocabulary, [`TextError::Run`] where the engine fails.
    fn encode(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, TextError>;
}
