//! The stages and their order.

pub mod features;
pub mod freeze;
pub mod similar;
