//! The network's input, defined once and used by training, evaluation and prediction alike.
//!
//! * [`Example`] — what the network needs of one record: 73 numbers, flags, ids, token ids, labels; a few hundred
//!   bytes;
//! * [`InputBuilder`] — examples into a [`Batch`] the network reads: Fourier terms, flags, tweet sketches.

mod batch;
mod builder;
mod calendar;
mod example;
mod flags;
mod fourier;
#[cfg(test)]
mod golden;

mod languages;
mod names;
mod scalars;

pub use batch::{Batch, FLAGS, FOURIER_TERMS, Layout, NUMBERS, SparseRows};
pub use builder::{InputBuilder, TweetSketch};
pub use calendar::{Day, hour};
pub use example::{Example, ExampleError};
pub use flags::{Flag, Flags};
pub use fourier::{Fourier, fourier_terms};
pub use languages::{Languages, LanguagesError};
pub use names::number_names;
pub use scalars::{SCALARS, Scalar, scalars};

/// Version of what the input means. It rises whenever the same record would give another input, and a model refuses to
/// read records with another one.
pub const FEATURE_VERSION: u32 = 1;
