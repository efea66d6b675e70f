//! The network, its training step and its inference, on the processor alone.
//!
//! ```text
//! x  = [sketch | logarithms | Fourier | flags | language | hour | day]
//! p  = projection(x)
//! h1 = bn1(leaky(l1(x)))
//! h2 = bn2(leaky(l2(h1) + p))
//! h3 = bn3(leaky(l3(h2) + p))
//! logits = l_output(bn4(leaky(l4(h3) + h1)))
//! ```
//!
//! Every matrix, parameter or activation, lies in tiles of 32 columns (`tiles`), and a task of the step is a tile: it
//! holds all records of its columns, so that the linear layer, the batch normalisation and their gradients follow one
//! another in the cache, and the result is the same bit for bit for any number of threads. Gradients of weights are
//! never stored: AdamW is applied to them where they are complete, in registers. The first layer never sees a zero
//! (`inputs`). The inner loops (`kernels`) exist for AVX-512, AVX2 and any processor, chosen at run time.

mod activations;
mod adamw;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
mod backward;
mod error;
mod forward;
mod inference;
mod init;
mod inputs;
mod kernels;
mod loss;
pub mod metrics;
mod network;
mod parameters;
mod shape;
mod tensor_file;
#[cfg(test)]
mod tests;
mod tiles;
mod trainer;

pub use adamw::AdamW;
pub use error::NetError;
pub use inference::{Calibration, Inference, InferenceTimes, Precision};
pub use kernels::{EPSILON, LEAK};
pub use loss::probability;
pub use network::{Network, Tensor};
pub use shape::Shape;
pub use trainer::{StageTimes, Trainer};
