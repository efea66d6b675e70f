//! The stages and their order.

pub mod bundle;
pub mod convert;
pub mod embed;
pub mod evaluate;
pub mod examples;
pub mod export;
pub mod features;
pub mod inspect;
pub mod memory;
pub mod sketch;
mod store;
pub mod train;

#[cfg(test)]
mod tests;
pub mod freeze;
pub mod similar;
