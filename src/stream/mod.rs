//! Parts through bounded memory: mapping, blocks of whole lines, residency permits, an ordered parallel map.
//!
//! ```text
//! list_parts → LineBlocks (mapped, .zst or a pipe) → ordered_map: workers → sink, in the blocks' order
//! ```

mod blocks;
mod error;
mod mapped;
mod ordered;
mod parts;
mod permits;

pub use blocks::{Block, BlockSize, LineBlocks};
pub use error::StreamError;
pub use ordered::{ordered_map, ordered_map_with};
pub use parts::{RawPart, list_parts};
pub use permits::{Permit, Permits};
