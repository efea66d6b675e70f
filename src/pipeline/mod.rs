//! The stages and their order.
