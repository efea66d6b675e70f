//! The stages and their order.

pub mod export;
pub mod inspect;
pub mod convert;
pub mod bundle;
pub mod embed;
pub mod evaluate;
pub mod examples;
pub mod features;
pub mod sketch;
mod store;
pub mod train;

#[cfg(test)]
mod tests;
