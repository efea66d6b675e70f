//! The stages and their order.

pub mod export;
pub mod inspect;
pub mod convert;
