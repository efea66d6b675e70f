//! The stages and their order.

pub mod similar;
