//! The network's input, defined once and used by training, evaluation and prediction alike.

mod batch;

pub use batch::{Batch, FLAGS, FOURIER_TERMS, Layout, NUMBERS, SparseRows};
