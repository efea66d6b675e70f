//! The network, its training step and inference.
