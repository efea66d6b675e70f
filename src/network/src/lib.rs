//! The network that predicts engagement: its training step and its inference on the processor, and the metrics that
//! judge it.
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
//! The public types, in the order in which they are used:
//!
//! * [`Shape`]: the sizes of a network;
//! * [`Network`]: its parameters, by PyTorch's names, and its file;
//! * [`Trainer`]: training steps with [`AdamW`], and checkpoints;
//! * [`Inference`]: a network made ready for prediction in one [`Precision`], fitted to the records of a
//!   [`Calibration`]; [`probability`] turns its logits into probabilities;
//! * [`metrics`]: average precision and relative cross entropy of predictions.
//!
//! ```
//! use skimlog_features::input::Layout;
//! use skimlog_formats::PerReaction;
//! use skimlog_network::{AdamW, Inference, Network, Shape, Trainer, probability};
//!
//! let layout = Layout { sketch_depth: 2, sketch_width: 16, logarithms: false, languages: 3 };
//! let network = Network::new(Shape { layout, hidden: 40 }, 1, PerReaction::default());
//! // `batch` holds 32 labelled records, made by `skimlog_features::input::InputBuilder`.
//! # let batch = skimlog_network::arbitrary::batch(layout, 32, 1);
//! let mut trainer = Trainer::new(network, AdamW::default());
//! let first = trainer.step(&batch, 1e-3)?;
//! let second = trainer.step(&batch, 1e-3)?;
//! assert!(second < first);
//!
//! let mut logits = Vec::new();
//! Inference::new(trainer.network()).logits(&batch, &mut logits)?;
//! let probabilities = logits[0].map(probability);
//! assert!(probabilities.iter().all(|(_, probability)| (0.0..=1.0).contains(probability)));
//! # Ok::<(), skimlog_network::NetError>(())
//! ```
//!
//! The modules of the training step, in the order of a batch: `inputs` lists the inputs that are not zero, `forward`
//! computes `activations` up to the logits, `loss` their gradient, and `backward` the gradients of every layer.
//! `parameters` is the layout of all weights in one buffer, `init` their first values, `tensor_file` their file.
//!
//! Every matrix, parameter or activation, is stored in tiles of 32 columns (`tiles`), and a task of the step is a tile:
//! it holds all records of its columns, so that the linear layer, the batch normalisation and their gradients follow
//! one another in the cache, and the result is the same bit for bit for any number of threads. Gradients of weights are
//! never stored: AdamW is applied as soon as one is complete, in registers. Inputs that are zero are skipped. The inner
//! loops (`kernels`) exist for AVX-512, AVX2 and any processor, chosen at run time.

#![cfg_attr(not(feature = "training"), allow(dead_code, reason = "modules that training and inference share"))]

#[cfg(feature = "training")]
mod activations;
#[cfg(feature = "training")]
mod adamw;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
#[cfg(feature = "training")]
mod backward;
mod check;
mod error;
#[cfg(feature = "training")]
mod forward;
mod inference;
mod init;
#[cfg(feature = "training")]
mod inputs;
mod kernels;
mod loss;
pub mod metrics;
mod network;
mod parameters;
mod shape;
mod tensor_file;
#[cfg(test)]
#[cfg(feature = "training")]
mod tests;
mod tiles;
#[cfg(feature = "training")]
mod trainer;

#[cfg(feature = "training")]
pub use adamw::AdamW;
pub use error::NetError;
pub use inference::{Calibration, Inference, InferenceTimes, Precision};
pub use kernels::{EPSILON, LEAK};
pub use loss::probability;
pub use network::{Network, Tensor};
pub use shape::Shape;
#[cfg(feature = "training")]
pub use trainer::{StageTimes, Trainer};
