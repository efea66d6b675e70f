//! The stages and their order.

pub mod export;
pub mod inspect;
pub mod convert;
pub mod embed;
pub mod sketch;
mod store;

#[cfg(test)]
mod tests;
pub mod features;
