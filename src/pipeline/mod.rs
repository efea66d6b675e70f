//! The stages and their order.

pub mod bundle;
pub mod evaluate;
pub mod examples;
pub mod train;
