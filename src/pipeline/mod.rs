//! The stages and their order.

pub mod embed;
pub mod sketch;
mod store;

#[cfg(test)]
mod tests;
